"""May the run go on with this data?

statistics of each split, curated schema, statistics of the newest push
  -> gate   anomalies and drift  -> verdict.json, or a refusal that stops the run
"""
