from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import wfdb
from hypothesis import given
from hypothesis import strategies as st
from wfdb.io.annotation import ann_label_table

from components.errors import UsageError
from components.recordings.annotation_files import (
    WFDB_SYMBOLS,
    Answers,
    annotation_bytes,
    annotation_file_name,
)
from components.recordings.annotations import read_annotation_file

SYMBOLS = sorted(set(WFDB_SYMBOLS) - {" "})


def answers(samples: list[int], symbols: str, notes: tuple[str, ...] = (), **changes: object) -> Answers:
    length = samples[-1] + 100 if samples else 100
    base = Answers("100", Fraction(360), length, np.array(samples, np.int64), np.array(list(symbols), np.str_), notes)
    return replace(base, **changes)  # type: ignore[arg-type]


def stamps(content: bytes) -> tuple[list[float], list[tuple[float, str]]]:
    """Where the data records of an EDF+ file that holds annotations only begin, and its annotations, by hand."""
    count, size = int(content[236:244]), 2 * int(content[472:480])
    assert len(content) == 512 + count * size
    begins, found = [], []
    for i in range(count):
        record = content[512 + i * size :][:size]
        first, *others = re.findall(rb"([+-][0-9.]+)\x14([^\0]*)\x14\0|\x14\x14\0", record.rstrip(b"\0") + b"\0")
        begins.append(float(first[0]))
        found += [(float(onset), text.decode()) for onset, text in others]
    return begins, found


def test_the_codes_are_wfdbs() -> None:
    table = {row.label_store: row.symbol for row in ann_label_table.itertuples()}
    assert {code: symbol for code, symbol in enumerate(WFDB_SYMBOLS) if symbol != " "} == {
        code: symbol for code, symbol in table.items() if symbol != " "
    }


@given(
    steps=st.lists(st.one_of(st.integers(1, 5000), st.sampled_from([1022, 1023, 1024, 65535, 65536, 2**31, 2**33]))),
    seed=st.integers(0, 2**32 - 1),
    fs=st.sampled_from([Fraction(360), Fraction(515, 2), Fraction(1000, 3)]),
    comment=st.sampled_from(["", "Heartbeat 1.0, model 0123456789ab"]),
)
def test_wfdb_reads_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int], seed: int, fs: Fraction, comment: str
) -> None:
    rng = np.random.default_rng(seed)
    samples = np.cumsum(np.array(steps, np.int64)) + 1
    symbols = rng.choice(SYMBOLS, len(steps))
    notes = tuple(str(text) for text in rng.choice(["", "", "odd", "even"], len(steps)))
    given_answers = Answers("100", fs, int(samples.max(initial=0)) + 1, samples, symbols, notes, comment)
    path = tmp_path_factory.mktemp("files") / annotation_file_name("pred", "100")
    path.write_bytes(annotation_bytes("pred", given_answers))
    read = wfdb.rdann(str(path.with_suffix("")), "pred")
    extra = 1 if comment else 0
    assert read.sample.tolist() == [1] * extra + samples.tolist()
    assert read.symbol == ['"'] * extra + symbols.tolist()
    assert [text.rstrip("\0") for text in read.aux_note] == [comment] * extra + list(notes)
    assert read_annotation_file(path).fs == Fraction(f"{float(fs):.12g}")


def test_all_forms_hold_the_same() -> None:
    beats = answers([0, 77, 4000], "N|?", ("", "samples are missing", ""), comment='Heartbeat 1, model "ab,c"')
    rows = list(csv.DictReader(io.StringIO(annotation_bytes("csv", beats).decode())))
    assert [(row["sample"], row["seconds"], row["symbol"], row["note"]) for row in rows] == [
        ("0", "0.000000", "N", ""),
        ("1", "0.002778", '"', 'Heartbeat 1, model "ab,c"'),
        ("77", "0.213889", "|", "samples are missing"),
        ("4000", "11.111111", "?", ""),
    ]
    assert {row["record"] for row in rows} == {"100"}
    begins, found = stamps(annotation_bytes("edf", beats))
    assert begins == [0, 10]
    assert found == [
        (0, "N"),
        (0.002778, 'Heartbeat 1, model "ab,c"'),
        (0.213889, "| samples are missing"),
        (11.111111, "?"),
    ]


def test_an_edf_file_has_the_header_of_edf_plus_and_the_length_of_the_recording() -> None:
    content = annotation_bytes("edf", answers(list(range(0, 30_000, 300)), "NV" * 50, record="ward 3/ä"))
    assert content[:8] == b"0       "
    assert content[8:168].split() == [b"X"] * 4 + [b"Startdate", b"X", b"ward_3/_", b"X", b"Heartbeat"]
    assert content[168:252] == b"01.01.8500.00.00512     EDF+C" + b" " * 39 + b"9       10      "
    assert content[252:272] == b"1   EDF Annotations "
    begins, found = stamps(content)
    assert begins == [10.0 * i for i in range(9)]  # 29,800 samples at 360 Hz are 82.8 s
    assert len(found) == 100


def test_annotations_of_nothing_are_files_too(tmp_path: Path) -> None:
    nothing = answers([], "")
    assert stamps(annotation_bytes("edf", nothing)) == ([0], [])
    assert annotation_bytes("csv", nothing) == b"record,sample,seconds,symbol,note\n"
    (tmp_path / "100.pred").write_bytes(annotation_bytes("pred", nothing))
    assert read_annotation_file(tmp_path / "100.pred").ticks.tolist() == []


def test_a_note_is_cut_to_what_fits_and_keeps_no_control_characters(tmp_path: Path) -> None:
    beats = answers([500], "|", ("\x14" + "é" * 200,))
    (tmp_path / "100.pred").write_bytes(annotation_bytes("pred", beats))
    read = read_annotation_file(tmp_path / "100.pred")
    assert read.aux[0].encode("latin-1").decode() == " " + "é" * 127
    assert stamps(annotation_bytes("edf", beats))[1][0][1] == "|  " + "é" * 200


def test_positions_that_fall_and_strange_symbols_are_refused() -> None:
    with pytest.raises(ValueError, match="the positions in 100 fall"):
        annotation_bytes("pred", answers([5, 4], "NN"))
    with pytest.raises(ValueError, match="are negative"):
        annotation_bytes("csv", answers([-1, 4], "NN"))
    with pytest.raises(ValueError, match=r"\['&'\] in 100 are no symbols"):
        annotation_bytes("pred", answers([5], "&"))
    with pytest.raises(UsageError, match="use letters only"):
        annotation_file_name("p1", "100")
