"""May the run continue with this data?

statistics of each split, curated schema, statistics of the newest push
  -> gate   anomalies and drift  -> verdict.json, or a refusal that stops the run
"""
