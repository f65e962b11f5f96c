from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from components.beat import SAMPLES
from components.io.csv_text import BLOCK_ROWS, provenance_header, provenance_text, rows_text


def slow_text(signal: np.ndarray, label: list[int] | None) -> bytes:
    lines = []
    for i, row in enumerate(signal.tolist()):
        cells = [format(value, ".18e") for value in row]
        if label is not None:
            cells.append(format(float(label[i]), ".18e"))
        lines.append(",".join(cells) + "\n")
    return "".join(lines).encode()


@settings(max_examples=50, deadline=None)
@given(
    arrays(np.float32, st.tuples(st.integers(0, 6), st.just(SAMPLES)), elements=st.floats(0, 1, width=32)),
    st.booleans(),
)
def test_the_text_is_what_formatting_each_value_gives(signal: np.ndarray, labelled: bool) -> None:
    label = (np.arange(len(signal)) % 5) if labelled else None
    text = rows_text(signal, label).tobytes()
    assert text == slow_text(np.abs(signal), None if label is None else label.tolist())


def test_more_rows_than_a_block_keep_their_order() -> None:
    signal = np.random.default_rng(0).random((BLOCK_ROWS + 3, SAMPLES), np.float32)
    label = np.arange(len(signal)) % 5
    assert rows_text(signal, label).tobytes() == slow_text(signal, label.tolist())


@pytest.mark.parametrize("value", [-1e-6, 1.0001, np.nan, np.inf])
def test_a_value_outside_0_to_1_is_refused(value: float) -> None:
    signal = np.zeros((2, SAMPLES), np.float32)
    signal[1, 5] = value
    with pytest.raises(ValueError, match=r"outside 0\.\.1"):
        rows_text(signal, None)


def test_provenance_reads_back() -> None:
    text = provenance_header() + provenance_text(["100", 'odd,"name'], [7, 9], ["N", ""], [0, ""])
    assert list(csv.DictReader(io.StringIO(text.decode()))) == [
        {"record": "100", "sample": "7", "symbol": "N", "label": "0"},
        {"record": 'odd,"name', "sample": "9", "symbol": "", "label": ""},
    ]
