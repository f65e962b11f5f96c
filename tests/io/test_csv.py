import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.io.csv import parse_block
from components.io.rejects import explain
from components.io.text import Block
from tests.io.rows import line, lines, reference

GOOD = [line(0), line(4), line(2, s0=" 0.5", s7="1e-3", s9="1.", s11=".5\t"), line(1, s3="-0.0", s4="1E0"), line("3")]

FAULTY = {
    "": ("empty line", "empty line"),
    line(1, s12="abc"): ("not a number", "column 12 is 'abc', not a number"),
    line(1, s12="nan"): ("not a number", "column 12 is 'nan', not a number"),
    line(1, s12=""): ("not a number", "column 12 is '', not a number"),
    line(1, s12="NA"): ("not a number", "column 12 is 'NA', not a number"),
    line(1, s12='"0.5"'): ("not a number", "column 12 is '\"0.5\"', not a number"),
    line(1, s12="+0.5"): ("not a number", "column 12 is '+0.5', not a number"),
    line(1, s12="0x1"): ("not a number", "column 12 is '0x1', not a number"),
    line(1, s12="1e"): ("not a number", "column 12 is '1e', not a number"),
    line(1, s12="\ufeff0.5"): ("not a number", "column 12 is '\\ufeff0.5', not a number"),
    line(1, s5="1.25"): ("sample outside 0..1", "sample 5 is 1.25, outside 0..1"),
    line(1, s5="-1e-30"): ("sample outside 0..1", "sample 5 is -1e-30, outside 0..1"),
    line(1, s0="inf"): ("sample outside 0..1", "sample 0 is inf, outside 0..1"),
    line(1, s0="1e999"): ("sample outside 0..1", "sample 0 is 1e999, outside 0..1"),
    line("7.0"): ("unknown label", "label 7.0 is not one of 0..4"),
    line("0.5"): ("unknown label", "label 0.5 is not one of 0..4"),
    line("-1"): ("unknown label", "label -1 is not one of 0..4"),
    line("nan"): ("not a number", "column 187 is 'nan', not a number"),
    line("0").rsplit(",", 1)[0]: ("wrong number of columns", "187 columns, expected 188"),
    line("0") + ",0": ("wrong number of columns", "189 columns, expected 188"),
    "0.5": ("wrong number of columns", "1 column, expected 188"),
    line(1, s3="0.\r5"): ("carriage return inside the line", "carriage return inside the line, at byte 17"),
    line(1) + "\r" + line(2): ("carriage return inside the line", "carriage return inside the line, at byte 938"),
    "\ufeff" + line(1): ("byte order mark", "the line begins with a byte order mark"),
    "\0" + line(1): ("not text", "byte 0 is 0x00, not text"),
}


def block_of(rows, end="\n", first_row=0):
    return Block(first_row, len(rows), "".join(row + end for row in rows).encode())


def test_a_clean_block_keeps_every_value_and_row_number():
    text, signal, label = lines(50)
    parsed = parse_block(Block(1000, 50, text))
    np.testing.assert_array_equal(parsed.signal, signal)
    np.testing.assert_array_equal(parsed.label, label)
    assert parsed.signal.dtype == np.float32
    assert parsed.label.dtype == np.int64
    assert parsed.rows.tolist() == list(range(1000, 1050))
    assert parsed.rejects == ()


@pytest.mark.parametrize(
    "text", [*FAULTY], ids=[f"{number} {reason}" for number, (_, reason) in enumerate(FAULTY.values())]
)
def test_a_faulty_line_is_rejected_with_its_reason_and_its_neighbours_are_kept(text):
    parsed = parse_block(block_of([GOOD[0], text, GOOD[1]], first_row=7))
    (reject,) = parsed.rejects
    assert (reject.row, reject.kind, reject.reason, reject.text) == (8, *FAULTY[text], text)
    assert parsed.rows.tolist() == [7, 9]
    assert parsed.label.tolist() == [0, 4]


