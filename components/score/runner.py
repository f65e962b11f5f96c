"""The engine chosen by flags or settings, and how Beam runs a job's shards on it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from components.errors import UsageError
from components.recordings.inputs import Recording
from components.score.beam_private import import_beam
from components.score.engines.dataflow import Dataflow
from components.score.engines.engine import LOCAL_RUNNERS, BeamRunner, Engine, is_elsewhere, names_runner, option
from components.score.engines.flink import Flink
from components.score.engines.portable import PortableEngine
from components.score.engines.spark import Spark
from components.score.inputs import find_inputs, parse_shards, plan_shards
from components.score.job import ShardTask
from components.score.model import ModelRef
from components.score.run import ScoreRequest

ADDRESS: Final = re.compile(r"(flink|spark)://([A-Za-z0-9._-]+:[0-9]{1,5})/?")

OWN_WORKERS: Final = {None: "direct_num_workers", "flink": "parallelism", "dataflow": "max_num_workers"}
"""Kind of engine -> the Beam option that `workers` becomes."""


def choose_engine(
    on: str | None,
    options: Sequence[str] = (),
    *,
    workers: int | None = None,
    job_endpoint: str | None = None,
    worker_command: str | None = None,
    assume_shared: bool = False,
    shares_process: bool = True,
) -> Engine:
    """Return the engine to run a job on.

    Args:
        on: `flink://HOST:8081`, `spark://HOST:7077` or `dataflow`; None for this machine, or the runner in `options`.
        options: Beam options.
        workers: maximum processes on this machine, slots of Flink, cores of Spark, or machines of Dataflow.
        job_endpoint, worker_command, assume_shared: of `PortableEngine`.
        shares_process: of `BeamRunner`.

    Raises:
        UsageError: `on` names no engine, flags contradict one another, or some would have no effect.
    """
    address = ADDRESS.fullmatch(on or "")
    kind = on if address is None else address[1]
    if address is None and on not in {None, "dataflow"}:
        raise UsageError(
            f"--on {on}: name flink://HOST:8081 (the port of Flink's REST interface), spark://HOST:7077 (the port of "
            "Spark's master) or dataflow."
        )
    if on is not None and names_runner(options):
        raise UsageError("--on names the runner: leave --runner out, or leave --on out and give all options.")
    flags = {"--job-endpoint": job_endpoint, "--worker-command": worker_command}
    if address is None and (named := [flag for flag, value in flags.items() if value]):
        raise UsageError(f"{' and '.join(named)} belong to --on flink://... or --on spark://...")
    if assume_shared and (kind == "dataflow" or (kind is None and not is_elsewhere(options))):
        raise UsageError(
            "--assume-shared is about the machines of a cluster, and the job runs on none that mounts paths."
        )
    if worker_command and (environment := option(options, "environment_type")):
        raise UsageError(
            f"--worker-command has no effect with --environment_type={environment}: leave one of them out."
        )
    if workers is not None:
        _check_workers(kind, options, job_endpoint)
    if kind is None:
        return BeamRunner(workers, options, shares_process, assume_shared)
    if address is None:
        return Dataflow(options, workers)
    cluster = Flink if kind == "flink" else Spark
    return cluster(address[2], options, workers, job_endpoint, worker_command, assume_shared)


def _check_workers(kind: str | None, options: Sequence[str], job_endpoint: str | None) -> None:
    """Refuse a number of workers that would have no effect on this kind of engine, with UsageError."""
    runner = option(options, "runner")
    if runner is not None and runner.rpartition(".")[2] not in LOCAL_RUNNERS:
        raise UsageError(f"--workers is not for --runner={runner}: say it in that runner's own options.")
    if kind == "spark" and job_endpoint:
        raise UsageError(
            "--workers has no effect with --job-endpoint: Spark takes spark.cores.max from the job server."
        )
    same = OWN_WORKERS.get(kind)
    if same and option(options, same) is not None:
        raise UsageError(f"--workers and Beam's --{same} say the same: give one of them.")


@dataclass(frozen=True)
class EngineRunner:
    """Run shards with Beam on an engine; a `RunShards` of `components.score.run`."""

    engine: Engine

    def __call__(self, tasks: Sequence[ShardTask], model: ModelRef, follow: Callable[[], object]) -> list[str]:
        """Score every shard, calling `follow` about twice a second; see `run_on_beam`."""
        with self.engine.session(len(tasks)) as session:
            if not names_runner(session.options):
                import_beam()
            from components.score.beam import run_on_beam  # takes seconds, in which a job server starts

            return run_on_beam(tasks, model, session, follow)

    def check(self, request: ScoreRequest) -> None:
        """Refuse what could not work, before anything is read or written.

        Raises:
            UsageError: options are missing, or workers cannot see a path.
            EnvironmentRefused: the engine is unreachable, full, or of another version.
        """
        self.engine.check_paths(request.inputs, request.output, request.model.uri)
        self.engine.beam_options(1)

    def describe(self, request: ScoreRequest) -> str:
        """Return what would be sent to an engine for a job; nothing for Beam's own runners.

        Raises:
            DataRefused: inputs are missing or cannot be read.
        """
        if isinstance(self.engine, BeamRunner):
            return ""
        tasks = _uncounted_tasks(request)
        options = self.engine.beam_options(len(tasks))
        if isinstance(self.engine, Dataflow):
            return _dataflow_request(tasks, request.model, options)
        assert isinstance(self.engine, PortableEngine)
        server = self.engine.job_endpoint or "one that is started for the job"
        return f"Job server: {server}\nBeam options: {' '.join(options)}"


def _uncounted_tasks(request: ScoreRequest) -> list[ShardTask]:
    """Return about as many tasks as the job has; rows are counted only when it runs."""
    inputs, step = find_inputs(request.inputs, request.settings), request.settings.shard_bytes
    if isinstance(inputs[0], Recording):
        shards = plan_shards(inputs, request.settings)
    else:
        sizes = [each.file.size for each in inputs]
        cut = [[(start, min(size, start + step), 0, 0) for start in range(0, size, step) or (0,)] for size in sizes]
        shards = parse_shards(inputs, cut)
    return [ShardTask("0" * 64, shard, request.output, request.settings) for shard in shards]


def _dataflow_request(tasks: Sequence[ShardTask], model: ModelRef, options: Sequence[str]) -> str:
    from components.io.submitter import RemoteSubmitter
    from components.score.beam import score_shards
    from components.score.beam_private import dataflow_request

    submitter = RemoteSubmitter(tasks[0].output, "lock/dry-run.json")
    request = dataflow_request(lambda pipeline: score_shards(pipeline, tasks, model, submitter), options)
    request["graph"]["shards"] = len(tasks)
    return json.dumps(request, indent=1)
