"""The serving directory: versions that appear complete, what lies beside a model, list and roll back."""
