"""The same graph on Kubeflow Pipelines: compiled, submitted, and each step started there."""
