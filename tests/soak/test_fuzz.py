"""Files with random damage: the job never crashes, its counts add up, and no row that is still good is lost."""

import os
import random
import shutil
import struct
import sys
import tempfile
import time
import traceback
from pathlib import Path

import google_crc32c
import numpy as np
import pytest

from components.errors import DataRefused
from components.io.csv_numbers import kaggle_text
from tests.evaluate.tiny_model import some_beats
from tests.io.rows import reference
from tests.score.inputs import write_formats
from tests.score.jobs import expected, probabilities, read_parts, read_rejects, run
from tests.soak.children import CONTEXT

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1200)]

BEATS = some_beats(40, seed=3)
SECONDS = 90
"""How long the files of one format are damaged anew."""

KINDS = ("kaggle.csv", "plain.csv", "packed.csv.gz", "list.parquet", "columns.parquet", "beats.tfrecord")
TELLING = b"0123456789.,-+eE \t\r\n\0\"'"


def damaged(content, rng):
    """One to four random faults of the kinds that disks, networks and editors make."""
    text = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        at, length = rng.randrange(len(text) + 1), int(10 ** rng.uniform(0, 3.7))
        match rng.randrange(7):
            case 0 if at < len(text):
                text[at] ^= 1 << rng.randrange(8)
            case 1 if at < len(text):
                text[at] = rng.choice(TELLING)
            case 2:
                text[at:at] = bytes(rng.choice(TELLING) for _ in range(min(length, 40)))
            case 3:
                del text[at : at + length]
            case 4:
                text[at:at] = text[at : at + length]
            case 5 if rng.random() < 0.2:
                del text[at:]
            case 6:
                text[at : at + length] = bytes(rng.randrange(256) for _ in range(len(text[at : at + length])))
    return bytes(text)


def job(path, folder):
    """Summary, scored rows by number, and reject numbers; None for a file that was refused in words."""
    try:
        summary = run(path, output=folder / "out", budget="100%")
    except DataRefused as refused:
        sentences = refused.sentences
    else:
        sentences = tuple(summary.sentences)
    if sentences:
        assert all(str(path) in sentence for sentence in sentences), sentences
        return None
    table = read_parts(folder / "out")
    scored = dict(zip(table["row"].to_pylist(), probabilities(table), strict=True))
    rejected = [each["row"] for each in read_rejects(folder / "out")]
    assert sorted([*scored, *rejected]) == list(range(summary.rows["read"]))
    assert (summary.rows["scored"], summary.rows["rejected"]) == (len(scored), len(rejected))
    return scored


def check_rows(scored, good):
    """Scored are exactly the good rows: number -> signal."""
    assert sorted(scored) == sorted(good)
    if good:
        told = expected(np.array([good[row] for row in sorted(good)]))
        np.testing.assert_allclose(np.array([scored[row] for row in sorted(scored)]), told, atol=1e-5)


def check_csv(path, folder):
    text = path.read_bytes()
    good = {at: row[:187] for at, row in enumerate(reference(text)) if row is not None}
    scored = job(path, folder)
    if scored is None:  # an unlabelled row comes before any labelled one, or most lines are no beats
        unlabelled = [at for at, row in enumerate(reference(text, 187)) if row is not None]
        assert unlabelled[:1] < sorted(good)[:1] or len(good) <= text.count(b"\n") // 2
        return
    check_rows(scored, good)


def masked(content):
    crc = google_crc32c.value(bytes(content))
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def frames(text):
    """Records, None for a damaged one; None at all where the chain of lengths breaks."""
    at, found = 0, []
    while at < len(text):
        if len(text) - at < 12 or masked(text[at : at + 8]) != text[at + 8 : at + 12]:
            return None
        [length] = struct.unpack_from("<Q", text, at)
        end = at + 12 + length
        if len(text) < end + 4:
            return None
        whole = masked(text[at + 12 : end]) == text[end : end + 4]
        found.append(text[at + 12 : end] if whole else None)
        at = end + 4
    return found


def check_tfrecord(path, folder, whole):
    records = frames(path.read_bytes())
    scored = job(path, folder)
    if records is None or not records:
        assert scored is None
    elif scored is None:
        assert not any(record in whole for record in records)
    else:
        check_rows(scored, {at: whole[record] for at, record in enumerate(records) if record in whole})


def fuzz(kind, seed, log):
    """Damages files of a kind until the time is up; says with which seed, file and fault it failed."""
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    with tempfile.TemporaryDirectory() as scratch:
        top = Path(scratch)
        formats = write_formats(top, BEATS.signal, BEATS.label)
        (top / "kaggle.csv").write_bytes(kaggle_text(BEATS.signal, BEATS.label).tobytes())
        content = (formats.get(kind) or top / kind).read_bytes()
        whole = dict(zip(frames(formats["beats.tfrecord"].read_bytes()), BEATS.signal, strict=True))
        began, number = time.monotonic(), 0
        while time.monotonic() - began < SECONDS:
            number += 1
            sys.stdout.write(f"seed {seed} file {number}\n")
            sys.stdout.flush()
            folder = top / str(number)
            folder.mkdir()
            path = folder / kind
            path.write_bytes(damaged(content, random.Random(f"{seed} {number}")))
            try:
                if kind.endswith(".csv"):
                    check_csv(path, folder)
                elif kind.endswith(".tfrecord"):
                    check_tfrecord(path, folder, whole)
                else:
                    job(path, folder)
            except BaseException:
                traceback.print_exc()
                sys.stderr.flush()
                os._exit(1)
            shutil.rmtree(folder)
    os._exit(0)


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files(kind, tmp_path):
    seed, log = random.randrange(1 << 32), tmp_path / "log"
    child = CONTEXT.Process(target=fuzz, args=(kind, seed, str(log)))
    child.start()
    child.join()
    assert child.exitcode == 0, log.read_text()[-3000:]
