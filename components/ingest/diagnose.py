"""What is wrong with a file, in sentences: from what became of its rows and from its first bytes."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from typing import Final

from components.beat import COLUMNS, SAMPLES
from components.ingest.report import ShardRecord, added
from components.io.rejects import COLUMNS_WRONG

FORMAT: Final = f"{SAMPLES} samples in 0..1 and then the label, separated by commas, without header"
"""What a CSV of beats is."""

QUOTED: Final = 3
"""Rejects that a sentence quotes."""

UTF_16: Final = "UTF-16"
UTF_8_MARKED: Final = "UTF-8 with a byte order mark"

MARKS: Final = {codecs.BOM_UTF16_LE: UTF_16, codecs.BOM_UTF16_BE: UTF_16, codecs.BOM_UTF8: UTF_8_MARKED}


def describe_file(records: Sequence[ShardRecord], head: bytes) -> list[str]:
    """Says what is wrong with one file; nothing for a clean one.

    Args:
        records: of the file's shards, in order.
        head: its first bytes, decompressed, at least its first line where that is not over-long.
    """
    file, rows = records[0].file, sum(record.rows for record in records)
    rejects = sum(record.rejects for record in records)
    if rows == 0:
        return [f"{file} is empty: it needs one line per beat, {FORMAT}."]
    if rejects == 0:
        return []
    reasons = added([record.reasons for record in records])
    whole = _about_all(file, rows, rejects, reasons, head)
    if whole is not None:
        return [whole]
    sentences = []
    first = next(record.first_rejects[0] for record in records if record.first_rejects)
    others = rejects
    if first[0] == 0 and _is_header(head):
        sentences.append(
            f"{file} begins with a header line ({_short(first[2])}): remove it, for instance with "
            f"`tail -n +2 {file.rsplit('/', 1)[-1]}`; a file of beats is {FORMAT}."
        )
        others -= 1
    if records[-1].cut:
        sentences.append(
            f"{file} is cut off within its last line, row {rows - 1}, which has no line end: copy or download it again."
        )
        others -= 1
    if others:
        sentences.append(_counts(file, rows, rejects, reasons, records))
    return sentences


def _about_all(file: str, rows: int, rejects: int, reasons: dict[str, int], head: bytes) -> str | None:
    """What is wrong with the file throughout; None if its faults are those of single rows."""
    encoding = _encoding(head)
    if encoding is not None:
        return f"{file} is not plain UTF-8 text but {encoding}: {_remedy(encoding)}"
    if rejects < rows:
        return None
    if b"\r" in head and b"\n" not in head:
        return f"{file} ends its lines with CR alone: save it with LF or CRLF line ends."
    columns = {line.count(b",") + 1 for line in head.splitlines()[:-1] or [head]}
    if set(reasons) == {COLUMNS_WRONG} and len(columns) == 1:
        count = columns.pop()
        plural = "" if count == 1 else "s"
        return f"{file} has {count} column{plural} in every row, expected {COLUMNS}: {FORMAT}. Rows: {rows:,}."
    return None


def _encoding(head: bytes) -> str | None:
    """What the first bytes are if not plain UTF-8."""
    for mark, name in MARKS.items():
        if head.startswith(mark):
            return name
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith(b"PK\x03\x04"):
        return "a zip archive"
    even, odd = head[::2].count(0), head[1::2].count(0)
    if len(head) > 1 and max(even, odd) > len(head) // 4 and min(even, odd) == 0:
        return UTF_16
    if b"\0" in head:
        return "binary"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError as error:
        return f"bytes that are not text (0x{head[error.start]:02x} at {error.start})"
    return None


def _remedy(encoding: str) -> str:
    if encoding == "gzip":
        return "give it a name ending in .gz."
    if encoding == "a zip archive":
        return "unpack it first."
    if encoding == UTF_16:
        return "save it as UTF-8, for instance with `iconv -f UTF-16 -t UTF-8`."
    if encoding == UTF_8_MARKED:
        return "save it without, for instance with `sed '1s/^\\xEF\\xBB\\xBF//'`."
    return "it is no CSV of beats; copy or download it again."


def _is_header(head: bytes) -> bool:
    """Whether the first line has the fields of a row, names among them."""
    fields = head.split(b"\n", 1)[0].rstrip(b"\r").split(b",")
    named = [field for field in fields if re.search(rb"[A-Za-z_]{2,}|^\s*[\"'A-Za-z]", field)]
    numbered = [field for field in fields if field.strip().isdigit()]
    return len(fields) > 1 and (len(named) > len(fields) // 2 or len(numbered) == len(fields))


def _counts(file: str, rows: int, rejects: int, reasons: dict[str, int], records: Sequence[ShardRecord]) -> str:
    by_kind = ", ".join(f"{kind}: {count:,}" for kind, count in reasons.items())
    quoted = [each for record in records for each in record.first_rejects][:QUOTED]
    rows_quoted = "; ".join(f"row {row}: {reason} ({_short(text)})" for row, reason, text in quoted)
    return f"{file}: {rejects:,} of {rows:,} rows are not beats ({by_kind}). First: {rows_quoted}."


def _short(text: str) -> str:
    return repr(text if len(text) <= 30 else text[:30] + "...")