@pytest.mark.parametrize("text", GOOD)
def test_good_lines_have_the_value_they_have_alone_beside_a_faulty_one(text):
    alone, beside = parse_block(block_of([text])), parse_block(block_of(["", text, "x"]))
    np.testing.assert_array_equal(alone.signal, beside.signal)
    np.testing.assert_array_equal(alone.label, beside.label)
    assert len(alone.rejects) == 0
    assert [reject.row for reject in beside.rejects] == [0, 2]


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.sampled_from([*GOOD, *GOOD, *GOOD, *FAULTY]), min_size=1, max_size=12),
    ends=st.lists(st.sampled_from(["\n", "\r\n"]), min_size=12, max_size=12),
    open_end=st.booleans(),
)
def test_a_lines_fate_and_value_never_depend_on_its_neighbours(rows, ends, open_end):
    each = [(row + end).encode() for row, end in zip(rows, ends, strict=False)]
    if open_end and rows[-1]:
        each[-1] = rows[-1].encode()
    text = b"".join(each)
    together = parse_block(Block(0, len(each), text))
    alone = [parse_block(Block(number, 1, one)) for number, one in enumerate(each)]
    np.testing.assert_array_equal(together.signal, np.concatenate([one.signal for one in alone]))
    np.testing.assert_array_equal(together.label, np.concatenate([one.label for one in alone]))
    np.testing.assert_array_equal(together.rows, np.concatenate([one.rows for one in alone]))
    assert together.rejects == tuple(reject for one in alone for reject in one.rejects)
    assert len(together.rows) + len(together.rejects) == len(each)

    expected = {row: values for row, values in enumerate(reference(text)) if values is not None}
    assert together.rows.tolist() == [*expected]
    if expected:
        np.testing.assert_allclose(together.signal, np.array([*expected.values()])[:, :187], rtol=2e-7)
    assert {reject.kind for reject in together.rejects} <= {kind for kind, _ in FAULTY.values()}


FIELDS = st.text("0123456789.eE-+ \tnaif_x", max_size=7) | st.sampled_from(["0", "1", "4", "0.5", "é", "\x00", "1,1"])


@settings(max_examples=150, deadline=None)
@given(fields=st.lists(FIELDS, min_size=1, max_size=3), places=st.lists(st.integers(0, 187), min_size=3, max_size=3))
def test_any_field_is_accepted_or_refused_as_by_the_reference(fields, places):
    values = line(1).split(",")
    for place, text in zip(places, fields, strict=False):
        values[place] = text
    text = ",".join(values).encode()
    parsed = parse_block(Block(0, 1, text))
    (expected,) = reference(text)
    assert (len(parsed.rows) == 1) == (expected is not None)
    if expected is not None:
        np.testing.assert_allclose(parsed.signal[0], expected[:187], rtol=2e-7)


@settings(max_examples=100, deadline=None)
@given(junk=st.binary(min_size=1, max_size=60))
def test_any_bytes_are_rows_or_rejects(junk):
    good = line(1).encode() + b"\n"
    text = good + junk + b"\n" + good
    expected = reference(text)
    parsed = parse_block(Block(0, len(expected), text))
    assert parsed.rows.tolist() == [row for row, values in enumerate(expected) if values is not None]
    assert [reject.row for reject in parsed.rejects] == [row for row, values in enumerate(expected) if values is None]


def test_unlabelled_lines_have_187_columns_and_no_label():
    rows = [line(1).rsplit(",", 1)[0], line(2), line(3).rsplit(",", 1)[0]]
    parsed = parse_block(block_of(rows), labelled=False)
    assert parsed.label is None
    assert parsed.signal.shape == (2, 187)
    assert parsed.rows.tolist() == [0, 2]
    assert [reject.reason for reject in parsed.rejects] == ["188 columns, expected 187"]


def test_bytes_that_are_no_utf8_are_shown_as_escapes():
    parsed = parse_block(Block(0, 1, b"\xff\xfeabc\n"))
    assert parsed.rejects[0].text == "\\xff\\xfeabc"
    assert explain(b"0.5,\xe9t\xe9", 188) == ("not text", "byte 4 is 0xe9, not UTF-8 text")


def test_an_over_long_block_is_one_reject_of_its_head():
    parsed = parse_block(Block(3, 1, b"x" * 8192, over_long=True))
    assert [(reject.row, reject.kind, len(reject.text)) for reject in parsed.rejects] == [(3, "over-long line", 8192)]
    assert parsed.signal.shape == (0, 187)
    assert parsed.label.shape == (0,)


def test_a_long_line_keeps_its_first_8_kib_only():
    parsed = parse_block(Block(0, 1, b"7," * 20_000 + b"\n"))
    assert len(parsed.rejects[0].text) == 8192
    assert parsed.rejects[0].reason == "20,001 columns, expected 188"
