import errno

import pytest

from components.beats.errors import DataRefused, EnvironmentRefused, HeartbeatError, ModelRefused
from pipeline.run import refusal_behind
from pipeline.summary import ROWS_OF_STAGE, StageRecord, Summary


def wrapped(cause: BaseException) -> RuntimeError:
    """An error as Beam raises it: another type, the cause behind it."""
    try:
        try:
            raise cause
        except BaseException as inner:
            raise RuntimeError("while running step 7") from inner
    except RuntimeError as outer:
        return outer


@pytest.mark.parametrize("refusal", [DataRefused(["a", "b"]), ModelRefused("c"), EnvironmentRefused("d")])
def test_a_refusal_is_found_behind_what_wraps_it(refusal: HeartbeatError) -> None:
    assert refusal_behind(wrapped(refusal)) is refusal


def test_a_full_disk_is_the_environment_and_names_the_file() -> None:
    found = refusal_behind(wrapped(OSError(errno.ENOSPC, "No space left on device", "/data/part-3")))
    assert isinstance(found, EnvironmentRefused)
    assert "/data/part-3" in found.sentences[0]


def test_an_unexpected_error_becomes_one_sentence_with_its_type_and_last_line() -> None:
    found = refusal_behind(ValueError("first line\nlast line"))
    assert (found.exit_code, found.sentences) == (
        1,
        ("Unexpected ValueError: last line. The run's log has the whole of it.",),
    )
    assert refusal_behind(KeyError()).sentences == (
        "Unexpected KeyError: no message. The run's log has the whole of it.",
    )


def test_rows_of_a_stage_are_those_of_the_splits_it_reads() -> None:
    rows = {"train": 70, "eval": 7, "test": 20, "rejects": 3}
    stages = [StageRecord("ExampleGen", "cached"), StageRecord("Trainer", "ran"), StageRecord("Judge", "skipped")]
    summary = Summary(run="r", data={"rows": rows}, stages=[*stages, StageRecord("Pusher", "ran")])
    summary.count_rows()
    assert [stage.rows for stage in summary.stages] == [100, 77, None, None]
    assert set(ROWS_OF_STAGE["Judge"]) == {"test"}
