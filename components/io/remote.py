"""Files behind a URI, through Beam's FileSystems; a store that does not answer is told in its own innermost words."""

from __future__ import annotations

import re
from typing import Any, Final

from components.errors import DataRefused, EnvironmentRefused, HeartbeatError, UsageError
from components.io.reach import check_reach
from components.io.uploads import Upload

ACCESS: Final = {
    "s3": "Credentials and region of s3:// come from the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and "
    "AWS_DEFAULT_REGION.",
    "gs": "Credentials of gs:// come from the environment: GOOGLE_APPLICATION_CREDENTIALS, or the account that gcloud "
    "or the machine is set up with.",
}
"""Scheme -> where its store's client looks for the right to read."""

BYTES: Final = "application/octet-stream"
"""Media type of what is not for people to look at."""

NOT_FOUND: Final = 404
"""Status with which a store says that it has no such object."""

WRAPPED: Final = ("reason", "cause", "__cause__")
"""Attributes in which errors of urllib3, of Google's clients and of Python hold the one they are about."""

OBJECT: Final = re.compile(r"^<[^>]*>: ")
"""How urllib3 names the connection that it speaks of."""


def list_remote(pattern: str) -> list[tuple[str, int, str]]:
    """Lists path, size in bytes and version of the files a URI stands for, sorted by path.

    Raises:
        UsageError: no file system has the scheme.
        EnvironmentRefused: the store cannot be reached, or does not let us list.
    """
    systems = file_systems(pattern)
    try:
        found = systems.match([pattern])[0].metadata_list
        files = []
        for meta in sorted(found, key=lambda meta: str(meta.path)):
            seconds = meta.last_updated_in_seconds
            version = f"mtime {seconds} s" if seconds else f"checksum {systems.checksum(meta.path)}"
            files.append((str(meta.path), int(meta.size_in_bytes), version))
    except Exception as error:  # whatever the store's client raises
        raise EnvironmentRefused(f"Cannot list {pattern}: {_words(_innermost(error))}. {_advice(pattern)}") from error
    return files


def open_remote(uri: str) -> Any:
    """Opens a file for reading its stored bytes.

    Raises:
        UsageError: no file system has the scheme.
        DataRefused: the file is not there.
        EnvironmentRefused: the store cannot be reached, or does not let us read.
    """
    from apache_beam.io.filesystem import CompressionTypes

    systems = file_systems(uri)
    try:
        return systems.open(uri, compression_type=CompressionTypes.UNCOMPRESSED)
    except Exception as error:  # whatever the store's client raises
        raise unread_remote("open", uri, error) from error


def create_remote(uri: str, kind: str = BYTES) -> Any:
    """Opens a file for writing from its start.

    Args:
        uri: of the file.
        kind: media type that its readers are told.

    Raises:
        UsageError: no file system has the scheme.
        EnvironmentRefused: the store cannot be reached, or does not let us write; of s3:// only the file's own methods
            tell the latter.
    """
    from apache_beam.io.filesystem import CompressionTypes

    systems = file_systems(uri)

    def begin() -> Any:
        return systems.create(uri, kind, CompressionTypes.UNCOMPRESSED)

    def in_words(error: Exception) -> HeartbeatError:
        return EnvironmentRefused(f"Cannot write {uri}: {_words(_innermost(error))}. {_advice(uri)}")

    if uri.startswith("s3://"):
        return Upload(begin, uri, in_words)
    try:
        return begin()
    except Exception as error:  # whatever the store's client raises
        raise in_words(error) from error


def unread_remote(act: str, uri: str, error: Exception) -> HeartbeatError:
    """Why a file could not be opened or read: it is not there, or else the environment."""
    cause = _innermost(error)
    if isinstance(cause, FileNotFoundError) or getattr(cause, "code", None) == NOT_FOUND:
        return DataRefused(f"Cannot {act} {uri}: {_words(cause)}. Check that it is there.")
    return EnvironmentRefused(f"Cannot {act} {uri}: {_words(cause)}. {_advice(uri)}")


def file_systems(uri: str) -> Any:
    """Beam's FileSystems, ready for a URI.

    Raises:
        UsageError: no file system has the scheme.
        EnvironmentRefused: the store cannot be reached.
    """
    from apache_beam.io.filesystem import FileSystem
    from apache_beam.io.filesystems import FileSystems
    from apache_beam.options.pipeline_options import PipelineOptions

    known = sorted({scheme for system in FileSystem.get_all_subclasses() if (scheme := system.scheme())})
    if FileSystems.get_scheme(uri) not in known:
        raise UsageError(f"{uri} cannot be opened: use a local path, or a URI of {', '.join(known)}.")
    if FileSystems._pipeline_options is None:
        FileSystems.set_options(PipelineOptions([]))  # outside of a pipeline; s3 refuses to start without options
    check_reach(uri)
    return FileSystems


def _innermost(error: BaseException) -> BaseException:
    """The error that all others are about: stores' clients wrap, or list, those of the clients below them."""
    while True:
        details = getattr(error, "exception_details", None) or {}
        candidates = (*details.values(), *(getattr(error, name, None) for name in WRAPPED), *error.args)
        inner = next((candidate for candidate in candidates if isinstance(candidate, BaseException)), None)
        if inner is None:
            return error
        error = inner


def _words(error: BaseException) -> str:
    told = getattr(error, "strerror", None) or getattr(error, "message", None) or str(error) or type(error).__name__
    return " ".join(OBJECT.sub("", str(told)).split()).rstrip(".")


def _advice(uri: str) -> str:
    general = "Check the address, the network and the access rights."
    return " ".join([general, *(text for scheme, text in ACCESS.items() if uri.startswith(f"{scheme}://"))])
