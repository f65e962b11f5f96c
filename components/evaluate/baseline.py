"""The model that serves now, asked about today's test beats."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from components.errors import EnvironmentRefused
from components.evaluate.answers import served
from components.evaluate.gate import Current
from components.io.serving import METRICS, ServingDirectory


def current_answers(serving: str, signal: npt.NDArray[np.float32], noisy: npt.NDArray[np.float32]) -> Current | None:
    """Ask the newest push about clean and noisy beats; None when nothing was pushed.

    The directory is read here and now, so that what serves is no part of the cache's key.

    Args:
        serving: the serving directory or URI.
        signal: float32[n, 187], 0..1, the test beats.
        noisy: float32[n, 187], the same beats with the first draw of noise.

    Raises:
        EnvironmentRefused: the serving directory cannot be read, or what serves there is no model of ours.
    """
    directory = ServingDirectory(serving)
    versions = directory.versions()
    if not versions:
        return None
    with directory.opened(versions[-1]) as folder:
        try:
            predict = served(str(folder))
        except (OSError, KeyError, ValueError) as error:
            raise EnvironmentRefused(
                f"Version {versions[-1]} in {serving} cannot be asked ({error}), so no model can be compared with it: "
                "remove it, or push to another serving directory."
            ) from error
        return Current(
            version=versions[-1],
            clean=predict(signal),
            noisy=predict(noisy),
            synthetic=bool(directory.json_sidecar(versions[-1], METRICS).get("synthetic")),
        )
