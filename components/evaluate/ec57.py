"""Beat-by-beat and run-by-run comparison of two annotators of one record, by ANSI/AAMI EC57.

Source: ANSI/AAMI EC57:2012, 4.3, with the pairing rule of WFDB's bxb and the runs of its rxr.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES
from components.recordings.annotation_words import AnnotationFile

LETTERS: Final = (*CLASSES, "O", "X")
"""Rows and columns of the matrix: classes, O for no beat, X for no beat during an annotator's shutdown."""

N, S, V, F, Q, O, X = range(len(LETTERS))  # noqa: E741

WINDOW_SECONDS: Final = 0.15
"""How far apart two annotations of one beat may lie."""

LONGEST_RUN: Final = 6
"""Runs are counted up to this length, which includes longer ones."""

NO_LEAD: Final = 0x30
"""Bits in the subtype of a noise mark (~): neither of two leads is readable."""

FAR: Final = 1 << 62
"""A sample past the end of any record."""

Spans = npt.NDArray[np.int64]
"""int64[k, 2]: first and last sample of each."""


@dataclass(frozen=True)
class Beats:
    """One annotator's annotations of a record, in samples of the record."""

    sample: npt.NDArray[np.int64]  # int64[n], rising, without beats in ventricular flutter
    label: npt.NDArray[np.int64]  # int64[n], classes 0..4
    flutter: Spans  # ventricular flutter or fibrillation
    fibrillation: Spans  # atrial fibrillation or flutter
    shutdown: Spans  # no lead is readable


def beats_of(file: AnnotationFile, labels: Mapping[str, int], fs_ratio: float, window: int) -> Beats:
    """Sort the content of an annotation file; symbols without a label are not beats.

    A tick of the file is `fs_ratio` samples of the record. The match window, in samples, is the margin of a shutdown
    whose end is not marked.
    """
    samples = np.rint(file.ticks * fs_ratio).astype(np.int64)
    flutter, fibrillation, shutdown = _Spans(), _Spans(), _Spans()
    last_beat, pending = 0, False  # pending: a shutdown began at the previous annotation
    columns = samples.tolist(), file.symbol.tolist(), file.subtype.tolist(), file.aux
    for sample, symbol, subtype, aux in zip(*columns, strict=True):
        noisy = symbol == "~" and subtype & NO_LEAD == NO_LEAD
        if pending and (symbol != "~" or noisy):  # one mark within a shutdown, as in the AHA database
            shutdown.move(last_beat + window, sample - window)
        if pending and symbol == "~" and not noisy:
            shutdown.end(sample)
        pending = noisy
        if noisy:
            shutdown.begin(sample)
        elif symbol == "[" or (symbol == "+" and aux.startswith("(VF")):
            flutter.begin(sample)
            fibrillation.end(sample)
        elif symbol == "]":
            flutter.end(sample)
            last_beat = sample
        elif symbol == "+" and aux.startswith("(AF"):
            fibrillation.begin(sample)
            flutter.end(sample)
        elif symbol == "+" and aux:
            fibrillation.end(sample)
            flutter.end(sample)
        elif symbol in labels:
            last_beat = sample
    label = np.array([labels.get(symbol, -1) for symbol in file.symbol.tolist()], np.int64)
    is_beat = (label >= 0) & ~_inside(samples, flutter.all())
    return Beats(samples[is_beat], label[is_beat], flutter.all(), fibrillation.all(), shutdown.all())


class _Spans:
    """Stretches that begin and end one after another."""

    def __init__(self) -> None:
        self._spans: list[list[int]] = []

    def begin(self, sample: int) -> None:
        if not self._spans or self._spans[-1][1] != FAR:
            self._spans.append([sample, FAR])

    def end(self, sample: int) -> None:
        if self._spans and self._spans[-1][1] == FAR:
            self._spans[-1][1] = sample

    def move(self, first: int, last: int) -> None:
        self._spans[-1] = [min(first, last), last]

    def all(self) -> Spans:
        return np.array(self._spans, np.int64).reshape(-1, 2)


def _inside(samples: npt.NDArray[np.int64], spans: Spans) -> npt.NDArray[np.bool_]:
    before = np.searchsorted(spans[:, 0], samples, side="right")
    ends = np.concatenate([[-1], spans[:, 1]])
    return samples <= ends[before]


