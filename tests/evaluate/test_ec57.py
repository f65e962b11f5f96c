"""The comparison of two annotators: hand-made cases of each rule, a slow version of the pairing, and invariants."""

from fractions import Fraction

import numpy as np
import pytest

from components.beats.symbols import DEFAULT_MAP
from components.evaluate.ec57 import (
    LETTERS,
    Beats,
    F,
    N,
    O,
    Q,
    S,
    V,
    X,
    beats_of,
    compare_beats,
    pair_beats,
    window_samples,
)
from components.recordings.annotation_words import AnnotationFile

FS = 200
WINDOW = window_samples(FS)
END = 100 * FS


def annotations(*marks):
    """An annotator from (sample, symbol) and optionally subtype or note."""
    marks = sorted(marks, key=lambda mark: mark[0])
    rest = [mark[2] if len(mark) > 2 else 0 for mark in marks]
    return AnnotationFile(
        np.array([mark[0] for mark in marks], np.int64),
        np.array([mark[1] for mark in marks], np.str_),
        np.array([each if isinstance(each, int) else 0 for each in rest], np.int64),
        tuple(each if isinstance(each, str) else "" for each in rest),
        Fraction(FS),
    )


def beats(*marks):
    return beats_of(annotations(*marks), DEFAULT_MAP, 1.0, WINDOW)


def every_second(symbols, shift=0):
    return [(FS * (second + 1) + shift, symbol) for second, symbol in enumerate(symbols)]


def compare(reference, test, start=0):
    return compare_beats(beats(*reference), beats(*test), FS, start)


def cells(comparison):
    """The cells that are not zero: `Nn` -> count."""
    return {
        f"{LETTERS[row]}{LETTERS[column].lower()}": int(comparison.matrix[row, column])
        for row, column in np.argwhere(comparison.matrix)
    }


def test_the_window_is_150_ms():
    assert WINDOW == 30
    assert cells(compare(every_second("N"), every_second("N", 30))) == {"Nn": 1}
    assert cells(compare(every_second("N"), every_second("N", -31))) == {"No": 1, "On": 1}


def test_each_cell_of_the_matrix():
    comparison = compare(every_second("NNNNNSSVVFFQQN"), every_second("NSVFQSNVNFVQV"))
    assert cells(comparison) == {
        "Nn": 1,
        "Ns": 1,
        "Nv": 1,
        "Nf": 1,
        "Nq": 1,
        "No": 1,
        "Ss": 1,
        "Sn": 1,
        "Vv": 1,
        "Vn": 1,
        "Ff": 1,
        "Fv": 1,
        "Qq": 1,
        "Qv": 1,
    }


@pytest.mark.parametrize(
    ("reference", "test", "pairs"),
    [
        ([100], [90, 105], {(100, 105)}),
        ([100, 110], [104], {(100, 104)}),
        ([96, 160], [128, 185], {(96, 128), (160, 185)}),  # the case that bxb was amended for in 2002, at 250 Hz
        ([128, 185], [96, 160], {(128, 96), (185, 160)}),
        ([100, 150], [125], {(150, 125)}),  # as far from both: the later one, as in bxb
        ([], [5], set()),
        ([5], [], set()),
    ],
)
def test_the_nearest_are_paired(reference, test, pairs):
    assert {
        (reference[i], test[j]) for i, j, *_ in pair_beats(np.array(reference), np.array(test), 37) if min(i, j) >= 0
    } == pairs


def mutually_nearest(reference, test, window):
    """Every pair in which each is the nearest of the other: distances of all to all."""
    if not len(reference) or not len(test):
        return set()
    distance = np.abs(np.subtract.outer(reference, test))
    return {
        (i, j)
        for i, j in np.argwhere(distance <= window).tolist()
        if distance[i].min() == distance[i, j] == distance[:, j].min()
    }


@pytest.mark.parametrize("seed", range(40))
def test_pairs_are_those_of_a_comparison_of_all_with_all(seed):
    random = np.random.default_rng(seed)
    # Beats of one annotator are more than two windows apart, and no distance is there twice.
    reference = np.cumsum(random.integers(2 * WINDOW + 1, 400, 60)) * 2
    kept = reference[random.random(60) < 0.8]
    test = kept + 2 * random.integers(-WINDOW, WINDOW, len(kept)) + 1
    extra = random.integers(0, reference[-1], 10) | 1
    test = np.unique([*test, *(at for at in extra.tolist() if np.abs(test - at).min(initial=9999) > 4 * WINDOW)])
    events = pair_beats(reference, test, 2 * WINDOW)
    paired = {(i, j) for i, j, *_ in events if min(i, j) >= 0}
    assert paired == mutually_nearest(reference, test, 2 * WINDOW)
    assert len(paired) > 20
    assert sorted(i for i, *_ in events if i >= 0) == list(range(len(reference)))
    assert sorted(j for _, j, *_ in events if j >= 0) == list(range(len(test)))


