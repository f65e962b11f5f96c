"""The cutting rule against an independent, slow version of it written from the rule's words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.beat import SAMPLES, SYMBOL_TO_LABEL
from components.beats.cut import (
    PAUSE_SECONDS,
    CutCounts,
    beat_windows,
    count,
    cut,
    cut_windows,
    kaggle_windows,
    points_down,
)
from components.beats.symbols import BEAT_SYMBOLS, DEFAULT_MAP
from components.errors import DataRefused

LABELS = {"N": 0, "L": 0, "R": 0, "e": 0, "j": 0, "A": 1, "a": 1, "J": 1, "S": 1, "V": 2, "E": 2, "F": 3}
LABELS |= {"/": 4, "f": 4, "Q": 4}


def slow_rows(signal: list[float], positions: list[int], symbols: list[str]) -> list[tuple[int, str, int, list[float]]]:
    rows = []
    for i in range(len(positions) - 1):
        if symbols[i] not in LABELS:
            continue
        after_next = positions[i + 2] if i + 2 < len(positions) else len(signal)
        end = positions[i + 1] + int((after_next - positions[i + 1]) * 0.2 + 1e-9)
        window = [signal[k] for k in range(positions[i], end, 3)]
        if not window or any(value != value for value in window) or max(window) == min(window):
            continue
        low, high = min(window), max(window)
        scaled = [(value - low) / (high - low) for value in window][:187]
        rows.append((positions[i], symbols[i], LABELS[symbols[i]], scaled + [0.0] * (187 - len(scaled))))
    return rows


@st.composite
def records(draw: st.DrawFn) -> tuple[np.ndarray, list[int], list[str]]:
    length = draw(st.integers(1, 2000))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    kind = draw(st.sampled_from([np.int16, np.int64, np.float32, np.float64]))
    levels = draw(st.sampled_from([1, 2, 5, 2048]))
    signal = rng.integers(0, levels, length).astype(kind)
    if np.issubdtype(kind, np.floating) and draw(st.booleans()):
        signal[rng.integers(0, length, 3)] = np.nan
    count = draw(st.integers(0, 12))
    positions = sorted(draw(st.lists(st.integers(0, length - 1), min_size=count, max_size=count)))
    symbols = draw(st.lists(st.sampled_from([*LABELS, "+", "~", "!"]), min_size=count, max_size=count))
    return signal, positions, symbols


@settings(max_examples=300, deadline=None)
@given(records())
def test_the_rows_are_those_of_the_rule(record: tuple[np.ndarray, list[int], list[str]]) -> None:
    signal, positions, symbols = record
    beats, counts = cut(signal, np.array(positions, np.int64), symbols)
    expected = slow_rows(signal.astype(float).tolist(), positions, symbols)
    assert [(s, c, label) for s, c, label, _ in expected] == list(
        zip(beats.sample.tolist(), beats.symbol.tolist(), beats.label.tolist(), strict=True)
    )
    assert beats.signal.dtype == np.float32
    assert beats.signal.shape == (len(expected), SAMPLES)
    assert beats.signal.tolist() == [np.array(row, np.float32).tolist() for *_, row in expected]
    parts = counts.rows + counts.last + sum(counts.unknown.values()) + len(counts.flat) + len(counts.missing)
    assert counts.annotations == parts == len(positions)


def test_a_window_longer_than_a_row_is_scaled_by_all_of_it() -> None:
    signal = np.zeros(3000, np.int16)
    signal[3] = 50
    signal[3 * 400] = 100  # far past the 187 samples that are kept
    beats, _ = cut(signal, np.array([0, 2000, 2500]), ["N", "N", "N"])
    assert beats.signal[0, 1] == 0.5
    assert beats.signal[0].max() == 0.5


def test_unknown_symbols_and_flat_windows_are_counted_by_name() -> None:
    signal = np.zeros(1000, np.int16)
    signal[500:] = np.arange(500)
    beats, counts = cut(signal, np.array([10, 100, 200, 600, 700, 800]), ["N", "+", "V", "~", "A", "N"])
    assert counts == CutCounts(6, rows=2, last=1, unknown=counts.unknown, flat=(10,))
    assert counts.unknown == {"+": 1, "~": 1}
    assert beats.sample.tolist() == [200, 700]


def test_counts_of_records_add() -> None:
    _, one = cut(np.arange(100), np.array([0, 10, 20]), ["N", "+", "N"])
    _, two = cut(np.zeros(100), np.array([0, 10, 20]), ["N", "+", "N"])
    both = one + two
    assert (both.annotations, both.rows, both.last, both.unknown["+"], both.flat) == (6, 1, 2, 2, (0,))


@pytest.mark.parametrize(
    ("positions", "said"),
    [
        ([0, 50, 40], "number 2 is at sample 40, the one before at 50"),
        ([0, 50, 100], "number 2 is at sample 100 of a record of 100"),
        ([-1, 50], "number 0 is at sample -1"),
    ],
)
def test_positions_that_cannot_be_are_refused(positions: list[int], said: str) -> None:
    with pytest.raises(DataRefused, match=said):
        cut(np.arange(100), np.array(positions), ["N"] * len(positions))


@pytest.mark.parametrize("positions", [[], [5]])
def test_a_record_with_hardly_an_annotation_has_no_rows(positions: list[int]) -> None:
    beats, counts = cut(np.arange(100), np.array(positions, np.int64), ["N"] * len(positions))
    assert len(beats) == 0
    assert beats.signal.shape == (0, SAMPLES)
    assert counts.last == len(positions)


def slow_beat_windows(positions: list[int], symbols: list[str], length: int) -> dict[int, tuple[int, int] | str]:
    """What becomes of each annotation by the rule from beat to beat: a window, or why it has none."""
    fate: dict[int, tuple[int, int] | str] = {}
    marks = [i for i, symbol in enumerate(symbols) if symbol == "" or symbol in BEAT_SYMBOLS]
    for i in marks:
        here = [k for k in marks if positions[k] == positions[i]]
        stands = next((k for k in here if symbols[k] == "" or symbols[k] in DEFAULT_MAP), here[0])
        if stands != i:
            fate[i] = "doubled"
    beats = [i for i in marks if i not in fate]
    for i, symbol in enumerate(symbols):
        if i in fate:
            continue
        if i == (beats or [-1])[-1]:
            fate[i] = "last"
        elif symbol != "" and symbol not in DEFAULT_MAP:
            fate[i] = "unknown"
        else:
            rest = [positions[k] for k in beats if k > i]
            interval = rest[0] - positions[i]
            after = (rest[1] if len(rest) > 1 else length) - rest[0]
            if interval > PAUSE_SECONDS * 360:
                fate[i] = "unfollowed"
            else:
                overhang = (after if after <= PAUSE_SECONDS * 360 else interval) // 5
                fate[i] = (positions[i], min(rest[0] + overhang, length))
    return fate


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.just(0), st.integers(0, 500), st.integers(1900, 2400)),
            st.sampled_from(["", "N", "V", "B", "?", "!", "+", "(", "p", "code 42"]),
        ),
        max_size=20,
    ),
    st.integers(1, 5000),
)
def test_windows_go_from_beat_to_beat_and_every_annotation_is_accounted_for(
    drawn: list[tuple[int, str]], rest: int
) -> None:
    positions = np.cumsum([step for step, _ in drawn], dtype=np.int64)
    symbols = np.array([symbol for _, symbol in drawn], np.str_)
    length = int(positions[-1]) + rest if drawn else rest
    windows = beat_windows(positions, symbols, DEFAULT_MAP, length)
    fate = slow_beat_windows(positions.tolist(), symbols.tolist(), length)
    cut_here = zip(windows.start.tolist(), windows.stop.tolist(), strict=True)
    assert dict(zip(windows.beat.tolist(), cut_here, strict=True)) == {
        i: window for i, window in fate.items() if isinstance(window, tuple)
    }
    assert windows.unfollowed.tolist() == [i for i, reason in fate.items() if reason == "unfollowed"]
    assert windows.doubled.tolist() == [i for i, reason in fate.items() if reason == "doubled"]
    assert windows.last == list(fate.values()).count("last")
    assert windows.unknown.total() == list(fate.values()).count("unknown")
    _, spread = cut_windows(np.arange(length) % 17, windows.start, windows.stop)
    counts = count(windows, spread, positions)
    left_out = counts.last + counts.unknown.total() + len(counts.unfollowed) + len(counts.flat) + len(counts.missing)
    assert counts.annotations == counts.rows + left_out + len(counts.doubled) == len(drawn)


@pytest.mark.parametrize("times", [2, 3])
def test_beats_annotated_more_than_once_at_one_sample_give_the_windows_of_one(times: int) -> None:
    positions, symbols = (
        np.arange(100, 4000, 300),
        np.array(["N", "V", "A", "!", "?", "N", "B", "N", "r", "N", "N", "F", "N"]),
    )
    once = beat_windows(positions, symbols, DEFAULT_MAP, 5000)
    again = beat_windows(np.repeat(positions, times), np.repeat(symbols, times), DEFAULT_MAP, 5000)
    assert (again.start.tolist(), again.stop.tolist()) == (once.start.tolist(), once.stop.tolist())
    assert (again.beat // times).tolist() == once.beat.tolist()
    assert len(again.doubled) == (times - 1) * len(positions)
    assert (again.last, again.unknown) == (once.last, once.unknown)


def test_of_beats_at_one_sample_the_first_with_a_class_counts() -> None:
    windows = beat_windows(np.array([10, 10, 10, 400, 400, 800]), np.array(list("!VN+?N")), DEFAULT_MAP, 1000)
    assert (windows.beat.tolist(), windows.doubled.tolist()) == ([1, 4], [0, 2])
    assert windows.unknown == {"+": 1}


def test_kaggles_rule_counts_every_annotation_at_one_sample() -> None:
    windows = kaggle_windows(np.array([10, 10, 400, 800]), np.array(list("NNNN")), SYMBOL_TO_LABEL, 1000)
    assert (windows.beat.tolist(), windows.doubled.tolist()) == ([0, 1, 2], [])
    assert (windows.start.tolist(), windows.stop.tolist()) == ([10, 10, 400], [88, 480, 840])


def test_a_qrs_points_to_where_it_goes_further() -> None:
    signal = np.zeros(1000)
    signal[100], signal[108] = 5, -2
    signal[500], signal[508] = 2, -5
    signal[600:900] = np.nan
    assert points_down(signal, np.array([100, 500, 700, 0, 999])).tolist() == [False, True, False, False, False]
