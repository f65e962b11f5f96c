"""What can be known of the CSVs before a run is submitted."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from components.beats.errors import DataRefused, EnvironmentRefused
from components.beats.synthetic import MARKER
from components.ingest.files import fingerprint, is_remote
from components.ingest.locate import find_inputs


@dataclass(frozen=True)
class SeenData:
    """The CSVs as they were listed.

    Attributes:
        fingerprint: of names, sizes and times, which is the cache key of what is read from them.
        synthetic: whether they are the simulated demo set.
    """

    fingerprint: str
    synthetic: bool


def seen_data(data: str) -> SeenData | None:
    """List the CSVs, or return None for a folder that only the pods have.

    Raises:
        DataRefused: a file is missing.
        EnvironmentRefused: the bucket cannot be listed.
    """
    if not is_remote(data) and not os.path.isdir(data):
        return None
    try:
        inputs = find_inputs(data)
    except DataRefused as refused:
        if is_remote(data) and refused.__cause__ is not None:
            raise EnvironmentRefused(refused.sentences) from refused
        raise
    return SeenData(fingerprint(inputs.files), not is_remote(data) and (Path(data) / MARKER).exists())
