"""Batch scoring: any number of beats through a pushed model, in one Beam job that can be stopped and resumed.

    inputs -> io/sources, io/shards -> job.py: fingerprint and shards, written to job.json
           -> run.py: lock, plan or resume (resume.py), run the shards, reconcile and judge (summary.py)
           -> runner.py -> engines/ and beam.py: one element per shard
           -> shard.py: io/shards reads blocks -> model.py answers -> columns.py writes parts/
                        -> rejects/, and last the shard's record (record.py)

`heartbeat score` and node.py (the pipeline's stage) both call `run.score`. A shard is done if its record exists and
agrees with its files, so the runner may be any, and may change from one run of a job to the next.
"""