@pytest.mark.parametrize("seed", range(10))
def test_counts_add_up_both_ways_and_turn_with_the_annotators(seed):
    random = np.random.default_rng(seed)
    one, other = (
        [(int(at), str(random.choice(list("NSVFQ")))) for at in np.unique(random.integers(1, END, 300))]
        for _ in range(2)
    )
    comparison, turned = compare(one, other), compare(other, one)
    matrix = comparison.matrix
    for row, symbol in enumerate("NSVFQ"):
        assert matrix[row].sum() == sum(each == symbol for _, each in one)
        assert matrix[:, row].sum() == sum(each == symbol for _, each in other)
    assert not matrix[O:, O:].any()
    ratios, back = comparison.ratios(), turned.ratios()
    assert ratios["QRS Se"] == back["QRS +P"]
    runs = [name for name in ratios if "couplet Se" in name or "run Se" in name]
    assert {name: ratios[name] for name in runs} == {name: back[name.replace("Se", "+P")] for name in runs}
    same = compare(one, one)
    assert np.array_equal(same.matrix, np.diag([*(sum(each == symbol for _, each in one) for symbol in "NSVFQ"), 0, 0]))
    assert same.rr_rms_ms == 0
    assert all(hits == of for name, (hits, of) in same.ratios().items() if "FPR" not in name)


def test_false_positives_are_ec57s_own():
    """A fusion beat or one of no class that is called V is no false V; one called S is a false S if it is fusion."""
    ratios = compare(every_second("NSFQVVFQS"), every_second("VVVVVNSSS")).ratios()
    assert ratios["V Se"] == (1, 2)
    assert ratios["V +P"] == (1, 3)  # N and S called V
    assert ratios["V FPR"] == (2, 2 + 3)  # F, Q and S called S are right not to be V
    assert ratios["S Se"] == (1, 2)
    assert ratios["S +P"] == (1, 2)  # F called S
    assert ratios["QRS Se"] == ratios["QRS +P"] == (9, 9)


def test_extra_beats_are_false_positives_and_missed_ones_false_negatives():
    ratios = compare(every_second("NV"), [*every_second("N"), (10 * FS, "V"), (11 * FS, "S")]).ratios()
    assert ratios["QRS Se"] == (1, 2)
    assert ratios["QRS +P"] == (1, 3)
    assert ratios["V Se"] == (0, 1)
    assert ratios["V +P"] == (0, 1)
    assert ratios["S +P"] == (0, 1)
    assert ratios["V FPR"] == (1, 1 + 2)


def test_the_first_minutes_are_not_scored():
    reference, test = every_second("NNNN"), every_second("VVVV", -10)
    assert cells(compare(reference, test, 2 * FS)) == {"Nv": 3}  # the beat at its start has its pair just before
    assert cells(compare(reference, test, 2 * FS + 1)) == {"Nv": 2}
    assert cells(compare(every_second("NN", -10), every_second("NN"), 2 * FS)) == {}  # a pair that began before


def test_beats_at_one_sample_are_counted_one_by_one_as_by_bxb():
    once, twice = every_second("NVN"), sorted([*every_second("NVN"), *every_second("NV")])
    assert cells(compare(twice, once)) == {"Nn": 2, "No": 1, "Vv": 1, "Vo": 1}
    assert cells(compare(once, twice)) == {"Nn": 2, "On": 1, "Vv": 1, "Ov": 1}
    assert cells(compare(twice, twice)) == {"Nn": 2, "No": 1, "On": 1, "Vv": 1, "Vo": 1, "Ov": 1}
    assert (compare(twice, once) + compare(once, twice)).doubled == (2, 2)
    assert compare(twice, once, start=2 * FS).doubled == (1, 0)


def test_beats_in_the_references_flutter_are_left_out():
    flutter = [(3 * FS - 50, "["), (6 * FS + 50, "]")]
    reference = [*every_second("NN"), *flutter, (4 * FS, "!"), (4 * FS + 20, "V"), *every_second("N", 6 * FS)]
    test = every_second("NNVVVVN")
    assert cells(compare(reference, test)) == {"Nn": 3}
    assert cells(compare(test, reference)) == {"Nn": 3, "Vo": 4}  # flutter of the test excuses nothing
    assert compare(reference, sorted([*test, test[3]])).doubled == (0, 0)
    rhythm = [*every_second("NN"), (3 * FS - 50, "+", "(VFL"), (6 * FS + 50, "+", "(N"), *every_second("N", 6 * FS)]
    assert cells(compare(rhythm, test)) == {"Nn": 3}


