"""A scoring job that nobody watches: each in a folder named for it, so that it can be begun again and resumed."""

from __future__ import annotations

from collections.abc import Sequence

from components.io.sources import find_sources
from components.score.budget import RejectBudget
from components.score.engines.address import parse_engine
from components.score.engines.visible import check_visible
from components.score.job import Fingerprint
from components.score.model import ModelPlace, find_model
from components.score.progress import ProgressReader
from components.score.run import ScoreRequest
from components.score.settings import BatchSettings
from components.score.shard import ShardTask


def batch_request(pattern: str, top: str, model: str, settings: BatchSettings) -> ScoreRequest:
    """The job for these inputs and this model, in the folder below `top` that is named for exactly these.

    Raises:
        DataRefused: inputs are missing or cannot be read.
        UsageError: there is no model, the budget is none, or the cluster's workers do not see a path.
        EnvironmentRefused: the model cannot be read.
    """
    place = find_model(model, "")
    if settings.on:
        check_visible([pattern], top, place.place, settings.assume_shared)
    job = Fingerprint(place.digest, settings.job, tuple(find_sources([pattern])))
    return ScoreRequest(
        inputs=(pattern,),
        output=f"{top.rstrip('/')}/{job.digest}",
        model=place,
        settings=settings.job,
        existing="resume",
        budget=RejectBudget(settings.reject_budget),
    )


def run_where_set(
    settings: BatchSettings, model: ModelPlace, tasks: Sequence[ShardTask], progress: ProgressReader
) -> list[str]:
    """Runs tasks on the cluster that the settings name, or in processes of their own on this machine.

    Of their own, as TensorFlow may be in use here already, on more than one thread.

    Raises:
        EnvironmentRefused: the cluster or its job server is not reached, has no room, or is of another version.
    """
    if settings.on:
        from components.score.engines.submit import EngineJob, run_on_engine

        where = parse_engine(settings.on)
        asked = EngineJob(where, settings.job_endpoint or None, None, workers=None, options=settings.beam)
        return run_on_engine(asked, model, tasks, progress.look)
    from components.score.beam import Submission, run_on_beam

    return run_on_beam(Submission(tasks, model, min(settings.workers, len(tasks)), []), progress.look)
