"""Why a line is not a beat: a pure function of the line alone, with a small fixed vocabulary of kinds."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

import numpy as np

from components.beat import CLASSES, SAMPLES
from components.io.numbers import BYTE_ORDER_MARKS, read_floats
from components.io.text import HEAD_BYTES, LINE_BYTES

EMPTY: Final = "empty line"
OVER_LONG: Final = "over-long line"
MARK: Final = "byte order mark"
RETURN: Final = "carriage return inside the line"
NOT_TEXT: Final = "not text"
COLUMNS_WRONG: Final = "wrong number of columns"
NOT_A_NUMBER: Final = "not a number"
OUT_OF_RANGE: Final = "sample outside 0..1"
LABEL_UNKNOWN: Final = "unknown label"

KINDS: Final = (
    EMPTY, OVER_LONG, MARK, RETURN, NOT_TEXT, COLUMNS_WRONG, NOT_A_NUMBER, OUT_OF_RANGE, LABEL_UNKNOWN,
)  # fmt: skip
"""Every kind of reject there is; counts in reports go by these."""

CONTROL: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
"""Bytes that no line of text has; a tab may stand beside a number."""

QUOTED_CHARACTERS: Final = 40
"""Characters of a value that a reason quotes."""


@dataclass(frozen=True)
class Reject:
    """A line that is not a beat.

    Attributes:
        row: its number in the file, from 0.
        kind: one of KINDS.
        reason: a clause for people; columns and samples are counted from 0, so sample i is column i.
        text: the first 8 KiB of the line, as text; None where the input is not text.
    """

    row: int
    kind: str
    reason: str
    text: str | None

    def to_json(self, file: str) -> str:
        """One line of a rejects file, with its newline."""
        return json.dumps({"file": file, "row": self.row, "reason": self.reason, "text": self.text}) + "\n"


def shown(line: bytes) -> str:
    """The first 8 KiB of a line as text; bytes that are not UTF-8 become backslash escapes."""
    return line[:HEAD_BYTES].decode("utf-8", "backslashreplace")


def reject_over_long(row: int, head: bytes) -> Reject:
    """The reject for a line that the block reader did not keep."""
    return Reject(row, OVER_LONG, f"over-long line: more than {LINE_BYTES:,} bytes", shown(head))


def reject_line(row: int, line: bytes, width: int) -> Reject:
    """The reject for a faulty line, without its line end, of which `width` columns were expected."""
    kind, reason = explain(line, width)
    return Reject(row, kind, reason, shown(line))


def explain(line: bytes, width: int) -> tuple[str, str]:
    """Says what is wrong with a line that the parser does not accept: its kind, and a clause for people."""
    if not line:
        return EMPTY, "empty line"
    if line.startswith(BYTE_ORDER_MARKS):
        return MARK, "the line begins with a byte order mark"
    if (at := line.find(b"\r")) >= 0:
        return RETURN, f"carriage return inside the line, at byte {at}"
    if (fault := _not_text(line)) is not None:
        return NOT_TEXT, fault
    fields = line.split(b",")
    if len(fields) != width:
        plural = "" if len(fields) == 1 else "s"
        return COLUMNS_WRONG, f"{len(fields)} column{plural}, expected {width}"
    return _faulty_value(fields, width)


def _not_text(line: bytes) -> str | None:
    if (control := CONTROL.search(line)) is not None:
        return f"byte {control.start()} is 0x{control[0].hex()}, not text"
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"byte {error.start} is 0x{line[error.start]:02x}, not UTF-8 text"
    return None


def _faulty_value(fields: list[bytes], width: int) -> tuple[str, str]:
    """The first fault among fields of the right number."""
    values = read_floats(fields, 1)[:, 0]
    in_range = (values >= 0) & (values <= 1)
    in_range[SAMPLES:] = ~np.isnan(values[SAMPLES:])
    if not in_range.all():
        column = int(in_range.argmin())
        if np.isnan(values[column]):
            return NOT_A_NUMBER, f"column {column} is {_quoted(fields[column])}, not a number"
        return OUT_OF_RANGE, f"sample {column} is {_plain(fields[column], values[column])}, outside 0..1"
    label = _plain(fields[-1], values[-1])
    return LABEL_UNKNOWN, f"label {label} is not one of 0..{len(CLASSES) - 1}"


def _quoted(field: bytes) -> str:
    text = field.decode("utf-8", "backslashreplace")
    return repr(text if len(text) <= QUOTED_CHARACTERS else text[:QUOTED_CHARACTERS] + "...")


def _plain(field: bytes, value: np.floating) -> str:
    """The field as written where it is short, else its value."""
    text = field.decode("ascii").strip()
    return text if len(text) <= len("-1.2345678e+10") else f"{float(value):.7g}"
