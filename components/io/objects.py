"""Whole objects of a store, byte for byte, with a store that fails put into words; pushes and scoring share it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from components.errors import EnvironmentRefused, HeartbeatError
from components.io.remote import create_remote, file_systems


@contextmanager
def store_told(act: str) -> Iterator[None]:
    """Say what was tried when a store fails.

    Args:
        act: what is tried, as in "read s3://bucket/object".

    Raises:
        EnvironmentRefused: Beam's file system, the store's client or the operating system failed inside.
    """
    try:
        yield
    except HeartbeatError:
        raise
    except Exception as error:  # whatever the store's client raises
        raise EnvironmentRefused(f"Cannot {act}: {error}. Check the network and the bucket.") from error


def open_object(path: str) -> Any:
    """Open an object for reading its stored bytes."""
    from apache_beam.io.filesystem import CompressionTypes

    return file_systems(path).open(path, compression_type=CompressionTypes.UNCOMPRESSED)


def create_object(path: str) -> Any:
    """Create an object that appears, as it is written, when it is closed."""
    return create_remote(path)


def write_object(path: str, source: BinaryIO) -> None:
    """Make an object of what a file holds from where it stands, which may be nothing."""
    with create_object(path) as sink:
        shutil.copyfileobj(source, sink)
