"""Whole objects of a store, byte for byte, with a store that fails put into words; pushes and scoring share it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from components.beats.errors import EnvironmentRefused
from components.ingest.remote import create_remote, file_systems


@contextmanager
def store_told(act: str) -> Iterator[None]:
    """Say what was tried when a store fails.

    Args:
        act: what is tried, as in "read s3://bucket/object".

    Raises:
        EnvironmentRefused: Beam's file system or the operating system failed inside.
    """
    from apache_beam.io.filesystem import BeamIOError

    try:
        yield
    except (BeamIOError, OSError) as error:
        raise EnvironmentRefused(f"Cannot {act}: {error}. Check the network and the bucket.") from error


def open_object(path: str) -> Any:
    """Open an object for reading its stored bytes."""
    from apache_beam.io.filesystem import CompressionTypes

    return file_systems(path).open(path, compression_type=CompressionTypes.UNCOMPRESSED)


def create_object(path: str) -> Any:
    """Create an object that appears, as it is written, when it is closed."""
    return create_remote(path)
