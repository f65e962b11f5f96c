"""Every error a user can meet, with the exit code it ends a command with.

HeartbeatError                 1   unexpected
+-- UsageError                 2   flags or settings
+-- DataRefused                3   data missing, malformed or anomalous
+-- ModelRefused               4   the gate does not let the model out
+-- ScoringIncomplete          5   scoring did not reconcile, or a shard failed
+-- EnvironmentRefused         6   root busy, disk, permission, host or bucket

An error says in one or more sentences what happened, where (file, row) and what to do, with the values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from components.verdict import Verdict

T = TypeVar("T")
R = TypeVar("R")


class HeartbeatError(Exception):
    """Base of all errors that are shown as sentences, never as a stack trace.

    Args:
        reasons: one sentence or several, each saying what happened, where, and what to do; a gate gives its verdict.

    Attributes:
        verdict: the reasons; a plain sentence is a refusal with the class's code.
        sentences: the sentences alone.
    """

    exit_code = 1
    status = "failed"
    code = "failed"

    def __init__(self, reasons: str | Sequence[str | Verdict]) -> None:
        self.verdict = tuple(
            each if isinstance(each, Verdict) else Verdict("refusal", self.code, each)
            for each in ((reasons,) if isinstance(reasons, str) else reasons)
        )
        self.sentences = tuple(each.sentence for each in self.verdict)
        super().__init__("\n".join(self.sentences))

    def __reduce__(self) -> tuple[type[HeartbeatError], tuple[tuple[Verdict, ...]]]:
        return type(self), (self.verdict,)


class UsageError(HeartbeatError):
    """A flag or a setting that cannot be used as given."""

    exit_code = 2
    code = "usage"


class DataRefused(HeartbeatError):
    """Data that is missing, malformed beyond the budget, or anomalous."""

    exit_code = 3
    status = "data_refused"
    code = "data"


class ModelRefused(HeartbeatError):
    """A trained model that the gate refuses."""

    exit_code = 4
    status = "model_refused"
    code = "model"


class ScoringIncomplete(HeartbeatError):
    """A scoring job whose rows do not add up, or that lost a shard or its reject budget."""

    exit_code = 5
    code = "incomplete"


class EnvironmentRefused(HeartbeatError):
    """Something outside the program: a busy root, a full disk, a missing permission, an unreachable host."""

    exit_code = 6
    code = "environment"


def counted(count: int, noun: str) -> str:
    """Return a number and its noun, as sentences have them: `1 row`, `2,000 rows`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def refused_together(act: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Return what an act gives for each item.

    Raises:
        DataRefused: it refuses some of them, with all the reasons at once.
    """
    results, faults = list[R](), list[str]()
    for item in items:
        try:
            results.append(act(item))
        except DataRefused as error:
            faults += error.sentences
    if faults:
        raise DataRefused(faults)
    return results
