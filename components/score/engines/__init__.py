"""Engines that run the scoring job on many machines; `components.score.runner.choose_engine` chooses one.

    --on flink://HOST:8081  -> flink.py     \
    --on spark://HOST:7077  -> spark.py      > an Engine: Beam options, and a Session for as long as a job runs
    --on dataflow           -> dataflow.py  /
    neither                 -> engine.py: Beam's local runner, or the runner that Beam options name

Flink and Spark take jobs through Beam's job server (job_server.py), which runs under guard.py; their workers run
worker.py.
"""
