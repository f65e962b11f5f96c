"""A scoring job that nobody watches: each in a folder named for it, so that it can be begun again and resumed."""

from __future__ import annotations

from collections.abc import Sequence

from components.score.budget import RejectBudget
from components.score.inputs import find_sources
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
        UsageError: there is no model, or the budget is none.
        EnvironmentRefused: the model cannot be read.
    """
    place = find_model(model, "")
    job = Fingerprint(place.digest, settings.job, tuple(find_sources([pattern])))
    return ScoreRequest(
        inputs=(pattern,),
        output=f"{top.rstrip('/')}/{job.digest}",
        model=place,
        settings=settings.job,
        existing="resume",
        budget=RejectBudget(settings.reject_budget),
    )


def run_in_workers(model: ModelPlace, workers: int, tasks: Sequence[ShardTask], progress: ProgressReader) -> list[str]:
    """Runs tasks in processes of their own, as TensorFlow may be in use here already, on more than one thread."""
    from components.score.beam import Submission, run_on_beam

    return run_on_beam(Submission(tasks, model, min(workers, len(tasks)), []), progress.look)
