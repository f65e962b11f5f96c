"""From WFDB records to the CSVs that the pipeline trains on and the scorer reads."""
