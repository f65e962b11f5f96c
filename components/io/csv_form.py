"""Whether a CSV holds beats, judged by its first and last lines; if not, why, and how to fix it.

A fault in most lines, or a header, is a fault of the file. A single faulty line is a reject.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from shlex import quote
from typing import Final

from components.beat import COLUMNS, SAMPLES
from components.errors import counted
from components.io.beat_block import FEW, column_of_label, fault_of_sample, label_in
from components.io.csv import parse_block
from components.io.csv_numbers import read_floats
from components.io.parquet_layout import LABEL_NAMES, samples_by_number
from components.io.rejects import FORMAT, QUOTED_TEXT, not_text, shortened
from components.io.signatures import command_of
from components.io.text import Block

NUMBER: Final = re.compile(r"\s*([-+]?(\d+[.,]?\d*|[.,]\d+)(e[-+]?\d+)?|[-+]?(nan|inf)|)\s*", re.IGNORECASE)
"""A number as table tools write it; empty text is a missing one."""

DECIMAL_COMMA: Final = re.compile(r"\s*[-+]?\d*,\d+(e[-+]?\d+)?\s*", re.IGNORECASE)
WHOLE: Final = re.compile(r"\s*\d+(\.0*(e\+00)?)?\s*")

ENCODINGS: Final[Mapping[tuple[bool, ...], str]] = {
    (False, True, True, True): "UTF-32LE",
    (True, True, True, False): "UTF-32BE",
    (False, True, False, True): "UTF-16LE",
    (True, False, True, False): "UTF-16BE",
}
"""Which bytes of four are mostly zero -> the encoding of text that begins without a byte order mark."""

RENAMED: Final = re.compile(r"[-+]?\d+\.\d*(e[-+]\d+)?\.\d+", re.IGNORECASE)
"""A number that a program took for a column name and made unique: `0.0.1`."""

SEPARATORS: Final = {
    ",": ("commas", ""),
    ";": ("semicolons", "tr ';' ','"),
    "\t": ("tabs", r"tr '\t' ','"),
    "|": ("bars", "tr '|' ','"),
    " ": ("spaces", "sed -E 's/^ +//; s/ +/,/g'"),
}
"""Separator -> its name, and the command that replaces it by commas."""

COMMENT: Final = re.compile(r"\s*([#%])")
NO_COMMENTS: Final = r"sed -E '/^\s*[#%]/d'"
NO_HEADER: Final = "tail -n +2"
NO_INDEX: Final = "cut -d, -f2-"
NO_QUOTES: Final = r'''tr -d "\"'"'''
POINTS: Final = "tr ',' '.'"
POINTS_IN_QUOTES: Final = r'''sed -E "s/([\"'])([^\"',]*),([^\"']*)\1/\2.\3/g"'''
QUOTE: Final = re.compile("[\"']")
NO_LAST_COMMA: Final = r"sed -E 's/,(\r?)$/\1/'"
LABEL_LAST: Final = r"sed -E 's/^(([^,]*,){%d})([^,]*),([^\r]*)/\1\4,\3/'"

Rows = Sequence[Sequence[str]]


def fault_of_csv(path: str, head: bytes, tail: bytes, widths: Sequence[int]) -> str | None:
    """Return a sentence about a file that is not a CSV of beats; None if it is, or has only single faulty rows.

    Args:
        path: of the file.
        head: its first lines, decompressed, without a byte order mark.
        tail: its last lines, if the first ones are not all.
        widths: numbers of columns that a row may have.
    """
    if b"\r" in head and b"\n" not in head:
        return f"{path} ends its lines with CR alone: save it with LF or CRLF line ends."
    lines = [line.removesuffix(b"\r") for line in (*head.split(b"\n"), *tail.split(b"\n")) if line.strip()]
    faults = [fault for line in lines if (fault := not_text(line)) is not None]
    if len(faults) > len(lines) // 2:
        return f"{path} {_no_text(path, head, lines, faults[0])}"
    if not lines:
        return f"{path} has empty lines only, expected {FORMAT}." if head else None
    labelled = sum(line.count(b",") == COLUMNS - 1 for line in lines) * 2 >= len(lines)
    width = COLUMNS if labelled else SAMPLES
    rejects = parse_block(Block(0, len(lines), b"".join(line + b"\n" for line in lines)), labelled).rejects
    if rejects or width not in widths:  # if every line is a beat, there is no comment, header or other separator
        texts = [re.sub("[\0\r]", "\ufffd", line.decode("utf-8", "replace")) for line in lines]
        if (fault := _fault_of_form(path, texts, widths)) is not None:
            return fault
    values = read_floats([line if b"\r" not in line else b"" for line in lines], width)
    if (column := column_of_label(values)) is not None:
        return _sentence(path, [(label_in(column), LABEL_LAST % column)])
    return fault_of_sample(path, values, rejects)


def _no_text(path: str, head: bytes, lines: Sequence[bytes], fault: str) -> str:
    zeros = tuple(head[at::4].count(0) * 8 > len(head) for at in range(4))
    if (encoding := ENCODINGS.get(zeros)) is not None:
        command = command_of(path, f"iconv -f {encoding} -t UTF-8")
        return f"is {encoding[:6]}: save it as UTF-8, for instance with `{command}`."
    if not any(b"\r" in line.strip(b"\r") or not_text(line.strip(b"\r")) for line in lines):
        ends = "CR CR LF" if lines[0].endswith(b"\r") else "LF CR"
        command = command_of(path, r"tr -d '\r'")
        return f"ends its lines with {ends}: save it with LF or CRLF line ends, for instance with `{command}`."
    return f"is no text ({fault}), so no CSV of beats: copy or download it again."


def _fault_of_form(path: str, texts: Sequence[str], widths: Sequence[int]) -> str | None:
    """Return a sentence about comments, separators, quotes, a header, an index or the number of columns."""
    steps: list[tuple[str, str]] = []
    if comment := COMMENT.match(texts[0]):
        steps.append((f"begins with a comment ({shortened(texts[0], QUOTED_TEXT)})", NO_COMMENTS))
        texts = [text for text in texts if not COMMENT.match(text)] or texts
    separator = max(
        SEPARATORS, key=lambda each: sum(_count_numbers(_split(text, each)) for text in texts[1:4] or texts)
    )
    rows = [_split(text, separator) for text in texts]
    [(width, _)] = Counter(map(len, rows)).most_common(1)
    is_like_others = _most(map(_is_header, rows[1:]))
    has_header = len(rows[0]) in (width, width - 1) and _is_header(rows[0]) and not is_like_others
    if has_header and len(rows) == 1 and {width, width - 1} & {*widths}:
        return (
            f"{path} has no beats, only a header line ({shortened(texts[0], QUOTED_TEXT)}): make it again from where "
            "its rows are, or leave it out."
        )
    if has_header:
        steps.append((f"begins with a header line ({shortened(texts[0], QUOTED_TEXT)})", NO_HEADER))
    data = [row for row in rows[has_header:] if len(row) == width]
    quoted = _most(QUOTE.search(text) is not None for text in texts[has_header:])
    comma = _most(any(map(DECIMAL_COMMA.fullmatch, row)) for row in data)
    if comma:
        steps.append(("has decimal commas", POINTS if separator != "," else POINTS_IN_QUOTES))
    if quoted:
        steps.append(("has values in quotes", NO_QUOTES))
    if separator != ",":
        name, command = SEPARATORS[separator]
        steps.append((f"has {name} between its values", command))
    has_index = _has_index(data)
    if has_index:
        steps.append((f"has an index in its first column ({', '.join(row[0] for row in data[:3])}, ...)", NO_INDEX))
    has_end = bool(data) and all(not row[-1].strip() for row in data)
    if has_end and width - has_index == COLUMNS:
        command = command_of(path, f"cut -d {quote(separator)} -f -{width - 1}")
        return (
            f"{path} has no label in any row: the last of {COLUMNS} columns is empty. Put the labels there; if it "
            f"never had any, take that column off, for instance with `{command}`."
        )
    if has_end:
        steps.append(("has a separator at the end of its lines", NO_LAST_COMMA))
    if has_header and _is_unordered(rows[0]):
        options = {
            "sep": separator if separator != "," else None,
            "decimal": "," if comma else None,
            "comment": comment[1] if comment else None,
            "quotechar": "'" if quoted and _most("'" in text for text in texts) else None,
            "index_col": 0 if has_index and len(rows[0]) == width else None,
        }
        return _about_order(path, rows[0], options)
    extra = has_index + has_end
    if not any(len(row) - extra in widths for row in rows):
        return f"{path} has {counted(width, 'column')} in its rows, expected {COLUMNS}: {FORMAT}."
    return _sentence(path, steps) if steps else None


def _is_unordered(header: Sequence[str]) -> bool:
    """Tell whether the names of columns say that samples, and then the label, do not come one after another."""
    samples = samples_by_number(header) or []
    labels = [name for name in header if name.lower() in LABEL_NAMES]
    expected = [*samples, *labels]
    return bool(samples) and [name for name in header if name in expected] != expected


def _about_order(path: str, header: Sequence[str], options: Mapping[str, object]) -> str:
    chosen = "".join(f", {name}={value!r}" for name, value in options.items() if value is not None)
    program = f"import pandas; pandas.read_csv({path.rpartition('/')[2]!r}{chosen}).to_parquet('beats.parquet')"
    return (
        f"{path} begins with a header line whose columns ({', '.join(header[:4])}, ...) are not {SAMPLES} samples in "
        "order and then the label. Write it as Parquet, which is read by the columns' names, for instance with "
        f"`python -c {quote(program)}`."
    )


def _sentence(path: str, steps: Sequence[tuple[str, str]]) -> str:
    *most, last = [clause for clause, _ in steps]
    clauses = f"{', '.join(most)} and {last}" if most else last
    command = command_of(path, *(command for _, command in steps))
    return f"{path} {clauses}, but a file of beats is {FORMAT}. Make one, for instance with `{command}`."


def _split(text: str, separator: str) -> list[str]:
    if separator == " ":
        return QUOTE.sub("", text).split()
    return next(csv.reader([text.replace("'", '"')], delimiter=separator), [])


def _count_numbers(fields: Sequence[str]) -> int:
    return sum(1 for field in fields if field and NUMBER.fullmatch(field))


def _most(values: Iterable[bool]) -> bool:
    each = list(values)
    return sum(each) > len(each) // 2


def _is_header(fields: Sequence[str]) -> bool:
    """Tell whether a line names columns: by words, by their numbers, or by values that were taken for names."""
    words = sum(1 for field in fields if not NUMBER.fullmatch(field))
    renamed = sum(1 for field in fields if RENAMED.fullmatch(field))
    is_wordy = len(fields) > 1 and words > len(fields) // 2
    return is_wordy or renamed >= FEW or samples_by_number(fields) is not None


def _has_index(data: Rows) -> bool:
    """Tell whether the first column numbers or names the rows, instead of being a sample or a label."""
    first = [row[0] for row in data]
    if len(data) < 2 or len(data[0]) < SAMPLES:
        return False
    if all(map(WHOLE.fullmatch, first)):
        numbers = [int(each.split(".")[0]) for each in first]
        return len(set(numbers)) == len(numbers) and max(numbers) > 1
    return not any(map(NUMBER.fullmatch, first))
