"""The cutting rule: how annotated samples of one lead become rows of 187 values.

A row starts at its annotation and ends a fifth of the next interval past the next annotation:

    window = signal[a[i] : a[i+1] + floor((a[i+2] - a[i+1]) / 5) : 3]

with the record's length in place of an a[i+2] past the end, and no row for the last annotation. The window is scaled
by its own minimum and maximum, all of it, before the first 187 samples are kept and padded with zeros on the right.
Positions count every annotation in file order, beat or not. This is the rule that Kaggle's MIT-BIH files were made
with: their test file comes out of it byte for byte.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from components.beat import RECORD_RATE_HZ, SAMPLE_RATE_HZ, SAMPLES, SYMBOL_TO_LABEL
from components.errors import DataRefused

STEP = RECORD_RATE_HZ // SAMPLE_RATE_HZ
"""Samples of the record per sample of a beat."""

OVERHANG = 5
"""The window goes one over this of the next interval past the next annotation."""


@dataclass(frozen=True)
class CutBeats:
    """n beats cut from one lead, row i of every column being the same beat, in file order.

    Attributes:
        signal: float32[n, 187], min-max scaled 0..1, 120 Hz, zero-padded on the right.
        label: int64[n], an index into CLASSES; -1 where the beats carry no symbol.
        sample: int64[n], position of the annotation in the record, 360 Hz.
        symbol: str[n], the annotation's symbol; empty where the beats carry none.
    """

    signal: npt.NDArray[np.float32]
    label: npt.NDArray[np.int64]
    sample: npt.NDArray[np.int64]
    symbol: npt.NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.sample)


@dataclass(frozen=True)
class CutCounts:
    """What became of every annotation: `annotations` is the sum of all that follows.

    Attributes:
        annotations: annotations read, beats or not.
        rows: those that became a row.
        last: 1 for the last annotation of a record, which has no window; 0 for a record without annotations.
        unknown: symbol -> annotations that carry it, for symbols outside SYMBOL_TO_LABEL.
        flat: positions (samples at 360 Hz) of beats whose window has one value only, or none at all.
        missing: positions (samples at 360 Hz) of beats whose window holds a sample that is not a number.
    """

    annotations: int = 0
    rows: int = 0
    last: int = 0
    unknown: Counter[str] = field(default_factory=Counter)
    flat: tuple[int, ...] = ()
    missing: tuple[int, ...] = ()

    def __add__(self, other: CutCounts) -> CutCounts:
        return CutCounts(
            self.annotations + other.annotations,
            self.rows + other.rows,
            self.last + other.last,
            self.unknown + other.unknown,
            self.flat + other.flat,
            self.missing + other.missing,
        )


@dataclass(frozen=True)
class Windows:
    """Which samples each annotation but the last is cut from.

    Attributes:
        start: int64[n-1], the annotation's own position, 360 Hz.
        stop: int64[n-1], one past the window's last possible position, 360 Hz.
    """

    start: npt.NDArray[np.int64]
    stop: npt.NDArray[np.int64]


def check_positions(positions: npt.NDArray[np.int64], length: int) -> None:
    """Refuse annotations that cannot be.

    Args:
        positions: int64[n], all annotations of a record in file order, in samples.
        length: the record's samples.

    Raises:
        DataRefused: positions run backwards or lie outside the record; the first such one is named.
    """
    backwards = np.flatnonzero(np.diff(positions) < 0)
    if backwards.size:
        i = int(backwards[0])
        raise DataRefused(
            f"annotations are out of order: number {i + 1} is at sample {positions[i + 1]}, "
            f"the one before at {positions[i]}."
        )
    outside = np.flatnonzero((positions < 0) | (positions >= length))
    if outside.size:
        i = int(outside[0])
        raise DataRefused(
            f"annotations go past the end: number {i} is at sample {positions[i]} of a record of {length}."
        )


def find_windows(positions: npt.NDArray[np.int64], length: int) -> Windows:
    """Return the window of every annotation but the last.

    Args:
        positions: int64[n], all annotations of the record in file order, rising, samples at 360 Hz.
        length: samples that the record has at 360 Hz.
    """
    following = np.append(positions[2:], length)[: max(len(positions) - 1, 0)]
    return Windows(positions[:-1], positions[1:] + (following - positions[1:]) // OVERHANG)


def cut_windows(
    signal: npt.NDArray, start: npt.NDArray[np.int64], stop: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]:
    """Cut and scale windows that lie wholly inside a signal.

    Args:
        signal: any real dtype[length], any unit, 360 Hz.
        start: int64[n], first sample of each window.
        stop: int64[n], one past its last sample.

    Returns:
        float32[n, 187], scaled 0..1 and zero-padded; and float64[n], each window's range (maximum - minimum) in the
        signal's unit: 0 where the window is flat or empty, NaN where a sample is missing. Rows of these are zeros.
    """
    rows = np.zeros((len(start), SAMPLES), np.float32)
    spread = np.zeros(len(start), np.float64)
    for phase in range(STEP):
        here = np.flatnonzero((start % STEP == phase) & (stop > start))
        if here.size:
            first = start[here] // STEP
            count = -((start[here] - stop[here]) // STEP)
            rows[here], spread[here] = _scale(signal[phase::STEP], first, count)
    return rows, spread


def cut(
    signal: npt.NDArray, positions: npt.NDArray[np.int64], symbols: Sequence[str] | npt.NDArray[np.str_]
) -> tuple[CutBeats, CutCounts]:
    """Cut one lead of one record into labelled beats.

    Args:
        signal: any real dtype[length], one lead, any unit, 360 Hz.
        positions: int64[n], all annotations in file order, samples at 360 Hz.
        symbols: n annotation symbols.

    Raises:
        DataRefused: positions run backwards or lie outside the record.
    """
    positions = np.asarray(positions, np.int64)
    check_positions(positions, len(signal))
    names = np.asarray(symbols, np.str_)
    windows = find_windows(positions, len(signal))
    wanted = np.flatnonzero(np.isin(names[:-1], list(SYMBOL_TO_LABEL)))
    values, spread = cut_windows(signal, windows.start[wanted], windows.stop[wanted])
    return gather(values, spread, positions, names, wanted)


def gather(
    values: npt.NDArray[np.float32],
    spread: npt.NDArray[np.float64],
    positions: npt.NDArray[np.int64],
    names: npt.NDArray[np.str_],
    wanted: npt.NDArray[np.int64],
) -> tuple[CutBeats, CutCounts]:
    """Make the columns and counts of a record from its cut windows.

    Args:
        values: float32[m, 187] as from cut_windows.
        spread: float64[m] as from cut_windows, the signal's unit.
        positions: int64[n], all annotations of the record, samples at 360 Hz.
        names: str[n], their symbols; all empty for detected beats.
        wanted: int64[m], the annotations that `values` were cut for.
    """
    usable = spread > 0
    kept = wanted[usable]
    labels = np.array([SYMBOL_TO_LABEL.get(symbol, -1) for symbol in names[kept].tolist()], np.int64)
    beats = CutBeats(values if usable.all() else values[usable], labels, positions[kept], names[kept])
    unknown = Counter(names[:-1].tolist())
    for symbol in ("", *SYMBOL_TO_LABEL):
        unknown.pop(symbol, None)
    counts = CutCounts(
        annotations=len(positions),
        rows=len(kept),
        last=min(len(positions), 1),
        unknown=unknown,
        flat=tuple(positions[wanted[spread == 0]].tolist()),
        missing=tuple(positions[wanted[np.isnan(spread)]].tolist()),
    )
    return beats, counts


def _scale(
    thinned: npt.NDArray, first: npt.NDArray[np.int64], count: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]:
    """Scale runs of an already thinned signal; arguments in its samples (120 Hz), counts at least 1."""
    edges = np.stack([first, first + count], axis=1).reshape(-1)
    closed = np.append(thinned, thinned[-1:])  # reduceat takes no index past the end
    low = np.minimum.reduceat(closed, edges)[::2].astype(np.float64)
    high = np.maximum.reduceat(closed, edges)[::2].astype(np.float64)
    spread = high - low
    columns = np.arange(SAMPLES)
    inside = columns < count[:, None]
    index = np.where(inside, first[:, None] + columns, 0)
    usable = spread > 0
    with np.errstate(invalid="ignore"):
        scaled = (thinned[index] - low[:, None]) / np.where(usable, spread, 1.0)[:, None]
    inside &= usable[:, None]
    return np.where(inside, scaled, 0.0).astype(np.float32), spread
