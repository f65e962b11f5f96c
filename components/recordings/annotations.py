"""Reading a record's annotations, and checking that they can be true."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from components.errors import DataRefused

END_OF_FILE = b"\0\0"


@dataclass(frozen=True)
class Annotations:
    """All annotations of a record, beats or not, in file order.

    Attributes:
        sample: int64[n], position in frames of the record.
        symbol: str[n], empty for beats that were detected.
    """

    sample: npt.NDArray[np.int64]
    symbol: npt.NDArray[np.str_]


def read_annotations(stem: Path, extension: str, frame_rate: Fraction, frames: int) -> Annotations:
    """Read an annotation file with wfdb.

    Args:
        stem: path of the annotation file, without extension.
        extension: the annotator, for instance atr.
        frame_rate: frames per second of the record.
        frames: the record's length.

    Raises:
        DataRefused: the file is missing, cut short or does not parse, or an annotation is out of order or outside the
            record.
    """
    import wfdb

    path = stem.with_name(f"{stem.name}.{extension}")
    if not path.is_file():
        raise DataRefused(
            f"its annotations {path.name} are missing; name another annotator with --annotator, "
            "or find its beats in the signal with --detect."
        )
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataRefused(f"its annotations {path.name} cannot be read: {error}.") from error
    if len(content) % 2 or content[-2:] != END_OF_FILE:
        raise DataRefused(f"its annotations {path.name} are cut short: their end mark is missing.")
    try:
        read = wfdb.rdann(str(stem), extension)
    except Exception as error:  # wfdb raises what its parser happens to meet
        raise DataRefused(f"its annotations {path.name} cannot be read: {error}") from error
    samples = np.asarray(read.sample, np.int64)
    own_rate = Fraction(read.fs).limit_denominator(1000) if read.fs else frame_rate
    if own_rate != frame_rate:
        ratio = frame_rate / own_rate
        samples = (2 * samples * ratio.numerator + ratio.denominator) // (2 * ratio.denominator)
    _check(samples, frames, path.name)
    return Annotations(samples, np.asarray(read.symbol, np.str_))


def _check(samples: npt.NDArray[np.int64], frames: int, name: str) -> None:
    """Refuse annotations that run backwards or lie outside the record."""
    backwards = np.flatnonzero(np.diff(samples) < 0)
    if backwards.size:
        i = int(backwards[0])
        raise DataRefused(
            f"its annotations {name} are out of order: number {i + 1} is at sample {samples[i + 1]}, "
            f"the one before at {samples[i]}."
        )
    outside = np.flatnonzero((samples < 0) | (samples >= frames))
    if outside.size:
        i = int(outside[0])
        raise DataRefused(
            f"its annotations {name} go past the end: number {i} is at sample {samples[i]} of a record of {frames}."
        )
