"""The recordings of a scoring job: a table of their lines, and a page for each order that it can be sorted in."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from shlex import quote
from typing import Any, Final, Literal

from components.report.content import Block, Cell, Code, Link, Table, Words
from components.report.material import NotReachedError, ScoringMaterial
from components.report.wording import UNKNOWN, count, number, percent, seconds
from components.score.recording_lines import RecordingLine

SHOWN: Final = 200
"""Maximum recordings on a page: few enough to read and print."""

EXPLAINED: Final = (
    "Unlike: the beats are unlike those that the model was trained on: it abstains from more than a fifth of them, or "
    "reads context and there are too few to compute it from. Runs are three or more in a row, couplets two. An hour: "
    "of the time with an ECG. Abstained: the share of the scored beats from which the model abstains. No ECG: the "
    "share of the time in which the lead was off, flat, saturated or noise. Rates are beats a minute, slowest and "
    "fastest over eight intervals in a row. Longest RR in seconds."
)


@dataclass(frozen=True)
class Column:
    """A column of the table, and the order that its head leads to."""

    name: str  # of the order's page
    head: str
    cell: Callable[[RecordingLine], str]  # the cell of a line
    key: Callable[[RecordingLine], Any]  # sort key of a line, ascending
    order: Literal["ascending", "descending", "other"]  # resulting order of the cells

    @property
    def page(self) -> str:
        """File of the order's page, beside that of the job's, which has the first order."""
        return f"recordings-by-{self.name}.html"


def _figures(name: str, head: str, field: str, form: Callable[[Any], str], *, rising: bool = False) -> Column:
    """Return a column of figures, a line's field; lines without one come last."""

    def known(line: RecordingLine) -> float | None:
        figure: float | None = None if line.refused is not None else getattr(line, field)
        return figure

    def key(line: RecordingLine) -> tuple[bool, float]:
        figure = known(line)
        return figure is None, (figure or 0.0) * (1 if rising else -1)

    def cell(line: RecordingLine) -> str:
        figure = known(line)
        return UNKNOWN if figure is None else form(figure)

    return Column(name, head, cell, key, "ascending" if rising else "descending")


def _remarks(line: RecordingLine) -> str:
    """Say in a few words what to know about a recording before its figures."""
    remarks = {
        "refused": line.refused is not None,
        "no beat found": _without_beats(line),
        "unlike": line.unlike is not None,
        "note": line.notes is not None,
    }
    return ", ".join(kind for kind, applies in remarks.items() if applies)


def _without_beats(line: RecordingLine) -> bool:
    return line.refused is None and not line.beats


def needs_attention(line: RecordingLine) -> tuple[float, ...]:
    """Return a key that sorts lines by what needs attention.

    First those that were refused, then those in which no beat was found, then those unlike what the model was trained
    on, then by runs and couplets of V, runs of S, V and S an hour (of short ones V and S), abstentions, seconds without
    an ECG.
    """
    return (
        line.refused is None,
        not _without_beats(line),
        line.unlike is None,
        -line.v_longest_run,
        -line.v_couplets,
        -line.s_longest_run,
        -(line.v_per_hour or line.n_V),
        -(line.s_per_hour or line.n_S),
        -(line.abstained_share or 0),
        -(line.noise or 0),
    )


_rate = partial(number, decimals=0)
_tenths = partial(number, decimals=1)
_percent = partial(percent, decimals=1)

ATTENTION: Final = Column("attention", "remark", _remarks, needs_attention, "other")
"""The order of the job's page."""

COLUMNS: Final = (
    Column("name", "recording", lambda line: line.record, lambda line: line.record, "ascending"),
    ATTENTION,
    _figures("v-run", "longest V run", "v_longest_run", count),
    _figures("v-runs", "V runs", "v_runs", count),
    _figures("v-couplets", "V couplets", "v_couplets", count),
    _figures("v-hour", "V an hour", "v_per_hour", _tenths),
    _figures("s-run", "longest S run", "s_longest_run", count),
    _figures("s-runs", "S runs", "s_runs", count),
    _figures("s-hour", "S an hour", "s_per_hour", _tenths),
    _figures("abstained", "abstained", "abstained_share", _percent),
    _figures("noise", "no ECG", "noise", _percent),
    _figures("slowest", "slowest rate", "rate_least", _rate, rising=True),
    _figures("rate", "mean rate", "rate_mean", _rate),
    _figures("fastest", "fastest rate", "rate_greatest", _rate),
    _figures("longest-rr", "longest RR", "longest_rr", partial(number, decimals=2)),
    _figures("beats", "beats", "beats", count),
    _figures("duration", "duration", "seconds", seconds),
)


def orders(material: ScoringMaterial) -> Sequence[Column]:
    """Return the orders that have a page of their own: none if there is nothing to sort."""
    return [column for column in COLUMNS if column is not ATTENTION] if len(material.lines) > 1 else []


def recordings(material: ScoringMaterial, by: Column = ATTENTION) -> list[Block]:
    """Tabulate the first recordings of an order.

    Raises:
        NotReachedError: no recording was scored yet.
    """
    lines = material.lines
    if not lines:
        raise NotReachedError("No recording was scored.")
    shown = heapq.nsmallest(SHOWN, lines, key=by.key)
    head: list[Cell] = [column.head for column in COLUMNS]
    if len(lines) > 1:
        first = Link(ATTENTION.head, "index.html#recordings")
        links = [first if column is ATTENTION else Link(column.head, column.page) for column in COLUMNS]
        head = [column.head if column is by else link for column, link in zip(COLUMNS, links, strict=True)]
    example = next((line for line in shown if line.scored), shown[0])
    rows = [[_named(material, line), *(column.cell(line) for column in COLUMNS[1:])] for line in shown]
    caption, ordered_by = "The recording", None
    if len(lines) > 1:
        ordered_by = (COLUMNS.index(by), by.order)
        of = "All" if len(shown) == len(lines) else f"The first {count(len(shown))} of"
        caption = (
            f"{of} {count(len(lines))} recordings, by {by.head if by is not ATTENTION else 'what needs attention'}"
        )
    unfinished = "" if material.finished else "The job is not finished: these are the recordings of its done shards. "
    how = "The heading of a column links to the table sorted by it. " if len(lines) > 1 else ""
    return [
        Words(
            f"{unfinished}{how}All lines, with more columns, are in {material.folder.path('recordings')}, a folder of "
            "Parquet files."
        ),
        Table(caption, head, rows, left=(0, 1), ordered_by=ordered_by),
        Words(EXPLAINED),
        *_sentences(shown),
        Code(
            "This makes the page of one recording (heart rate, runs, strips); its name here then links to that page:",
            f"heartbeat report {quote(material.folder.root)} --record {quote(example.record)}",
        ),
    ]


def _named(material: ScoringMaterial, line: RecordingLine) -> Cell:
    page = material.page_of(line)
    return Link(line.record, page) if page in material.pages_made else line.record


def _sentences(lines: Sequence[RecordingLine]) -> list[Table]:
    """Tabulate why recordings were refused, and the notes on others."""
    rows = [(line.record, text) for line in lines for text in (line.refused, line.notes) if text is not None]
    return [Table("Refusals and notes", ["recording", "reason or note"], rows, left=(0, 1))] if rows else []
