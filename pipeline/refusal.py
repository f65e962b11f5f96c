"""Turn any error into sentences and an exit code: a refusal, a fault of the environment, or an unexpected error."""

from __future__ import annotations

import errno
from collections.abc import Iterator

from components.errors import EnvironmentRefused, HeartbeatError


class UnexpectedError(HeartbeatError):
    """An unexpected error; treat it as a bug in Heartbeat."""


SYSTEM_ERRORS = {
    errno.ENOSPC: "No space left on device",
    errno.EDQUOT: "Disk quota exceeded",
    errno.EACCES: "Permission denied",
    errno.EROFS: "Read-only file system",
}
"""Errors of the environment, not of the program; libraries often pass them on only as text."""

SQLITE_ERRORS = ("database or disk is full", "attempt to write a readonly database", "disk I/O error")
"""The same in the metadata store's words."""


def refusal_behind(error: BaseException) -> HeartbeatError:
    """Return the refusal among an error's causes, else a fault of the environment, else an unexpected error."""
    for cause in _chain(error):
        if isinstance(cause, HeartbeatError):
            return cause
    for cause in _chain(error):
        reason = _environment(cause)
        if reason is not None:
            return EnvironmentRefused(f"{reason}. Make room or give the right to write, and run again.")
    message = (str(error).strip().splitlines() or ["no message"])[-1]
    return UnexpectedError(f"Unexpected {type(error).__name__}: {message}.")


def _chain(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _environment(cause: BaseException) -> str | None:
    if isinstance(cause, OSError) and cause.errno is not None:
        if cause.errno in SYSTEM_ERRORS or isinstance(cause, (NotADirectoryError, FileExistsError)):
            return f"{cause.strerror}: {cause.filename or 'a file of the run'}"
        return None
    text = str(cause)
    for phrase in (*SYSTEM_ERRORS.values(), *SQLITE_ERRORS):
        if phrase in text:
            return next(line.strip() for line in text.splitlines() if phrase in line)
    return None
