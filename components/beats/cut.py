"""The cutting rules: how annotated samples of one lead become rows of 187 values.

A row starts at its annotation and ends a fifth of the next interval past the next annotation:

    window = signal[a[i] : a[i+1] + floor((a[i+2] - a[i+1]) / 5) : 3]

The window is scaled by its own minimum and maximum, all of it, before the first 187 samples are kept and padded with
zeros on the right. Two rules say what `a` is:

- Kaggle's, for MIT-BIH: every annotation in file order, beat or not; the record's length stands for an a[i+2] past the
  end; the last annotation has no row. Kaggle's test file comes out of it byte for byte.
- beat to beat, for all other recordings: beats only, so that marks of waves, rhythm or noise cut nothing short. Beats
  at one sample are one beat, with the symbol of the first that has a class. Where no beat follows within PAUSE_SECONDS
  the next beat is unknown and the beat has no row; where the one after the next is unknown, the interval before it
  stands for the interval after.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields

import numpy as np
import numpy.typing as npt

from components.beat import RECORD_RATE_HZ, SAMPLE_RATE_HZ, SAMPLES, SYMBOL_TO_LABEL
from components.beats.symbols import BEAT_SYMBOLS
from components.errors import DataRefused

STEP = RECORD_RATE_HZ // SAMPLE_RATE_HZ
"""Samples of the record per sample of a beat."""

OVERHANG = 5
"""The window extends past the next annotation by the next interval over this."""

PAUSE_SECONDS = 6
"""Longest interval between two consecutive beats; the longest pause in MIT-BIH is 5.9 s."""

NEAREST_SECONDS = 0.1
"""Beats closer than this are one beat annotated twice: the closest are 0.144 s apart in MIT-BIH, 0.133 s in SVDB."""

DETECTED = ""
"""Symbol of a beat that was found in the signal and has no class."""

QRS_HALF_WIDTH = 18
"""Samples at 360 Hz (50 ms) on either side of an annotation in which the QRS has its greatest deflection."""

SURROUNDINGS = 72
"""Samples at 360 Hz (200 ms) on either side of an annotation whose median is the level that a QRS deflects from."""


@dataclass(frozen=True)
class CutBeats:
    """n beats cut from one lead, row i of every column being the same beat, in file order."""

    signal: npt.NDArray[np.float32]  # float32[n, 187], min-max scaled 0..1, 120 Hz, zero-padded on the right
    label: npt.NDArray[np.int64]  # int64[n], an index into CLASSES; -1 where the beats carry no symbol
    sample: npt.NDArray[np.int64]  # int64[n], position of the annotation in the record, in the lead's own samples
    symbol: npt.NDArray[np.str_]  # str[n], the annotation's symbol; empty where the beats carry none
    context: npt.NDArray[np.float32] | None = None  # float32[n, k], as of `beat_context`; None where not asked for

    def __len__(self) -> int:
        return len(self.sample)

    def take(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> CutBeats:
        """Return the beats of these rows, bool[n] or int64[m]."""
        context = None if self.context is None else self.context[rows]
        return CutBeats(self.signal[rows], self.label[rows], self.sample[rows], self.symbol[rows], context)


def concatenated(parts: Sequence[CutBeats]) -> CutBeats:
    """Return beats one after another; all parts have context, or none has."""
    context = [part.context for part in parts if part.context is not None]
    return CutBeats(
        np.concatenate([part.signal for part in parts]),
        np.concatenate([part.label for part in parts]),
        np.concatenate([part.sample for part in parts]),
        np.concatenate([part.symbol for part in parts]),
        np.concatenate(context) if context else None,
    )


@dataclass(frozen=True)
class CutCounts:
    """What became of every annotation: `annotations` is the sum of all that follows."""

    annotations: int = 0  # annotations read, beats or not
    rows: int = 0  # those that became a row
    last: int = 0  # 1 for the last annotation (Kaggle's rule) or beat of a record, which has no window
    outside: int = 0  # annotations one sample past the record's end
    # symbol -> annotations that carry it, for symbols without a class
    unknown: Counter[str] = field(default_factory=Counter)
    unfollowed: tuple[int, ...] = ()  # positions of beats that no other follows within PAUSE_SECONDS
    doubled: tuple[int, ...] = ()  # positions of beats at one sample with another, that stands for them
    flat: tuple[int, ...] = ()  # positions of beats whose window has at most one distinct value
    missing: tuple[int, ...] = ()  # positions of beats whose window holds a sample that is not a number

    def __add__(self, other: CutCounts) -> CutCounts:
        return CutCounts(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


@dataclass(frozen=True)
class Windows:
    """The windows of a record, and what became of the annotations that have none."""

    beat: npt.NDArray[np.int64]  # int64[m], the annotation that each window is cut for
    start: npt.NDArray[np.int64]  # int64[m], its position, 360 Hz
    stop: npt.NDArray[np.int64]  # int64[m], one past the window's last possible position, 360 Hz
    last: int  # 1 for a last annotation or beat, which has no window
    unknown: Counter[str]  # symbol -> annotations that carry it and have no class
    unfollowed: npt.NDArray[np.int64]  # int64[k], the beats that no other follows within PAUSE_SECONDS
    doubled: npt.NDArray[np.int64]  # int64[d], the beats at one sample with another, that stands for them


def check_positions(positions: npt.NDArray[np.int64], length: int) -> None:
    """Refuse positions, int64[n] in file order, that run backwards or lie outside a record of `length` samples.

    Raises:
        DataRefused: there are such positions; the first is named.
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


