"""Messages that say why a row is not a beat, and what is wrong with a file as a whole.

The reason for a row depends on that row alone, and is of one of a few fixed kinds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from components.beat import CLASSES, SAMPLES
from components.errors import counted
from components.io.csv_numbers import BYTE_ORDER_MARKS, read_floats
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

NO_LABEL: Final = "no label"
WRONG_LENGTH: Final = "wrong number of samples"
DAMAGED: Final = "damaged record"
NO_EXAMPLE: Final = "no example of a beat"
LABEL_UNWANTED: Final = "label where none is expected"
CONTEXT_WRONG: Final = "unusable context"
"""These six occur in Parquet and TFRecord only: a line of text without its label has a column too few."""

CONTROL: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
"""Bytes that no line of text has; a tab may be next to a number."""

QUOTED_CHARACTERS: Final = 40
"""Characters of a value that a reason quotes."""

QUOTED_TEXT: Final = 30
"""Characters of a line that a sentence about a file quotes."""

QUOTED_REJECTS: Final = 3
"""Rejects that a sentence about a file quotes."""

FORMAT: Final = f"{SAMPLES} samples in 0..1 and then the label, separated by commas, without header"
"""What a CSV of beats is."""


@dataclass(frozen=True)
class Reject:
    """A row that is not a beat.

    Attributes:
        row: its number in the file, from 0.
        kind: one of the kinds above, counted in reports.
        reason: a clause for people; columns and samples are counted from 0, so sample i is column i.
        text: the first 8 KiB of the line, as text; None if the input is not text.
    """

    row: int
    kind: str
    reason: str
    text: str | None

    def to_json(self, file: str) -> str:
        """Return one line of a rejects file, with its newline."""
        return json.dumps({"file": file, "row": self.row, "reason": self.reason, "text": self.text}) + "\n"


def shown(line: bytes) -> str:
    """Return the first 8 KiB of a line as text; bytes that are not UTF-8 become backslash escapes."""
    return line[:HEAD_BYTES].decode("utf-8", "backslashreplace")


def reject_over_long(row: int, head: bytes) -> Reject:
    """Return the reject for a line that the block reader did not keep."""
    return Reject(row, OVER_LONG, f"over-long line: more than {LINE_BYTES:,} bytes", shown(head))


def reject_line(row: int, line: bytes, width: int) -> Reject:
    """Return the reject for a faulty line, without its line end, of which `width` columns were expected."""
    kind, reason = explain(line, width)
    return Reject(row, kind, reason, shown(line))


def explain(line: bytes, width: int) -> tuple[str, str]:
    """Say what is wrong with a line that the parser does not accept: its kind, and a clause for people."""
    if not line:
        return EMPTY, "empty line"
    if line.startswith(BYTE_ORDER_MARKS):
        return MARK, "the line begins with a byte order mark"
    if (offset := line.find(b"\r")) >= 0:
        return RETURN, f"carriage return inside the line, at byte {offset}"
    if (fault := not_text(line)) is not None:
        return NOT_TEXT, fault
    fields = line.split(b",")
    if len(fields) != width:
        return COLUMNS_WRONG, f"{counted(len(fields), 'column')}, expected {width}"
    return _faulty_value(fields)


def not_text(line: bytes) -> str | None:
    """Say which byte of a line is not text; None if all are."""
    if (control := CONTROL.search(line)) is not None:
        return f"byte {control.start()} is 0x{control[0].hex()}, not text"
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"byte {error.start} is 0x{line[error.start]:02x}, not UTF-8 text"
    return None


def _faulty_value(fields: list[bytes]) -> tuple[str, str]:
    """Find the first fault among fields of the right number."""
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
    return shortened(field.decode("utf-8", "backslashreplace"), QUOTED_CHARACTERS)


def shortened(text: str, characters: int) -> str:
    """Return the beginning of a text, quoted."""
    return repr(text if len(text) <= characters else text[:characters] + "...")


def _plain(field: bytes, value: np.floating) -> str:
    """Return the field as written if it is short, else its value."""
    text = field.decode("ascii").strip()
    return text if len(text) <= len("-1.2345678e+10") else f"{float(value):.7g}"


def describe_file(
    file: str,
    rows: int,
    reasons: Mapping[str, int],
    first_rejects: Sequence[tuple[int, str, str | None]],
    cut_off: bool,
) -> list[str]:
    """Say what is wrong with a file; nothing for a clean one.

    Args:
        file: its path.
        rows: lines it has.
        reasons: kind of reject -> lines.
        first_rejects: (row, reason, beginning of the text, if it is text) of the first few, in order.
        cut_off: whether its last line has neither a newline nor all its values.
    """
    if rows == 0:
        return [f"{file} is empty: it needs one line per beat, {FORMAT}."]
    rejects = sum(reasons.values())
    if rejects == 0:
        return []
    sentences = []
    if cut_off:
        sentences.append(
            f"{file} is cut off within its last line, row {rows - 1}, which has no line end: copy or download it again."
        )
    if rejects > len(sentences):
        by_kind = ", ".join(f"{kind}: {count:,}" for kind, count in reasons.items())
        quoted = "; ".join(
            f"row {row}: {reason}" if text is None else f"row {row}: {reason} ({shortened(text, QUOTED_TEXT)})"
            for row, reason, text in first_rejects[:QUOTED_REJECTS]
        )
        sentences.append(
            f"{file}: {rejects:,} of {counted(rows, 'row')} "
            f"{'is not a beat' if rejects == 1 else 'are not beats'} ({by_kind}). First: {quoted}."
        )
    return sentences


def one_based_labels(beats: Sequence[int], whose: str) -> str | None:
    """Return a sentence about labels that seem to count from 1; None if they do not.

    Args:
        beats: how many have label 0, 1, ...
        whose: beats they are, as in `a.csv`.
    """
    if beats[0] or not beats[1]:
        return None
    return (
        f"No beat of {whose} has label 0 ({CLASSES[0]}), and {beats[1]:,} have label 1: do the labels count from 1? If "
        "so, take 1 off, for instance with `awk -F, -v OFS=, '{$NF -= 1} 1'`."
    )
