"""The synthetic demo set: beats of simulated patients, cut like real ones, in files like Kaggle's.

It shows that the pipeline runs, and what its pages look like. No figure made from it says anything about hearts.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from components.beats.cut import CutBeats, cut
from components.beats.kaggle import TEST_FILE, TEST_PROVENANCE, TRAIN_FILE, TRAIN_PROVENANCE
from components.beats.synthetic_waves import draw_shapes, peaks, render, simulate_rhythm
from components.errors import UsageError
from components.io.csv_numbers import kaggle_text
from components.io.provenance import provenance_header, provenance_text
from components.io.storage import write_whole

VERSION = 1
"""Raised when the same seed gives other bytes than before."""

MARKER = "SYNTHETIC.txt"
"""The file that says what the set is, with the SHA-256 of each file; it makes a folder a demo set."""

BEATS_PER_PATIENT = 150

DEFAULT_SEED = 1
"""The demo profile reaches about 91 % and a macro-F1 of 0.75 on this one, from two training seeds."""

TRAIN_PATIENTS = {"sinus": 8, "atrial": 6, "ventricular": 6, "fusion": 5, "paced": 7}
TEST_PATIENTS = {"sinus": 0, "atrial": 2, "ventricular": 2, "fusion": 2, "paced": 2}
"""Kind of patient -> how many; every class is tested on two patients at least, since one alone says little."""

SYMBOLS = np.array(["N", "A", "V", "F", "/"])
"""Annotation symbol of each class."""


def write_demo_set(out_dir: Path, seed: int = DEFAULT_SEED) -> None:
    """Write the demo set's two CSVs, their provenance and SYNTHETIC.txt; a folder that holds them all is left alone.

    Args:
        out_dir: folder, made if it is not there.
        seed: the same seed gives the same bytes.

    Raises:
        UsageError: the folder holds files of these names that are not a demo set's.
    """
    marker = out_dir / MARKER
    stated = marker.read_text() if marker.exists() else ""
    names = (TRAIN_FILE, TEST_FILE, TRAIN_PROVENANCE, TEST_PROVENANCE)
    present = [name for name in names if (out_dir / name).exists()]
    for name in present:
        if f"{_digest((out_dir / name).read_bytes())}  {name}" not in stated:
            raise UsageError(
                f"{out_dir / name} is not a file of the synthetic demo set, so it is left as it is; "
                "use another folder for the demo set, or remove the file."
            )
    if len(present) == len(names) and stated.startswith(_title(seed)):
        return
    out_dir.mkdir(parents=True, exist_ok=True)
    for name in present:
        (out_dir / name).unlink()
    files = demo_files(seed)
    lines = [_title(seed), _EXPLANATION, *(f"{_digest(content)}  {name}" for name, content in files.items())]
    for name, content in {MARKER: ("\n".join(lines) + "\n").encode(), **files}.items():
        write_whole(out_dir / name, content)


def demo_files(seed: int) -> dict[str, bytes]:
    """File name -> content of the two CSVs and their provenance; no patient is in both."""
    files = {}
    first = 1
    for (rows_name, provenance_name), patients in (
        ((TRAIN_FILE, TRAIN_PROVENANCE), TRAIN_PATIENTS),
        ((TEST_FILE, TEST_PROVENANCE), TEST_PATIENTS),
    ):
        rows, provenance = [], [provenance_header()]
        kinds = [kind for kind, count in patients.items() for _ in range(count)]
        for number, kind in enumerate(kinds, first):
            beats = simulate_patient(kind, number, seed)
            rows.append(kaggle_text(beats.signal, beats.label).tobytes())
            record = f"sim{number:02d}"
            provenance.append(
                provenance_text(
                    [record] * len(beats), beats.sample.tolist(), beats.symbol.tolist(), beats.label.tolist()
                )
            )
        first += len(kinds)
        files[rows_name] = b"".join(rows)
        files[provenance_name] = b"".join(provenance)
    return files


def simulate_patient(kind: str, number: int, seed: int) -> CutBeats:
    """One patient's beats, cut from a simulated record of about two minutes.

    Args:
        kind: a key of TRAIN_PATIENTS.
        number: which patient; each has waves and a rhythm of its own.
        seed: the set's seed.
    """
    rng = np.random.default_rng((VERSION, seed, number))
    shapes = draw_shapes(rng)
    rhythm = simulate_rhythm(kind, BEATS_PER_PATIENT, rng)
    beats, _ = cut(render(shapes, rhythm, rng), peaks(rhythm), SYMBOLS[rhythm.label])
    return beats


def _title(seed: int) -> str:
    return f"SYNTHETIC: Heartbeat's demo set, version {VERSION}, seed {seed}."


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


_EXPLANATION = """\
These beats were computed, not recorded: no patient, no medical meaning. They let the pipeline be tried without data.
For real ones, take Kaggle's MIT-BIH files or make them from PhysioNet's records with `heartbeat prepare`.
SHA-256 of each file:"""
