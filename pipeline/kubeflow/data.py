"""What can be known of the CSVs before a run is submitted."""

from __future__ import annotations

import os

from components.beats.errors import DataRefused, EnvironmentRefused
from components.ingest.files import fingerprint, is_remote
from components.ingest.locate import find_inputs


def data_fingerprint(data: str) -> str | None:
    """List the CSVs and return the fingerprint of their names, sizes and times: the cache key of what they hold.

    Returns:
        None for a folder that only the pods have.

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
    return fingerprint(inputs.files)
