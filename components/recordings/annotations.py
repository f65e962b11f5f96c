"""Reading a record's annotations, and checking that they can be true."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from components.beats.cut import check_positions
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


def read_annotations(stem: Path, extension: str, fs: Fraction, sig_len: int) -> Annotations:
    """Read an annotation file with wfdb.

    Args:
        stem: path of the annotation file, without extension.
        extension: the annotator, for instance atr.
        fs: frames per second of the record.
        sig_len: frames of the record.

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
    own_fs = Fraction(read.fs).limit_denominator(1000) if read.fs else fs
    if own_fs != fs:
        ratio = fs / own_fs
        samples = (2 * samples * ratio.numerator + ratio.denominator) // (2 * ratio.denominator)
    try:
        check_positions(samples, sig_len)
    except DataRefused as refused:
        raise DataRefused(f"its {path.name} is wrong: {refused.sentences[0]}") from refused
    return Annotations(samples, np.asarray(read.symbol, np.str_))
