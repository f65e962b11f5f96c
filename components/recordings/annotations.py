"""Reading a record's annotations, and checking that they are plausible."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from components.beats.cut import check_positions
from components.errors import DataRefused
from components.recordings.annotation_files import COMMENT, WFDB_SYMBOLS
from components.recordings.annotation_words import AnnotationFile, read_words
from components.recordings.header import EDF
from components.recordings.lead import Lead

END_OF_FILE = b"\0\0"

EDF_TICKS = 1_000_000
"""Ticks per second for the annotations of EDF+ files."""


@dataclass(frozen=True)
class Annotations:
    """The annotations of a record, beats or not, in file order."""

    sample: npt.NDArray[np.int64]  # int64[n], position in samples of the lead
    # str[n], as in WFDB, `code 42` for a code without a WFDB symbol; empty for detected beats
    symbol: npt.NDArray[np.str_]
    outside: int = 0  # annotations one sample past the end of the record, left out


def annotation_file(stem: Path, extension: str) -> Path:
    """Return where the annotation file of a record is, if it has one; an EDF+ file may hold its own, as `edf`."""
    path = stem.with_name(f"{stem.name}.{extension}")
    return stem if f".{extension.lower()}" in EDF and stem.suffix.lower() in EDF and not path.is_file() else path


def annotation_path(stem: Path, extension: str) -> Path:
    """Return the path of a record's annotation file; DataRefused if it is missing."""
    path = annotation_file(stem, extension)
    if not path.is_file():
        raise DataRefused(
            f"its annotations {path.name} are missing; name another annotator with --annotator, "
            "or find its beats in the signal with --detect."
        )
    return path


def read_annotation_file(path: Path) -> AnnotationFile:
    """Read an annotation file of WFDB, or the annotations of an EDF+ or BDF+ file.

    Raises:
        DataRefused: it cannot be read, is truncated or does not parse.
        EnvironmentRefused: an EDF+ file cannot be read.
    """
    if path.suffix.lower() in EDF:
        return _edf_annotations(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataRefused(f"its annotations {path.name} cannot be read: {error}.") from error
    if len(content) % 2 or content[-2:] != END_OF_FILE:
        what = "are cut short, or no annotation file of WFDB: their end mark is missing" if content else "are empty"
        raise DataRefused(f"its annotations {path.name} {what}. Copy the file again from where it is whole.")
    return read_words(content, path.name)


def _edf_annotations(path: Path) -> AnnotationFile:
    """Read the annotations of an EDF+ file: a symbol, or a symbol that is no letter and a note; others are comments."""
    from components.recordings.edf import read_edf_annotations

    seconds, symbols, notes = [], [], []
    for second, text in read_edf_annotations(path):
        first, _, note = text.partition(" ")
        is_symbol = first in WFDB_SYMBOLS and len(first) == 1 and not (note and first.isalpha())
        seconds.append(second)
        symbols.append(first if is_symbol else COMMENT)
        notes.append(note if is_symbol else text)
    ticks = np.rint(np.array(seconds) * EDF_TICKS).astype(np.int64)
    order = np.argsort(ticks, kind="stable")
    subtype, aux = np.zeros(len(ticks), np.int64), tuple(notes[i] for i in order.tolist())
    return AnnotationFile(ticks[order], np.array(symbols, np.str_)[order], subtype, aux, Fraction(EDF_TICKS))


def read_annotations(stem: Path, extension: str, lead: Lead) -> Annotations:
    """Read the annotation file `stem.extension`, its positions in samples of the lead.

    Raises:
        DataRefused: the file is missing, cut short or does not parse, or an annotation is out of order or more than
            one past the end.
    """
    path = annotation_path(stem, extension)
    read = read_annotation_file(path)
    samples, outside = _in_lead(read.ticks, read.fs or lead.tick_fs, lead)
    try:
        check_positions(samples, lead.length)
    except DataRefused as refused:
        raise DataRefused(f"its {path.name} is wrong: {refused.sentences[0]}") from refused
    return Annotations(samples, read.symbol[: len(samples)], outside)


def _in_lead(ticks: npt.NDArray[np.int64], fs: Fraction, lead: Lead) -> tuple[npt.NDArray[np.int64], int]:
    """Convert positions in ticks, `fs` per second, to samples of the lead.

    Returns:
        int64[n], without those one past the end, and the number of these.
    """
    ratio = (lead.fs / fs).limit_denominator(1_000_000)
    end = ratio.denominator * lead.length  # in ticks times the numerator
    nearest = (2 * ticks * ratio.numerator + ratio.denominator) // (2 * ratio.denominator)
    inside = ticks * ratio.numerator < end
    samples = np.where(inside, np.minimum(nearest, lead.length - 1), nearest)
    outside = 0
    while len(samples) and samples[-1] == lead.length:
        samples, outside = samples[:-1], outside + 1
    return samples, outside