def kaggle_windows(
    positions: npt.NDArray[np.int64], symbols: npt.NDArray[np.str_], labels: Mapping[str, int], length: int
) -> Windows:
    """Return the windows of all beats with a class by Kaggle's rule.

    Args:
        positions: int64[n], all annotations of the record in file order, rising, samples at 360 Hz.
        symbols: str[n], their symbols.
        labels: symbol -> class; symbols that are not keys get no window.
        length: samples that the record has at 360 Hz.
    """
    following = np.append(positions[2:], length)[: max(len(positions) - 1, 0)]
    stop = positions[1:] + (following - positions[1:]) // OVERHANG
    classed = np.isin(symbols[:-1], list(labels))
    beat = np.flatnonzero(classed)
    unknown = Counter(symbols[:-1][~classed].tolist())
    return Windows(beat, positions[beat], stop[beat], min(len(positions), 1), unknown, beat[:0], beat[:0])


def beat_windows(
    positions: npt.NDArray[np.int64], symbols: npt.NDArray[np.str_], labels: Mapping[str, int], length: int
) -> Windows:
    """Return the windows of all beats with a class, from beat to beat; arguments as for kaggle_windows.

    Detected beats, whose symbol is empty, have a window, too.
    """
    classed = is_one_of(symbols, {DETECTED, *labels})
    beats, doubled = _one_a_sample(positions, np.flatnonzero(classed | is_one_of(symbols, BEAT_SYMBOLS)), classed)
    start = positions[beats]
    interval = np.diff(start)
    pause = PAUSE_SECONDS * RECORD_RATE_HZ
    after = np.append(interval[1:], length - start[-1:])[: len(interval)]
    stop = np.minimum(start[1:] + np.where(after <= pause, after, interval) // OVERHANG, length)
    has_class, followed = classed[beats[:-1]], interval <= pause
    unclassed = ~classed
    unclassed[beats[-1:]] = unclassed[doubled] = False
    unknown = Counter(symbols[unclassed].tolist())
    cut = np.flatnonzero(has_class & followed)
    unfollowed = beats[:-1][has_class & ~followed]
    return Windows(beats[cut], start[cut], stop[cut], min(len(beats), 1), unknown, unfollowed, doubled)


def _one_a_sample(
    positions: npt.NDArray[np.int64], beats: npt.NDArray[np.int64], classed: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return, of annotations that are beats, the first with a class at each sample, or just the first; and the others.

    Args:
        positions: int64[n], of all annotations, rising.
        beats: int64[m], which of them are beats.
        classed: bool[n], which of them have a class.
    """
    order = np.lexsort((~classed[beats], positions[beats]))  # stable
    first = order[np.diff(positions[beats][order], prepend=-1) > 0]
    return beats[np.sort(first)], np.delete(beats, first)


def is_one_of(symbols: npt.NDArray[np.str_], wanted: Collection[str]) -> npt.NDArray[np.bool_]:
    """Return bool[n], which of n symbols are among those wanted."""
    return np.array([symbol in wanted for symbol in symbols.tolist()], bool)


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
    """Cut one lead of one record into labelled beats by Kaggle's rule.

    Args:
        signal: any real dtype[length], any unit, 360 Hz.
        positions: int64[n], all annotations in file order, samples at 360 Hz.
        symbols: n annotation symbols.

    Raises:
        DataRefused: as `check_positions`.
    """
    positions = np.asarray(positions, np.int64)
    check_positions(positions, len(signal))
    names = np.asarray(symbols, np.str_)
    windows = kaggle_windows(positions, names, SYMBOL_TO_LABEL, len(signal))
    values, spread = cut_windows(signal, windows.start, windows.stop)
    beats = gather(values, spread, positions[windows.beat], names[windows.beat], SYMBOL_TO_LABEL)
    return beats, count(windows, spread, positions)


def gather(
    values: npt.NDArray[np.float32],
    spread: npt.NDArray[np.float64],
    samples: npt.NDArray[np.int64],
    symbols: npt.NDArray[np.str_],
    labels: Mapping[str, int],
    context: npt.NDArray[np.float32] | None = None,
) -> CutBeats:
    """Make the columns of the usable windows.

    Args:
        values: float32[m, 187] as from cut_windows.
        spread: float64[m] as from cut_windows, the signal's unit.
        samples: int64[m], position of each window's annotation, in the lead's own samples.
        symbols: str[m], its symbol; empty for detected beats.
        labels: symbol -> class.
        context: float32[m, k], of the beat that each window is cut for, where it was asked for.
    """
    usable = spread > 0
    symbols = symbols[usable]
    label = classes_of(symbols, labels)
    chosen = None if context is None else context[usable]
    return CutBeats(values if usable.all() else values[usable], label, samples[usable], symbols, chosen)


def classes_of(symbols: npt.NDArray[np.str_], labels: Mapping[str, int]) -> npt.NDArray[np.int64]:
    """Return the class of each symbol of str[n], int64[n]; -1 where it has none."""
    return np.array([labels.get(symbol, -1) for symbol in symbols.tolist()], np.int64)


def count(windows: Windows, spread: npt.NDArray[np.float64], samples: npt.NDArray[np.int64]) -> CutCounts:
    """Account for every annotation of a record.

    Args:
        windows: of the whole record.
        spread: float64[m] as from cut_windows, for all of them.
        samples: int64[n], positions of all annotations, in the lead's own samples.
    """
    return CutCounts(
        annotations=len(samples),
        rows=int((spread > 0).sum()),
        last=windows.last,
        unknown=windows.unknown,
        unfollowed=tuple(samples[windows.unfollowed].tolist()),
        doubled=tuple(samples[windows.doubled].tolist()),
        flat=tuple(samples[windows.beat[spread == 0]].tolist()),
        missing=tuple(samples[windows.beat[np.isnan(spread)]].tolist()),
    )


def points_down(signal: npt.NDArray, positions: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Return bool[n]: whether the QRS at each position deflects further down than up from its surroundings.

    Args:
        signal: any real dtype[length], any unit, 360 Hz; a stretch with a missing sample (NaN) does not point down.
        positions: int64[n], inside the signal.
    """
    reach = np.arange(-SURROUNDINGS, SURROUNDINGS + 1)
    around = signal[np.clip(positions[:, None] + reach, 0, len(signal) - 1)].astype(np.float64)
    level = np.median(around, axis=1)
    qrs = around[:, np.abs(reach) <= QRS_HALF_WIDTH]
    return level - qrs.min(axis=1) > qrs.max(axis=1) - level


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
