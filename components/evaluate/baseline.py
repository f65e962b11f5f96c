"""The model that serves now, asked about today's test beats."""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt

from components.evaluate.answers import noisy_signal, served
from components.evaluate.gate import Current
from components.evaluate.judge import FIRST_DRAW
from components.push.names import METRICS, SIDECAR_DIR
from components.push.serving import store_at


def current_answers(serving: str, signal: npt.NDArray[np.float32], noise_sd: float) -> Current | None:
    """Ask the newest push about clean and noisy beats; None when nothing was pushed.

    The directory is read here and now, so that what serves is no part of the cache's key.

    Args:
        serving: the serving directory or URI.
        signal: float32[n, 187], 0..1, the test beats.
        noise_sd: of the noisy beats, in units of the samples.

    Raises:
        EnvironmentRefused: the serving directory cannot be read.
    """
    store = store_at(serving)
    versions = store.versions()
    if not versions:
        return None
    with store.opened(versions[-1]) as folder:
        predict = served(str(folder))
        told = folder / SIDECAR_DIR / METRICS
        return Current(
            version=versions[-1],
            clean=predict(signal),
            noisy=predict(noisy_signal(signal, FIRST_DRAW, noise_sd)),
            synthetic=told.is_file() and json.loads(told.read_text(encoding="utf-8"))["synthetic"],
        )
