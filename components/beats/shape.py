"""The shape of each beat compared with others of its recording: the dominant one, a second one, and similar ones."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from components.beats.windows import AFTER, BEFORE, WINDOW_HZ, BeatWindows

Floats = npt.NDArray[np.float32]

SHIFT: Final = 8
"""A beat is shifted by at most this many samples (67 ms) to where it best matches the dominant one, or has its greatest
deflection: annotators and detectors place beats differently, SVDB's annotators 8 to 25 ms before the peak."""

CENTRE: Final = BEFORE - SHIFT
"""Index of the centre in an aligned window, which has SHIFT samples less at either end."""

LENGTH: Final = BEFORE + AFTER - 2 * SHIFT

QRS: Final = slice(CENTRE - 18, CENTRE + 19)
CORE: Final = slice(CENTRE - 10, CENTRE + 13)
INNER: Final = slice(CENTRE - 14, CENTRE + 18)
OUTER: Final = slice(CENTRE - 18, CENTRE + 24)
WHOLE: Final = slice(CENTRE - 30, CENTRE + 46)
P_WAVE: Final = slice(CENTRE - 27, CENTRE - 8)
T_WAVE: Final = slice(CENTRE + 16, CENTRE + 46)
"""Parts of an aligned window that are compared."""

SAMPLE: Final = 128
"""Beats, evenly spread over the stretch, in which common shapes are sought: comparing all takes quadratic time."""

ALIKE, OTHER, ALIGNED = 0.9, 0.8, 0.7
"""Correlation of two QRS from which they are one shape, below which they are two, and from which one can be aligned
with the other."""

WIDER: Final = 0.35
"""Log of the ratio of two widths from which they are two shapes, however they correlate."""

LEAST_BEATS: Final = 3
"""Beats of the sample that make a second shape."""

LARGEST: Final = 8.0
"""Peaks are clipped at this many times the deflection of the dominant beat."""

Columns = dict[str, Floats]


def shape_columns(windows: BeatWindows, early: Floats) -> Columns:
    """Return the columns of the shape for the beats of a stretch of a recording.

    Args:
        windows: of its n beats.
        early: float32[n], how much earlier or later each comes than the last ones, as `rr_mean32`.
    """
    wide = windows.shape.astype(np.float32) * windows.scale[:, None]
    sample = np.unique(np.linspace(0, len(wide) - 1, min(len(wide), SAMPLE)).round().astype(np.int64))
    beats = _align(wide, sample)
    unit = _unit(beats[:, QRS])
    alike = unit[sample] @ unit[sample].T
    centre = int((alike > ALIKE).sum(axis=1).argmax())
    dominant = np.median(beats[sample][alike[centre] > ALIKE], axis=0)
    size = dominant[QRS][np.abs(dominant[QRS]).argmax()]  # its sign is the lead's polarity
    if size:
        beats = beats / size
        dominant = dominant / size
        unit = unit * np.sign(size)
    unlike = _unlike(_correlation(beats, dominant, QRS, 2), 0.02)
    width, dominant_width = _width(beats[:, QRS]), _width(dominant[None, QRS])
    other = (alike[centre] < OTHER) | (np.log(width[sample] / dominant_width) > WIDER)
    return {
        "qrs_unlike": unlike,
        "qrs_core_unlike": _unlike(_correlation(beats, dominant, CORE, 2), 0.02),
        "beat_unlike": _unlike(_correlation(beats, dominant, WHOLE, 2), 0.02),
        "t_unlike": _unlike(_correlation(beats, dominant, T_WAVE, 4), 0.03),
        "p_unlike": _unlike(_correlation(beats, dominant, P_WAVE, 3), 0.1),
        "p_peak": _bump(beats[:, : P_WAVE.stop]).clip(0, LARGEST) - _bump(dominant[None, : P_WAVE.stop]),
        "noise": np.log(np.abs(np.diff(beats[:, : P_WAVE.stop], 2, axis=1)).mean(axis=1) + 0.003),
        "qrs_residual": np.log(((beats[:, INNER] - dominant[INNER]) ** 2).mean(axis=1) + 1e-3),
        "t_residual": np.log(((beats[:, T_WAVE] - dominant[T_WAVE]) ** 2).mean(axis=1) + 1e-3),
        **_deflections(beats[:, INNER], dominant[INNER]),
        "width_dominant": np.log(width / dominant_width),
        "fullness": _fullness(beats[:, OUTER]),
        "dominant_share": np.full(len(beats), (alike[centre] > ALIKE).mean(), np.float32),
        **_second(beats, beats[sample], alike, other, dominant_width),
        **_alike(unit @ unit[sample].T, early[sample]),
        "previous_unlike": np.append(unlike[:1], unlike[:-1]),
        "next_unlike": np.append(unlike[1:], unlike[-1:]),
    }


def _align(wide: Floats, sample: npt.NDArray[np.int64]) -> Floats:
    """Return float32[n, LENGTH]: windows float32[n, samples] moved to be like the sample's commonest beat."""
    snapped = np.abs(wide[:, CENTRE : CENTRE + 2 * SHIFT + 1]).argmax(axis=1)
    some = _move(wide[sample], snapped[sample])
    unit = _unit(some[:, QRS])
    alike = unit @ unit.T > ALIKE
    common = np.median(some[alike[alike.sum(axis=1).argmax()]], axis=0)
    likeness = _correlation_by_shift(wide, common)
    best = likeness.argmax(axis=1)
    return _move(wide, np.where(likeness[np.arange(len(wide)), best] > ALIGNED, best, snapped))


