"""Annotation files word by word, written by none of wfdb's code, and read as wfdb reads those that it can read."""

from __future__ import annotations

import os
import struct
import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import wfdb
from hypothesis import given, settings
from hypothesis import strategies as st

from components.errors import DataRefused
from components.recordings.annotation_words import AnnotationFile
from components.recordings.annotations import read_annotation_file, read_annotations
from components.recordings.lead import Lead

END = b"\0\0"


def word(code: int, value: int) -> bytes:
    return struct.pack("<H", code << 10 | value)


def text(note: str) -> bytes:
    content = note.encode("latin-1")
    return word(63, len(content)) + content + b"\0" * (len(content) % 2)


def skip(step: int) -> bytes:
    high, low = divmod(step % 2**32, 65536)
    return word(59, 0) + struct.pack("<HH", high, low)


def own(note: str) -> bytes:
    """A note at sample 0."""
    return word(22, 0) + text(note)


BEATS = word(1, 100) + word(5, 300) + word(1, 300)


def read(folder: Path, content: bytes) -> AnnotationFile:
    path = folder / "r.atr"
    path.write_bytes(content)
    return read_annotation_file(path)


@pytest.mark.parametrize(
    ("notes", "fs"),
    [
        (["## made by our annotator"], None),
        (["## "], None),
        (["##made by our annotator", "a person"], None),
        (["## time resolution: 360", "## time resolution: 360"], 360),
        (["## time resolution: 360", "## time resolution: 360.0"], 360),
        (["## time resolution:  1000"], 1000),
        (["## made by us", "## time resolution: 1000/3 ", "## of ward 3"], Fraction(1000, 3)),
        (["## time resolution: 1e+06"], 1_000_000),
        (["## end of definitions"], None),
        (["## annotation type definitions", "## end of definitions", "## made by us"], None),
    ],
)
def test_notes_at_sample_0_that_nobody_knows_are_comments(tmp_path: Path, notes: list[str], fs: Fraction) -> None:
    found = read(tmp_path, b"".join(map(own, notes)) + BEATS + END)
    assert (found.ticks.tolist(), found.symbol.tolist()) == ([100, 400, 700], ["N", "V", "N"])
    assert found.aux == ("", "", "")
    assert found.fs == fs


def test_a_note_of_the_file_between_its_annotations_is_no_resolution(tmp_path: Path) -> None:
    found = read(tmp_path, word(1, 100) + text("## time resolution: 1000") + word(5, 300) + END)
    assert (found.fs, found.aux) == (None, ("## time resolution: 1000", ""))


def test_nothing_behind_the_end_mark_is_read(tmp_path: Path) -> None:
    for behind in (
        word(1, 300) + word(1, 300),
        b"\0\0" * 100,
        word(63, 200),
        skip(100)[:4],
        own("## time resolution: 7"),
    ):
        found = read(tmp_path, word(1, 100) + word(5, 300) + END + behind + END)
        assert (found.ticks.tolist(), found.symbol.tolist(), found.fs) == ([100, 400], ["N", "V"], None)
    assert read(tmp_path, word(1, 100) + skip(5000) + END + word(1, 300) + END).ticks.tolist() == [100]


@pytest.mark.parametrize(
    "content",
    [
        skip(5000)[:4] + END,
        skip(5000)[:2] + END,
        skip(5000)[:2] + END + END,
        BEATS + text("a note that is long enough")[:8] + END,
        BEATS + text("a note")[:2] + END,
        BEATS + text("note")[:4] + END,
        BEATS + text("x" * 255)[:-4] + END,
    ],
)
def test_a_file_that_ends_within_an_interval_or_a_note_is_cut_short(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataRefused, match=r"r\.atr are cut short: behind [03] annotations .* Copy the file again"):
        read(tmp_path, content)


def test_a_file_that_begins_with_a_note_to_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match=r"r\.atr are no annotation file of WFDB: a note comes first"):
        read(tmp_path, text("hello") + BEATS + END)


@pytest.mark.parametrize(
    "rate",
    [
        "1e999999999",
        "1e-999999999",
        "9" * 200,
        "1e30",
        "0",
        "-360",
        "nan",
        "inf",
        "",
        "1/0",
        "0/0",
        "1/1e999999999",
        "fast",
    ],
)
def test_a_resolution_that_no_file_can_have_is_refused_with_its_words(tmp_path: Path, rate: str) -> None:
    with pytest.raises(DataRefused) as refused:
        read(tmp_path, own(f"## time resolution: {rate}") + BEATS + END)
    said = (
        f"r.atr say that they count {rate!r} times a second ('## time resolution: {rate}'); it should be a number from"
    )
    assert said in str(refused.value)


