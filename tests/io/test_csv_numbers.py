"""Kaggle's spelling: read fast, to the general reader's numbers to the last bit or not at all, and written."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from components.beat import SAMPLES
from components.io.csv_numbers import (
    CELL,
    WRITTEN_ROWS,
    UnreadableNumbersError,
    kaggle_text,
    read_any,
    read_kaggle,
    read_matrix,
)

WIDTH = 4


def text_of(values, width=WIDTH):
    """Lines of already spelt values."""
    cells = [values[at : at + width] for at in range(0, len(values), width)]
    return "".join(",".join(row) + "\n" for row in cells).encode()


def spelt(values):
    return [f"{value:.18e}" for value in values]


def same(fixed, values, width=WIDTH):
    """Whether the bits are those of the general reader."""
    expected = read_any(text_of(values, width), len(values) // width, width)
    return fixed is not None and (fixed.view(np.uint32) == expected.view(np.uint32)).all()


def read(values, width=WIDTH):
    return read_kaggle(text_of(values, width), len(values) // width, width)


def test_every_ratio_of_whole_numbers_that_a_scaled_beat_can_have():
    """A sample is (value - lowest) / (highest - lowest) in units of an 11-bit converter."""
    whole = np.arange(2048, dtype=np.float64)
    ratios = np.unique(np.concatenate([(whole[: top + 1] / top) for top in range(1, 2048, 7)]).astype(np.float32))
    values = ratios[: len(ratios) // 188 * 188].reshape(-1, 188)
    text = kaggle_text(values, None).tobytes()
    found = read_kaggle(text, len(values), 188)
    np.testing.assert_array_equal(found, values)
    np.testing.assert_array_equal(found.view(np.uint32), read_any(text, len(values), 188).view(np.uint32))


@given(st.lists(st.floats(0, 9.5, width=64).filter(lambda value: value == 0 or value >= 1e-9), min_size=4, max_size=40))
@settings(max_examples=100, deadline=None)
def test_any_number_of_the_format_is_the_general_readers_or_left_to_it(values):
    values = spelt(values[: len(values) // WIDTH * WIDTH])
    found = read(values)
    assert found is None or same(found, values)


def test_float32s_and_most_float64s_are_answered():
    rng = np.random.default_rng(1)
    for values in (rng.random(40_000, np.float32), rng.random(40_000), 10.0 ** -rng.uniform(0, 9, 40_000)):
        assert same(read(spelt(values)), spelt(values))


def test_digits_may_begin_with_zeros():
    values = [
        "0.000000000000000001e-09",
        "0.000000099999999999e+00",
        "0.000000000000000000e-05",
        "9.999999999999999999e+00",
    ]
    assert same(read(values), values)


def test_the_middle_between_two_float32s_is_left_to_the_general_reader():
    low = np.random.default_rng(2).random(100, np.float32)
    middle = (low.astype(np.float64) + np.nextafter(low, np.float32(2)).astype(np.float64)) / 2
    for value in middle:
        for near in (value, np.nextafter(value, 0), np.nextafter(value, 2)):
            assert read(spelt([near] * WIDTH)) is None
            assert same(read_matrix(text_of(spelt([near] * WIDTH)), 1, WIDTH), spelt([near] * WIDTH))


@given(
    st.lists(st.floats(0, 1, width=32).filter(lambda value: value == 0 or value >= 1e-9), min_size=8, max_size=8),
    st.integers(0, 2 * WIDTH * CELL - 1),
    st.one_of(st.sampled_from(b"0123456789,.\n\r +-eE"), st.integers(0, 255)),
)
@settings(max_examples=200, deadline=None)
def test_whatever_one_byte_becomes_the_general_reader_would_say_the_same(values, at, byte):
    text = bytearray(text_of(spelt(values)))
    text[at] = byte
    found = read_kaggle(bytes(text), 2, WIDTH)
    if found is not None:
        np.testing.assert_array_equal(found.view(np.uint32), read_any(bytes(text), 2, WIDTH).view(np.uint32))


@pytest.mark.parametrize("at", [0, 1, 2, 9, 10, 11, 12, 19, 20, 21, 22, 23, 24, 99])
def test_every_byte_at_every_kind_of_place(at):
    answered = ".e-,\n" if at % CELL in (1, 20, 21, 24) else "0123456789"
    for byte in range(256):
        text = bytearray(text_of(["1.234567890123456789e-01"] * WIDTH))
        text[at] = byte
        found = read_kaggle(bytes(text), 1, WIDTH)
        if found is not None:
            assert chr(byte) in answered
            np.testing.assert_array_equal(found, read_any(bytes(text), 1, WIDTH))


@pytest.mark.parametrize(
    "text",
    [b"", b"1,2,3,4\n", text_of(["1.234567890123456789e-01"] * 4)[:-1], text_of(["1.234567890123456789e-01"] * 8)],
)
def test_other_lengths_are_left_to_the_general_reader(text):
    assert read_kaggle(text, 1, WIDTH) is None


def test_a_fault_is_still_a_fault():
    text = text_of(["1.234567890123456789e-01"] * 3 + ["1.23456789012345678?e-01"])
    with pytest.raises(UnreadableNumbersError):
        read_matrix(text, 1, WIDTH)


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
    text = kaggle_text(signal, label).tobytes()
    assert text == slow_text(np.abs(signal), None if label is None else label.tolist())


def test_more_rows_than_a_block_keep_their_order() -> None:
    signal = np.random.default_rng(0).random((WRITTEN_ROWS + 3, SAMPLES), np.float32)
    label = np.arange(len(signal)) % 5
    assert kaggle_text(signal, label).tobytes() == slow_text(signal, label.tolist())


@pytest.mark.parametrize("value", [-1e-6, 1.0001, np.nan, np.inf])
def test_a_value_outside_0_to_1_is_refused(value: float) -> None:
    signal = np.zeros((2, SAMPLES), np.float32)
    signal[1, 5] = value
    with pytest.raises(ValueError, match=r"outside 0\.\.1"):
        kaggle_text(signal, None)
