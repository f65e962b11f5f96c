"""CSV or Parquet files of beats to tf.Examples in splits train, eval and test, and the gate on what became of rows.

locate.py   a data folder -> its train and test files, with their provenance
run.py      files -> one job per shard; what the jobs left -> ingest.json and rejects.jsonl
shard.py    a job: rows -> beats -> examples of each split, rejects, and a record of the counts
split.py    which of the train file's beats are held out for validation
report.py   ingest.json, and whether a run may go on with what it says
node.py     the TFX nodes ExampleGen and IngestGate
"""
