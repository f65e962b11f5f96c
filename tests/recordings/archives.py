"""WFDB records for tests, made by wfdb itself from a simulated patient."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import wfdb

from components.beats.synthetic_waves import draw_shapes, peaks, render, simulate_rhythm

KAGGLE_TEST_COUNTS = (18118, 556, 1448, 162, 1608)
"""Rows of each class in Kaggle's mitbih_test.csv, 21,892 in all."""


def simulated(seed: int, beats: int = 40, kind: str = "ventricular") -> tuple[np.ndarray, np.ndarray, list[str]]:
    """A record at 360 Hz: int16[length] ADC units, int64[n] positions, n symbols."""
    rng = np.random.default_rng(seed)
    shapes = draw_shapes(rng)
    rhythm = simulate_rhythm(kind, beats, rng)
    symbols = np.array(["N", "A", "V", "F", "/"])[rhythm.label].tolist()
    return render(shapes, rhythm, rng), peaks(rhythm), symbols


def write_record(
    folder: Path,
    name: str,
    signal: np.ndarray,
    positions: np.ndarray | list[int] | None = None,
    symbols: list[str] | None = None,
    *,
    fs: float = 360,
    fmt: str = "212",
    units: tuple[str, ...] = ("mV",),
    names: tuple[str, ...] = ("MLII", "V1", "V2", "V3")[:4],
    extension: str = "atr",
) -> Path:
    """Write one record, `signal` being [length] or [length, leads] in ADC units; return its path without extension."""
    folder.mkdir(parents=True, exist_ok=True)
    leads = signal.reshape(len(signal), -1).astype(np.int64)
    count = leads.shape[1]
    wfdb.wrsamp(
        name,
        fs=fs,
        units=list((units * count)[:count]),
        sig_name=list(names[:count]),
        d_signal=leads,
        fmt=[fmt] * count,
        adc_gain=[200.0] * count,
        baseline=[1024] * count,
        write_dir=str(folder),
    )
    if positions is not None:
        annotated = symbols if symbols is not None else ["N"] * len(positions)
        wfdb.wrann(name, extension, np.asarray(positions), symbol=annotated, write_dir=str(folder))
    return folder / name


def write_patient(folder: Path, name: str, seed: int, beats: int = 40) -> Path:
    """A two-lead record with annotations, the second lead being another patient's signal at the same beats."""
    signal, positions, symbols = simulated(seed, beats)
    second = (2047 - signal) // 2 + 300
    return write_record(folder, name, np.stack([signal, second], axis=1), positions, symbols)


def write_archive(folder: Path, names: tuple[str, ...] = ("p1", "p2", "p3"), beats: int = 40) -> Path:
    """Several records and their RECORDS file."""
    for seed, name in enumerate(names):
        write_patient(folder, name, seed, beats)
    (folder / "RECORDS").write_text("".join(f"{name}\n" for name in names))
    return folder


def edit_header(stem: Path, old: str, new: str) -> None:
    """Replace text in a header; it must be there."""
    path = stem.with_suffix(".hea")
    text = path.read_text()
    assert old in text, text
    path.write_text(text.replace(old, new))


def at_rate(signal: np.ndarray, fs: float) -> np.ndarray:
    """A 360 Hz signal sampled at another rate by straight lines, rounded to ADC units."""
    ratio = Fraction(360) / Fraction(fs).limit_denominator(1000)
    count = int(len(signal) / ratio)
    return np.rint(np.interp(np.arange(count) * float(ratio), np.arange(len(signal)), signal)).astype(np.int64)
