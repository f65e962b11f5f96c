"""The predictions for one recording as a file: WFDB annotations, CSV, or an EDF+ file of annotations only."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from itertools import repeat
from typing import Final

import numpy as np
import numpy.typing as npt

from components.errors import UsageError

WFDB_SYMBOLS: Final = ' NLRaVFJASEj/Q~ | sT*D"=pB^t+u?![]en@xf()r'
"""The symbol of each WFDB annotation code, by code; a space if there is none."""

ABSTAINED: Final = "?"
"""WFDB symbol of a beat that the model abstained from: not classified."""

REJECTED: Final = "|"
"""WFDB symbol of what looks like a beat but is not one, or could not be scored."""

COMMENT: Final = '"'
"""WFDB symbol of a comment."""

CSV_COLUMNS: Final = ("record", "sample", "seconds", "symbol", "note")

EDF_RECORD_SECONDS: Final = 10
"""Duration of a data record of an EDF+ file."""

UNKNOWN_START: Final = datetime(1985, 1, 1)
"""Start of an EDF+ file if the time of the recording is not known."""

MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")

SKIP, TEXT = 59, 63
"""Codes of WFDB that change or follow an annotation: a long interval before it, its text."""

LONGEST_STEP: Final = 1023
"""Largest interval, in samples, that fits in an annotation's word."""

LONGEST_SKIP: Final = 2**31 - 1
LONGEST_TEXT: Final = 255  # bytes

NO_CONTROLS: Final = dict.fromkeys(range(32), " ")
"""Control characters to spaces: in EDF+ files they separate annotations."""


@dataclass(frozen=True)
class Answers:
    """The annotations of one recording, in order of position."""

    record: str  # name of the recording
    fs: Fraction  # samples per second
    length: int  # samples of the recording
    sample: npt.NDArray[np.int64]  # int64[n], non-decreasing
    symbol: npt.NDArray[np.str_]  # str[n], symbols of WFDB
    note: Sequence[str] = ()  # n texts, mostly empty; or empty itself
    comment: str = ""  # model and version
    start: datetime | None = None  # local time of sample 0, if known


def annotation_file_name(form: str, record: str) -> str:
    """Return the name of a recording's annotation file: its record with the form as extension.

    Raises:
        UsageError: the form cannot be an extension.
    """
    if not form.isalpha() or not form.isascii():
        raise UsageError(
            f"{form!r} cannot be the extension of an annotation file: use letters only, for instance pred, csv or edf."
        )
    return f"{record}.{form}"


def annotation_bytes(form: str, answers: Answers) -> bytes:
    """Return a recording's annotation file; the same answers give the same bytes.

    All forms hold the same: every annotation with its note, and the comment at sample 1, as readers of WFDB files take
    one at sample 0 for a definition. Of `csv` the columns are CSV_COLUMNS. Of `edf` it is an EDF+C file as long as the
    recording; the text of each annotation is its symbol and its note. Any other form is the extension of a WFDB
    annotation file, which gives the samples per second.

    Raises:
        ValueError: positions decrease, or a symbol is not one of WFDB's.
    """
    if np.any(np.diff(answers.sample, prepend=0) < 0):
        raise ValueError(f"the positions in {answers.record} fall or are negative")
    notes = list(answers.note) or [""] * len(answers.sample)
    if answers.comment:
        place = int(np.searchsorted(answers.sample, 1))
        notes.insert(place, answers.comment)
        sample, symbol = np.insert(answers.sample, place, 1), np.insert(answers.symbol, place, COMMENT)
        answers = replace(answers, sample=sample, symbol=symbol)
    answers = replace(answers, note=[note and note.translate(NO_CONTROLS) for note in notes])
    if form == "csv":
        return _csv(answers)
    return _edf(answers) if form == "edf" else _wfdb(answers)


def _seconds(answers: Answers, later: int = 0) -> list[str]:
    """Return the position of each annotation in seconds, to the microsecond, with an offset in microseconds."""
    micros = np.rint(answers.sample / float(answers.fs) * 1e6).astype(np.int64) + later
    whole, rest = np.divmod(micros, 1_000_000)
    return [f"{second}.{micro:06d}" for second, micro in zip(whole.tolist(), rest.tolist(), strict=True)]


