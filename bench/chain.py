"""End-to-end evaluation on recordings of people that a model has not seen: find beats, score, compare by EC57.

Usage: python -m bench.chain MODEL_DIR MITDB

MODEL_DIR is a model that has not learnt from DS2, as `python -m bench.patients release` leaves beside its beats. Each
row of the table is of DS2's 22 records from minute 5 on: with the beats as annotated, as found, and as found in noise.
Beats of which the model abstains count by their most probable class.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path
from typing import Final

import numpy as np

from bench.score import PROGRAM
from components.beat import CLASSES, RECORD_RATE_HZ
from components.beats.symbols import DEFAULT_MAP
from components.evaluate.compare import add_up
from components.evaluate.ec57 import Beats, beats_of, compare_beats, window_samples
from components.recordings.annotate import read_scored
from components.recordings.annotations import read_annotation_file
from components.recordings.splits import DS2

FS: Final = RECORD_RATE_HZ
FIRST_SECONDS: Final = 300
NOISE_DB: Final = (24, 18, 12, 6, 0)
NO_SPANS: Final = np.zeros((0, 2), np.int64)


def write_noisy(mitdb: Path, record: str, ratio_db: float, folder: Path, rng: np.random.Generator) -> None:
    """Write the first lead of a record with noise: equal shares of baseline wander, muscle and electrode motion.

    Wander and muscle are white noise in 0.05-0.5 and 20-100 Hz, motion is bumps of some 0.3 s, of random height, one
    every three seconds. The ratio is that of an eighth of the squared median height of a QRS to the noise's variance,
    as in PhysioNet's nst.
    """
    import wfdb
    from scipy.signal import butter, sosfiltfilt

    lead = wfdb.rdrecord(str(mitdb / record), channels=[0])
    signal = lead.p_signal[:, 0]
    beats = wfdb.rdann(str(mitdb / record), "atr").sample
    around = np.clip(beats[:, None] + np.arange(-FS // 20, FS // 20 + 1), 0, len(signal) - 1)
    power = np.median(np.ptp(signal[around], axis=1)) ** 2 / 8
    bumps = np.zeros(len(signal))
    at = rng.integers(len(signal), size=len(signal) // (3 * FS))
    bumps[at] = rng.normal(size=len(at))
    kinds = [
        *(
            sosfiltfilt(butter(2, band, "bandpass", fs=FS, output="sos"), rng.normal(size=len(signal)))
            for band in ((0.05, 0.5), (20, 100))
        ),
        np.convolve(bumps, np.hanning(round(0.3 * FS)), "same"),
    ]
    noise = sum(kind / kind.std() for kind in kinds) / len(kinds) ** 0.5
    noisy = signal + noise * np.sqrt(power / 10 ** (ratio_db / 10))
    wfdb.wrsamp(
        record, fs=FS, units=["mV"], sig_name=lead.sig_name, p_signal=noisy[:, None], fmt=["16"], write_dir=str(folder)
    )


def chain(model_dir: str, recordings: Path, mitdb: Path, *flags: str) -> str:
    """Score DS2's recordings and return a row of figures: right; V; S (Se / +P); beats missed, and extra ones."""
    with tempfile.TemporaryDirectory() as scratch:
        command = [f"--model={model_dir}", f"--output={scratch}/out", *flags]
        command += [f"--input={recordings / record}.hea" for record in DS2]
        subprocess.run([*PROGRAM, *command], stdout=subprocess.DEVNULL, check=True)
        rows = read_scored(Path(scratch, "out"))
    record, sample = np.array(rows["record"].to_pylist()), rows["sample"].to_numpy()
    label = np.array([CLASSES.index(symbol) for symbol in rows["symbol"].to_pylist()])
    compared = []
    for name in DS2:
        mine = record == name
        test = Beats(sample[mine], label[mine], NO_SPANS, NO_SPANS, NO_SPANS)
        reference = beats_of(read_annotation_file(mitdb / f"{name}.atr"), DEFAULT_MAP, 1, window_samples(FS))
        compared.append(compare_beats(reference, test, FS, FIRST_SECONDS * FS))
    total = add_up(compared)
    matrix, ratios = total.matrix, total.ratios()
    classes = len(CLASSES)
    answered = matrix[:classes, :classes]
    v_se, v_p, s_se, s_p = (ratios[name][0] / ratios[name][1] for name in ("V Se", "V +P", "S Se", "S +P"))
    missed, extra = matrix[:classes, classes:].sum(), matrix[classes:, :classes].sum()
    right = np.trace(answered) / answered.sum()
    return f"{right:.2%} | {v_se:.3f} / {v_p:.3f} | {s_se:.3f} / {s_p:.3f} | {missed}, {extra}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a model's directory")
    parser.add_argument("mitdb", type=Path, help="folder of the MIT-BIH records")
    options = parser.parse_args()
    print("| beats | right | V | S | missed, extra |\n|---|---|---|---|---|")
    print(f"| as annotated | {chain(options.model, options.mitdb, options.mitdb, '--annotator=atr')} |", flush=True)
    print(f"| found by the detector | {chain(options.model, options.mitdb, options.mitdb)} |", flush=True)
    for ratio_db in NOISE_DB:
        with tempfile.TemporaryDirectory() as folder:
            rng = np.random.default_rng(0)
            for record in DS2:
                write_noisy(options.mitdb, record, ratio_db, Path(folder), rng)
            figures = chain(options.model, Path(folder), options.mitdb)
        print(f"| found, with noise at {ratio_db} dB | {figures} |", flush=True)


if __name__ == "__main__":
    main()