def pair_beats(
    reference: npt.NDArray[np.int64], test: npt.NDArray[np.int64], window: int
) -> list[tuple[int, int, int, int]]:
    """Pair the beats of two annotators of one record, each with its nearest, both ways.

    The earlier of the two next beats is paired if the other lies within the window and no later one is nearer to it,
    or if the nearer one has an even nearer beat.

    `reference` and `test` are rising samples. Returns an entry for each pair, missed and extra beat, in time: index in
    the reference and in the test, -1 for no beat, and then the indices of the next beats of both.
    """
    ref, tst = [*reference.tolist(), FAR, 2 * FAR], [*test.tolist(), FAR, 2 * FAR]
    found, i, j = [], 0, 0
    while i < len(reference) or j < len(test):
        a, b, next_a, next_b = ref[i], tst[j], ref[i + 1], tst[j + 1]
        rival = abs(a - next_b) if b < a else abs(b - next_a)
        if abs(a - b) <= window and (abs(a - b) < rival or abs(next_a - next_b) < rival):
            found.append((i, j, i, j))
            i, j = i + 1, j + 1
        elif b < a:
            found.append((-1, j, i, j))
            j += 1
        else:
            found.append((i, -1, i, j))
            i += 1
    return found


@dataclass(frozen=True)
class Comparison:
    """Counts of one record, or of several, which add up.

    `runs` counts those of V and of S, where the reference and where the test has them, by the length of the reference's
    and of the test's.
    """

    matrix: npt.NDArray[np.int64]  # int64[7, 7], rows are the reference's letters, columns the test's
    rr_errors: int  # RR intervals that could be compared
    rr_square_ms: float  # sum of the squares of their differences, in ms^2
    runs: npt.NDArray[np.int64]  # int64[2, 2, 7, 7]
    doubled: tuple[int, int] = (0, 0)  # beats of the reference, and of the test, at the same sample as the one before

    def __add__(self, other: Comparison) -> Comparison:
        """Add up two records."""
        return Comparison(
            self.matrix + other.matrix,
            self.rr_errors + other.rr_errors,
            self.rr_square_ms + other.rr_square_ms,
            self.runs + other.runs,
            (self.doubled[0] + other.doubled[0], self.doubled[1] + other.doubled[1]),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as plain values."""
        named = zip(("V", "S"), self.runs.tolist(), strict=True)
        return {
            "matrix": self.matrix.tolist(),
            "rr_errors": self.rr_errors,
            "rr_rms_ms": self.rr_rms_ms,
            "doubled": dict(zip(("reference", "test"), self.doubled, strict=True)),
            "runs": {name: {"of_reference": of[0], "of_test": of[1]} for name, of in named},
        }

    @property
    def beats(self) -> tuple[int, int]:
        """Return the numbers of beats of the reference and of the test."""
        return int(self.matrix[:O].sum()), int(self.matrix[:, :O].sum())

    @property
    def rr_rms_ms(self) -> float | None:
        """Return the root mean square difference of RR intervals in ms; None if none could be compared."""
        return float(np.sqrt(self.rr_square_ms / self.rr_errors)) if self.rr_errors else None

    def ratios(self) -> dict[str, tuple[int, int]]:
        """Return EC57's statistics as numerator and denominator, by name."""
        m = self.matrix
        found, missed, extra = m[:O, :O].sum(), m[:O, O:].sum(), m[O:, :O].sum()
        return {
            "QRS Se": (int(found), int(found + missed)),
            "QRS +P": (int(found), int(found + extra)),
            **self._class_ratios("V", V, (N, S, O, X)),
            **self._class_ratios("S", S, (N, V, F, O, X)),
            **self._run_ratios("V", self.runs[0]),
            **self._run_ratios("S", self.runs[1]),
        }

    def _class_ratios(self, name: str, of: int, mistaken: tuple[int, ...]) -> dict[str, tuple[int, int]]:
        """Return the ratios of a class; `mistaken` are the letters that must not be given this class."""
        right, true = self.matrix[of, of], self.matrix[of].sum()
        wrong = self.matrix[list(mistaken), of].sum()
        others = np.delete(np.delete(self.matrix, of, axis=0), of, axis=1)[:, :-2].sum()
        return {
            f"{name} Se": (int(right), int(true)),
            f"{name} +P": (int(right), int(right + wrong)),
            f"{name} FPR": (int(wrong), int(wrong + others)),
        }

    @staticmethod
    def _run_ratios(name: str, runs: npt.NDArray[np.int64]) -> dict[str, tuple[int, int]]:
        ratios = {}
        for kind, first, last in (("couplet", 2, 2), ("short run", 3, 5), ("long run", 6, 6)):
            true, called = runs[0, first : last + 1], runs[1, :, first : last + 1]
            ratios[f"{name} {kind} Se"] = (int(true[:, first:].sum()), int(true.sum()))
            ratios[f"{name} {kind} +P"] = (int(called[first:].sum()), int(called.sum()))
        return ratios


def compare_beats(reference: Beats, test: Beats, fs: float, start: int) -> Comparison:
    """Compare two annotators of a record of `fs` samples per second from sample `start` on."""
    window = window_samples(fs)
    found = np.array(pair_beats(reference.sample, test.sample, window), np.int64).reshape(-1, 4)
    at_ref, at_test = found[:, 0], found[:, 1]
    sample = np.where(at_ref >= 0, np.append(reference.sample, 0)[at_ref], np.append(test.sample, 0)[at_test])
    row, column = (_letters(beats, at, sample) for beats, at in ((reference, at_ref), (test, at_test)))
    scored = sample >= start
    counted = scored & ((at_ref >= 0) | ~_inside(sample, reference.flutter))
    matrix = np.zeros((len(LETTERS), len(LETTERS)), np.int64)
    np.add.at(matrix, (row[counted], column[counted]), 1)

    errors = _rr(reference)[found[scored, 2]] - _rr(test)[found[scored, 3]]
    errors = errors[~np.isnan(errors)] * 1000 / fs
    kinds = (((V, F), reference.flutter, test.flutter), ((S,), reference.fibrillation, test.fibrillation))
    runs = np.zeros((2, 2, LONGEST_RUN + 1, LONGEST_RUN + 1), np.int64)
    for index, (labels, of_reference, of_test) in enumerate(kinds):
        true, called = _Runs(reference, labels, of_reference), _Runs(test, labels, of_test)
        for length, first, last in true.all(window, start):
            runs[index, 0, length, called.longest(first, last)] += 1
        for length, first, last in called.all(window, start):
            runs[index, 1, true.longest(first, last), length] += 1
    compared = test.sample[~_inside(test.sample, reference.flutter)]
    doubled = _doubled(reference.sample, start), _doubled(compared, start)
    return Comparison(matrix, len(errors), float((errors**2).sum()), runs, doubled)


def _doubled(sample: npt.NDArray[np.int64], start: int) -> int:
    """Count the beats at the same sample as the one before: they are not merged, as in bxb."""
    return int((np.diff(sample[sample >= start]) == 0).sum())


def _letters(beats: Beats, at: npt.NDArray[np.int64], sample: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return an annotator's letter for each beat: its class, or O or X if the index is -1."""
    return np.where(at >= 0, np.append(beats.label, 0)[at], np.where(_inside(sample, beats.shutdown), X, O))


def window_samples(fs: float) -> int:
    """Return the match window in samples."""
    return int(WINDOW_SECONDS * fs + 0.5)


def _rr(beats: Beats) -> npt.NDArray[np.float64]:
    """Return float64[n + 1], the interval before each beat in samples.

    NaN for the first beat, for one after flutter or a shutdown, and after the last beat.
    """
    rr = np.full(len(beats.sample) + 1, np.nan)
    rr[1:-1] = np.diff(beats.sample)
    for spans in (beats.flutter, beats.shutdown):
        rr[np.searchsorted(beats.sample, spans[:, 0], side="right")] = np.nan
    return rr


class _Runs:
    """Runs of ectopic beats of one annotator; an episode of flutter or fibrillation counts as a longest run."""

    def __init__(self, beats: Beats, labels: tuple[int, ...], episodes: Spans) -> None:
        label = beats.label
        if S in labels:  # a beat in atrial fibrillation does not come from the sinus node
            label = np.where((label == N) & _inside(beats.sample, episodes), S, label)
        marks = list(zip(beats.sample.tolist(), np.isin(label, labels).astype(int).tolist(), strict=True))
        marks += [(sample, 0) for sample in beats.shutdown[:, 0].tolist()]
        marks += [(first, LONGEST_RUN) for first in episodes[:, 0].tolist()]
        marks.sort()
        self._episodes, self._ends = episodes, dict(episodes.tolist())
        self._samples = [sample for sample, _ in marks]
        self._steps = [step for _, step in marks]

    def all(self, window: int, start: int) -> Iterator[tuple[int, int, int]]:
        """Yield length, first and last sample of each run, a match window wider at both ends."""
        length, first, last = 0, 0, 0
        for span in self._episodes:
            if span[0] < start <= span[1]:
                length, first, last = LONGEST_RUN, start, int(span[1])
        for sample, step in self._from(start):
            if step == 0:
                if length:
                    yield length, first - window, last + window
                length = 0
                continue
            if not length:
                first = last = sample
            episode = self._ends[sample] if step == LONGEST_RUN else sample
            length, last = min(length + step, LONGEST_RUN), max(last, episode)
        if length:
            yield length, first - window, last + window

    def _from(self, start: int) -> Iterator[tuple[int, int]]:
        index = bisect_left(self._samples, start)
        return zip(self._samples[index:], self._steps[index:], strict=True)

    def longest(self, first: int, last: int) -> int:
        """Return the length of the longest run between two samples."""
        if ((self._episodes[:, 0] <= last) & (self._episodes[:, 1] >= first)).any():
            return LONGEST_RUN
        longest = length = 0
        for step in self._steps[bisect_left(self._samples, first) : bisect_right(self._samples, last)]:
            length = length + step if step else 0
            longest = max(longest, length)
        return min(longest, LONGEST_RUN)
