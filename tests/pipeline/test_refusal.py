import errno
import sqlite3

import pytest

from components.errors import DataRefused, EnvironmentRefused, HeartbeatError, ModelRefused
from pipeline.refusal import UnexpectedError, refusal_behind


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


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("OSError: [Errno 28] No space left on device [while running 'IngestShard']"),
        ValueError("/tmp/x.part; No space left on device"),
        sqlite3.OperationalError("database or disk is full"),
        RuntimeError("Read-only file system: /mnt/a"),
    ],
)
def test_the_environment_is_known_by_its_words_too(error: Exception) -> None:
    found = refusal_behind(error)
    assert isinstance(found, EnvironmentRefused)
    assert str(error) in found.sentences[0]


def test_a_missing_file_of_ours_is_not_the_environment() -> None:
    assert type(refusal_behind(FileNotFoundError(errno.ENOENT, "No such file", "x"))) is UnexpectedError


def test_an_unexpected_error_becomes_one_sentence_with_its_type_and_last_line() -> None:
    found = refusal_behind(ValueError("first line\nlast line"))
    assert (found.exit_code, found.sentences) == (1, ("Unexpected ValueError: last line.",))
    assert refusal_behind(KeyError()).sentences == ("Unexpected KeyError: no message.",)
