"""The models that are measured and compared, as functions of beats, and the noise that they are measured under."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from components.beat import Beats
from components.errors import EnvironmentRefused
from components.evaluate.gate import Current
from components.io.serving import METRICS, ServingDirectory
from components.train.export import load_predict
from components.transform.noise import add_noise

BLOCK = 8192
"""Beats that get their noise at a time: 6 MB of signal."""


def noisy_signal(signal: npt.NDArray[np.float32], draw: int, sd: float) -> npt.NDArray[np.float32]:
    """Add one draw of noise to every beat, block by block.

    Args:
        signal: float32[n, 187], 0..1.
        draw: number of the draw.
        sd: in units of the samples.

    Returns:
        float32[n, 187].
    """
    blocks = [np.asarray(add_noise(signal[start : start + BLOCK], draw, sd)) for start in range(0, len(signal), BLOCK)]
    return np.concatenate(blocks)


def current_model(serving: str, beats: Beats, noisy: npt.NDArray[np.float32]) -> Current | None:
    """Ask the newest push about clean and noisy beats; None when nothing was pushed.

    The directory is read here and now, so that what serves is no part of the cache's key.

    Args:
        serving: the serving directory or URI.
        beats: the test beats.
        noisy: float32[n, 187], the samples of the same beats with the first draw of noise.

    Raises:
        EnvironmentRefused: the serving directory cannot be read, or what serves there is no model of ours.
    """
    directory = ServingDirectory(serving)
    versions = directory.versions()
    if not versions:
        return None
    with directory.opened(versions[-1]) as folder:
        try:
            predict = load_predict(str(folder))
            clean, with_noise = predict(beats.signal, beats.context), predict(noisy, beats.context)
        except (OSError, KeyError, ValueError) as error:
            raise EnvironmentRefused(
                f"Version {versions[-1]} in {serving} cannot be asked ({error}), so no model can be compared with it: "
                "remove it, or push to another serving directory."
            ) from error
        return Current(
            version=versions[-1],
            clean=clean,
            noisy=with_noise,
            synthetic=bool(directory.json_sidecar(versions[-1], METRICS).get("synthetic")),
        )