def test_two_resolutions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match="say both '## time resolution: 360' and '## time resolution: 250'"):
        read(tmp_path, own("## time resolution: 360") + own("## time resolution: 250") + BEATS + END)


def test_symbols_that_a_file_defines_are_its_annotations(tmp_path: Path) -> None:
    notes = [
        "## annotation type definitions",
        "42 m a murmur",
        "5 W wide",
        "## end of definitions",
        "## time resolution: 9",
    ]
    found = read(tmp_path, b"".join(map(own, notes)) + word(42, 10) + word(43, 10) + BEATS + END)
    assert found.symbol.tolist() == ["m", "code 43", "N", "W", "N"]
    assert found.fs == 9


@pytest.mark.parametrize(
    ("notes", "said"),
    [
        (["## annotation type definitions", "42 m a murmur"], "define types, without '## end of definitions'"),
        (
            ["## annotation type definitions", "m 42 a murmur", "## end of definitions"],
            "define a type as 'm 42 a murmur'",
        ),
        (["## annotation type definitions", "50 m a murmur", "## end of definitions"], "the code from 1 to 49"),
    ],
)
def test_definitions_that_cannot_be_read_are_refused(tmp_path: Path, notes: list[str], said: str) -> None:
    with pytest.raises(DataRefused) as refused:
        read(tmp_path, b"".join(map(own, notes)) + BEATS + END)
    assert said in str(refused.value)


def test_annotations_of_records_are_read_by_the_same_reader(tmp_path: Path) -> None:
    read(tmp_path, own("## time resolution:  720") + own("## made by us") + BEATS + END + BEATS + END)
    found = read_annotations(
        tmp_path / "r", "atr", Lead("II", Fraction(360), 1000, 1000, Fraction(360), (), whole=True)
    )
    assert (found.sample.tolist(), found.symbol.tolist()) == ([50, 200, 350], ["N", "V", "N"])


def check_against_wfdb(path: Path) -> AnnotationFile:
    """Compare what is read of a file with what wfdb reads."""
    found = read_annotation_file(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = wfdb.rdann(str(path.with_suffix("")), path.suffix[1:], return_label_elements=["symbol", "label_store"])
    used = np.asarray(theirs.label_store) != 0
    pairs = zip(theirs.symbol, theirs.label_store, strict=True)
    symbols = [s if isinstance(s, str) and s != " " else f"code {c}" for s, c in pairs]
    assert found.ticks.tolist() == theirs.sample[used].tolist()
    assert found.symbol.tolist() == np.array(symbols, np.str_)[used].tolist()
    assert found.subtype.tolist() == np.asarray(theirs.subtype)[used].tolist()
    assert found.aux == tuple(note.rstrip("\0") for note, kept in zip(theirs.aux_note, used, strict=True) if kept)
    return found


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """An annotation file of whatever words wfdb reads as the format has them."""
    rate = draw(st.sampled_from(["", "## time resolution: 250"]))
    defined = draw(st.booleans())
    names = ["## annotation type definitions", "42 m a murmur", "5 W wide", "## end of definitions"] if defined else []
    notes = [*([rate] if rate else []), *names]
    parts = [own(note) for note in notes]
    for _ in range(draw(st.integers(0, 30))):
        step = draw(st.one_of(st.just(0), st.integers(-(2**31), 2**31 - 1), st.integers(1024, 5000)))
        code, value = draw(st.integers(0, 49)), draw(st.integers(0, 1023))
        if not (code or value) or (code == 22 and not notes):
            continue
        parts += [skip(step)] * (step != 0) + [word(code, value or 1)]
        kinds = draw(st.lists(st.sampled_from(["text", "subtype", "channel", "number"]), unique=True, max_size=4))
        for kind in kinds:
            if kind == "text":
                parts.append(text(draw(st.text(st.characters(max_codepoint=255), max_size=255))))
            else:
                parts.append(word({"number": 60, "subtype": 61, "channel": 62}[kind], draw(st.integers(0, 255))))
    return b"".join(parts) + END


@settings(deadline=None, max_examples=150)
@given(files())
def test_every_file_that_wfdb_can_read_is_read_as_wfdb_reads_it(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("files") / "r.atr"
    path.write_bytes(content)
    check_against_wfdb(path)


@pytest.mark.real
def test_the_annotations_of_mitbih_are_read_as_wfdb_reads_them() -> None:
    files = sorted(Path(os.environ["HEARTBEAT_MITDB"]).glob("*.atr"))
    assert len(files) >= 48
    assert sum(len(check_against_wfdb(path).ticks) for path in files) >= 112_647