def _csv(answers: Answers) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    records = repeat(answers.record, len(answers.sample))
    columns = (records, answers.sample.tolist(), _seconds(answers), answers.symbol.tolist(), answers.note)
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue().encode()


def _edf(answers: Answers) -> bytes:
    """Return an EDF+C file; its data records share the annotations evenly, as an annotation may be in any of them.

    It begins when the recording does, so that viewers can overlay them.
    """
    start = answers.start or UNKNOWN_START
    stamps = []
    seconds = _seconds(answers, start.microsecond)
    for second, symbol, note in zip(seconds, answers.symbol.tolist(), answers.note, strict=True):
        text = note if symbol == COMMENT else f"{symbol} {note}" if note else symbol
        stamps.append(f"+{second}\x14{text}\x14\0")
    count = max(math.ceil(answers.length / answers.fs / EDF_RECORD_SECONDS), 1)
    share, part = math.ceil(len(stamps) / count), f".{start.microsecond:06d}" if start.microsecond else ""
    records = [
        f"+{i * EDF_RECORD_SECONDS}{part}\x14\x14\0{''.join(stamps[i * share : (i + 1) * share])}".encode()
        for i in range(count)
    ]
    size = max(map(len, records))
    size += size % 2
    name = "".join(c if c.isascii() and c.isprintable() and c != " " else "_" for c in answers.record)
    date = f"{start.day:02}-{MONTHS[start.month - 1]}-{start.year}" if answers.start else "X"
    fields = (
        ("0", 8), ("X X X X", 80), (f"Startdate {date} {name[:50]} X Heartbeat", 80),
        (f"{start:%d.%m.%y}", 8), (f"{start:%H.%M.%S}", 8),
        ("512", 8), ("EDF+C", 44), (str(count), 8), (str(EDF_RECORD_SECONDS), 8), ("1", 4),
        ("EDF Annotations", 16), ("", 80), ("", 8), ("-1", 8), ("1", 8), ("-32768", 8), ("32767", 8), ("", 80),
        (str(size // 2), 8), ("", 32),
    )  # fmt: skip
    header = "".join(text.ljust(width) for text, width in fields).encode("ascii")
    return header + b"".join(record.ljust(size, b"\0") for record in records)


def _wfdb(answers: Answers) -> bytes:
    """Return a WFDB annotation file: 16-bit words, an annotation's code above its distance from the previous."""
    codes = np.full(len(answers.sample), -1)
    for symbol in set(WFDB_SYMBOLS) - {" "}:
        codes[answers.symbol == symbol] = WFDB_SYMBOLS.index(symbol)
    if unknown := sorted(set(answers.symbol[codes < 0].tolist())):
        raise ValueError(f"{unknown} in {answers.record} are no symbols of WFDB")
    texts = {i: _text(note) for i, note in enumerate(answers.note) if note}
    steps = np.diff(answers.sample, prepend=0)
    skips = np.where(steps > LONGEST_STEP, -(-steps // LONGEST_SKIP), 0)
    sizes = 3 * skips + 1
    sizes[list(texts)] += np.array([len(text) // 2 for text in texts.values()], np.int64)
    place = np.cumsum(sizes) - sizes  # of each annotation's first word
    words = np.zeros(int(sizes.sum()) + 1, "<u2")  # the last one is the end mark
    words[place + 3 * skips] = codes << 10 | np.where(skips, 0, steps)
    for i in range(int(skips.max(initial=0))):
        chosen = np.flatnonzero(skips > i)
        step = np.minimum(steps[chosen] - i * LONGEST_SKIP, LONGEST_SKIP)
        for offset, values in enumerate((SKIP << 10, step >> 16, step & 0xFFFF)):
            words[place[chosen] + 3 * i + offset] = values
    for index, text in texts.items():
        start = place[index] + 3 * skips[index] + 1
        words[start : start + len(text) // 2] = np.frombuffer(text, "<u2")
    definition = (WFDB_SYMBOLS.index(COMMENT) << 10).to_bytes(2, "little")
    return definition + _text(f"## time resolution: {float(answers.fs):.12g}") + words.tobytes()


def _text(text: str) -> bytes:
    """Return the words of an annotation's text, truncated to fit."""
    encoded = text.encode()[:LONGEST_TEXT].decode(errors="ignore").encode()
    return (TEXT << 10 | len(encoded)).to_bytes(2, "little") + encoded + b"\0" * (len(encoded) % 2)
