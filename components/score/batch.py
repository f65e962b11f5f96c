"""A scoring job that nobody watches: each in a folder named for it, so that it can be begun again and resumed."""

from __future__ import annotations

from components.io.sources import find_sources
from components.score.budget import RejectBudget
from components.score.engines.choose import choose_engine
from components.score.job import Fingerprint
from components.score.model import find_model
from components.score.run import ScoreRequest
from components.score.runner import EngineRunner
from components.score.settings import BatchSettings


def batch_request(pattern: str, top: str, model: str, settings: BatchSettings) -> ScoreRequest:
    """Return the job for these inputs and this model, in the folder below `top` that is named for exactly these.

    Raises:
        DataRefused: inputs are missing or cannot be read.
        UsageError: there is no model, the budget is malformed, or the cluster's workers do not see a path.
        EnvironmentRefused: the model cannot be read.
    """
    place = find_model(model, "")
    if settings.on:
        batch_runner(settings).engine.check_paths([pattern], top, place.place)
    job = Fingerprint(place.digest, settings.job, tuple(find_sources([pattern])))
    return ScoreRequest(
        inputs=(pattern,),
        output=f"{top.rstrip('/')}/{job.digest}",
        model=place,
        settings=settings.job,
        existing="resume",
        budget=RejectBudget(settings.reject_budget),
    )


def batch_runner(settings: BatchSettings) -> EngineRunner:
    """Return what runs the shards: the cluster that the settings name, or processes on this machine.

    Never this process, as TensorFlow may be in use here already, on more than one thread.
    """
    engine = choose_engine(
        settings.on or None,
        settings.beam if settings.on else (),
        workers=None if settings.on else settings.workers,
        job_endpoint=settings.job_endpoint if settings.on and settings.job_endpoint else None,
        assume_shared=settings.assume_shared,
        shares_process=False,
    )
    return EngineRunner(engine)
