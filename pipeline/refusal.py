"""Any error as sentences and an exit code: the refusal behind it, the environment, or an unexpected one."""

from __future__ import annotations

import errno
from collections.abc import Iterator

from components.errors import EnvironmentRefused, HeartbeatError


class UnexpectedError(HeartbeatError):
    """An unexpected error; treat it as a bug in Heartbeat."""


OF_THE_ENVIRONMENT = {
    errno.ENOSPC: "No space left on device",
    errno.EDQUOT: "Disk quota exceeded",
    errno.EACCES: "Permission denied",
    errno.EROFS: "Read-only file system",
}
"""What the system says when it is not the program's fault; libraries pass it on as text."""

OF_SQLITE = ("database or disk is full", "attempt to write a readonly database", "disk I/O error")
"""The same in the metadata store's words."""


def refusal_behind(error: BaseException) -> HeartbeatError:
    """Find the error that says in words why something failed, or put an unexpected one into words."""
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
        if cause.errno in OF_THE_ENVIRONMENT or isinstance(cause, (NotADirectoryError, FileExistsError)):
            return f"{cause.strerror}: {cause.filename or 'a file of the run'}"
        return None
    text = str(cause)
    for said in (*OF_THE_ENVIRONMENT.values(), *OF_SQLITE):
        if said in text:
            return next(line.strip() for line in text.splitlines() if said in line)
    return None