def test_beats_in_a_shutdown_are_marked_x():
    shutdown = [(2 * FS - 50, "~", 0x30), (4 * FS + 50, "~", 0)]
    whole, part = every_second("NNVNN"), [*every_second("N"), *shutdown, *every_second("N", 4 * FS)]
    assert cells(compare(whole, part)) == {"Nn": 2, "Nx": 2, "Vx": 1}
    assert cells(compare(part, whole)) == {"Nn": 2, "Xn": 2, "Xv": 1}
    noise_in_one_lead = [(at, "~", 0x10) for at, symbol, *_ in shutdown]
    assert cells(compare(whole, [*every_second("N"), *noise_in_one_lead])) == {"Nn": 1, "No": 3, "Vo": 1}


def test_a_shutdown_with_one_mark_reaches_from_the_last_beat_to_the_next():
    part = [*every_second("N"), (3 * FS, "~", 0x30), *every_second("N", 4 * FS)]
    assert beats(*part).shutdown.tolist() == [[FS + WINDOW, 5 * FS - WINDOW]]
    assert beats((FS, "N"), (2 * FS, "~", 0x30)).shutdown[0, 0] == 2 * FS
    assert cells(compare(every_second("NNN"), [(FS, "N"), (2 * FS - 50, "~", 0x30)])) == {"Nn": 1, "Nx": 2}


def test_rr_errors_leave_out_intervals_over_flutter():
    reference, test = every_second("NNN"), [(FS, "N"), (2 * FS + 2, "N"), (3 * FS, "N")]
    comparison = compare(reference, test)
    assert comparison.rr_errors == 2
    assert comparison.rr_rms_ms == pytest.approx(10.0)
    between = [(int(2.4 * FS), "["), (int(2.6 * FS), "]")]
    assert compare([*reference, *between], test).rr_errors == 1
    assert compare(every_second("N"), every_second("N")).rr_rms_ms is None


RUN_CASES = [
    ("NVVN", "NVVN", "couplet", (1, 1), (1, 1)),
    ("NVVN", "NVNN", "couplet", (0, 1), (0, 0)),
    ("NVVN", "VVVN", "couplet", (1, 1), (0, 0)),  # the test's three are a short run
    ("NVVN", "VVVN", "short run", (0, 0), (0, 1)),
    ("NVFVN", "NVVVN", "short run", (1, 1), (1, 1)),  # fusion goes on with a run
    ("NVVVVVN", "NVVVNNN", "short run", (1, 1), (1, 1)),
    ("NVVVVVVVN", "NVVVVVVNN", "long run", (1, 1), (1, 1)),
    ("NVVVVVVVN", "NVVVVVNNN", "long run", (0, 1), (0, 0)),
    ("NVVVVVVVN", "NVVVVVNNN", "short run", (0, 0), (1, 1)),
    ("NVVQVVN", "NVVVVVN", "couplet", (2, 2), (0, 0)),
]


@pytest.mark.parametrize(("reference", "test", "kind", "sensitivity", "predictivity"), RUN_CASES)
@pytest.mark.parametrize("name", ["V", "S"])
def test_runs(reference, test, kind, sensitivity, predictivity, name):
    if name == "S":
        reference, test = (text.replace("F", "V").replace("V", "S") for text in (reference, test))
    ratios = compare(every_second(reference), every_second(test)).ratios()
    assert ratios[f"{name} {kind} Se"] == sensitivity
    assert ratios[f"{name} {kind} +P"] == predictivity


def test_episodes_are_long_runs():
    flutter = [(2 * FS, "["), (7 * FS, "]")]
    ratios = compare([*every_second("N"), *flutter, *every_second("N", 7 * FS)], every_second("NVVVVVVN")).ratios()
    assert ratios["V long run Se"] == (1, 1)
    rhythm = [(2 * FS - 60, "+", "(AFIB"), (9 * FS - 60, "+", "(N")]
    reference = [*every_second("NNNNNNNNN"), *rhythm]
    assert compare(reference, every_second("NSSSSSSNN")).ratios()["S long run Se"] == (1, 1)
    assert compare(reference, every_second("NSSNSSSNN")).ratios()["S long run Se"] == (0, 1)
    assert compare(reference, reference).ratios()["S long run +P"] == (1, 1)
    assert compare(reference, reference, 3 * FS).ratios()["S long run Se"] == (1, 1)  # it goes on from before the start


def test_letters_are_in_the_order_of_the_matrix():
    assert [LETTERS[index] for index in (N, S, V, F, Q, O, X)] == list("NSVFQOX")
    assert isinstance(beats(), Beats)
    assert beats().sample.size == 0
