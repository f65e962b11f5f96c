"""What can be known of the CSVs before a run is submitted."""

from __future__ import annotations

import os

from components.ingest.locate import find_inputs
from components.io.files import fingerprint, is_remote


def data_fingerprint(data: str) -> str | None:
    """List the CSVs and return the fingerprint of their names, sizes and times: the cache key of what they hold.

    Returns:
        None for a folder that only the pods have.

    Raises:
        UsageError: no file system has the URI's scheme.
        DataRefused: a file is missing.
        EnvironmentRefused: the bucket cannot be listed.
    """
    if not is_remote(data) and not os.path.isdir(data):
        return None
    return fingerprint(find_inputs(data).files)