def _move(wide: Floats, shift: npt.NDArray[np.int64]) -> Floats:
    return np.take_along_axis(wide, shift[:, None] + np.arange(LENGTH), axis=1)


def _correlation_by_shift(wide: Floats, template: Floats) -> Floats:
    """Return float32[n, 2 * SHIFT + 1], the correlation of each window's QRS with a template's, at each shift."""
    length, shifts = QRS.stop - QRS.start, 2 * SHIFT + 1
    part = wide[:, QRS.start : QRS.stop + 2 * SHIFT]
    unit = _unit(template[QRS])
    shifted = np.zeros((part.shape[1], shifts), np.float32)
    ones = np.zeros_like(shifted)
    for shift in range(shifts):
        shifted[shift : shift + length, shift] = unit
        ones[shift : shift + length, shift] = 1
    variance = part**2 @ ones - (part @ ones) ** 2 / length
    floor = 1e-6 * (part**2).sum(axis=1, keepdims=True) + 1e-30
    return (part @ shifted) / np.sqrt(np.maximum(variance, floor))


def _unit(values: Floats) -> Floats:
    """Return rows, or one, less their mean and divided by their norm; 0 where they are flat."""
    values = values - values.mean(axis=-1, keepdims=True)
    norm = np.sqrt((values**2).sum(axis=-1, keepdims=True))
    norm[norm == 0] = 1
    return values / norm


def _correlation(beats: Floats, template: Floats, part: slice, reach: int) -> Floats:
    """Return float32[n], the best correlation of a part with the template's, moved by up to `reach` samples."""
    moved = [_unit(template[part.start + k : part.stop + k]) for k in range(-reach, reach + 1)
             if part.start + k >= 0 and part.stop + k <= LENGTH]  # fmt: skip
    return (_unit(beats[:, part]) @ np.stack(moved, axis=1)).max(axis=1)


def _unlike(correlation: Floats, least: float) -> Floats:
    """Return log(1 + least - r): where r is near 1, small differences tell most."""
    return np.log(1 + least - np.minimum(correlation, 1))


def _width(qrs: Floats) -> Floats:
    """Return float32[n], s: the standard deviation of where the signal changes, weighted by the squared change."""
    change = np.diff(qrs, axis=1) ** 2
    offset = ((np.arange(change.shape[1]) - change.shape[1] / 2 + 0.5) / WINDOW_HZ).astype(np.float32)
    total = change.sum(axis=1) + 1e-9
    mean = change @ offset / total
    return np.sqrt(np.maximum(change @ offset**2 / total - mean**2, 1e-6))


def _bump(part: Floats) -> Floats:
    """Return float32[n], how far each row rises above the line from its first to its last sample."""
    share = np.linspace(0, 1, part.shape[1], dtype=np.float32)
    return (part - part[:, :1] * (1 - share) - part[:, -1:] * share).max(axis=1)


def _deflections(qrs: Floats, dominant: Floats) -> Columns:
    span = qrs.max(axis=1) - qrs.min(axis=1)
    steepest = np.abs(np.diff(qrs, axis=1)).max(axis=1)
    return {
        "amplitude": np.log((span + 0.02) / (np.ptp(dominant) + 0.02)),
        "peak": qrs.max(axis=1).clip(-LARGEST, LARGEST) - dominant.max(),
        "steepness": np.log((steepest + 0.01) / (span + 0.02)),
    }


def _fullness(part: Floats) -> Floats:
    level = (part[:, :3].mean(axis=1) + part[:, -3:].mean(axis=1)) / 2
    deflection = np.abs(part - level[:, None])
    return np.log(deflection.mean(axis=1) / np.maximum(deflection.max(axis=1), 1e-6) + 0.01)


def _second(
    beats: Floats, some: Floats, alike: Floats, other: npt.NDArray[np.bool_], dominant_width: Floats
) -> Columns:
    """Return the columns of the second shape: the commonest one of the sample's beats that are not like the dominant.

    Args:
        beats: float32[n, LENGTH].
        some: float32[m, LENGTH], the sample.
        alike: float32[m, m], the correlations of its QRS.
        other: bool[m], those that are not like the dominant one.
        dominant_width: float32[1], s.
    """
    like, share, width = np.full(len(beats), -1.0, np.float32), 0.0, 0.0
    rows = np.flatnonzero(other)
    if len(rows) >= LEAST_BEATS:
        near = alike[np.ix_(rows, rows)] > ALIKE - 0.05
        members = rows[near[near.sum(axis=1).argmax()]]
        if len(members) >= LEAST_BEATS:
            second = np.median(some[members], axis=0)
            like, share = _correlation(beats, second, QRS, 3), len(members) / len(some)
            width = float(np.log(_width(second[None, QRS]) / dominant_width)[0])
    count = len(beats)
    constants = {"second_share": np.full(count, share, np.float32), "second_width": np.full(count, width, np.float32)}
    return {"second_like": like, **constants}


def _alike(correlation: Floats, early: Floats) -> Columns:
    """Return the columns about the beats alike, from float32[n, m], the correlations with the sample's beats."""
    weight = ((correlation - 0.85) / 0.15).clip(0, 1) ** 2
    total = weight.sum(axis=1)
    return {
        "alike_share": np.log(total / correlation.shape[1] + 0.003),
        "alike_early": weight @ early / (total + 1),
    }
