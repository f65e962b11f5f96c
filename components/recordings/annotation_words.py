"""The words of a WFDB annotation file, as in annot(5); only the end mark ends them.

wfdb's own reader loops forever on unknown notes at sample 0 that begin with `## `, and reads on after
the end mark.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
import numpy.typing as npt

from components.errors import DataRefused, counted
from components.recordings.annotation_files import COMMENT, SKIP, TEXT, WFDB_SYMBOLS
from components.recordings.header import bounded_number

NUMBER, SUBTYPE = 60, 61
"""Codes that follow an annotation: the smallest, and that of its subtype."""

LARGEST_CODE: Final = 49
"""Largest code of an annotation."""

RESOLUTION: Final = "## time resolution:"
DEFINITIONS: Final = "## annotation type definitions"
END_OF_DEFINITIONS: Final = "## end of definitions"
"""Notes at sample 0 in which a file defines its ticks per second and the symbols of its own codes."""

DEFINITION: Final = re.compile(r"(\d{1,2}) (\S+) .+", re.DOTALL)

LEAST_RATE, GREATEST_RATE = Fraction(1, 3600), 10_000_000
"""Allowed ticks per second: from one an hour to ten a microsecond."""


@dataclass(frozen=True)
class AnnotationFile:
    """All annotations of a file, beats or not, in file order."""

    ticks: npt.NDArray[np.int64]  # int64[n], position; `fs` per second
    symbol: npt.NDArray[np.str_]  # str[n], as in `Annotations`; `code 42` for a code without symbol
    subtype: npt.NDArray[np.int64]  # int64[n]
    aux: tuple[str, ...]  # notes of rhythms and other text, empty for most annotations
    fs: Fraction | None  # ticks per second given by the file; None if it counts frames of the record


def read_words(content: bytes, name: str) -> AnnotationFile:
    """Read the bytes of an annotation file; notes at sample 0 are the file's own and left out.

    Args:
        content: of an even length, a zero word last.
        name: of the file, for messages.

    Raises:
        DataRefused: it is truncated, or its notes about itself cannot be read.
    """
    words = np.frombuffer(content, "<u2").tolist()
    ticks: list[int] = []
    codes: list[int] = []
    subtypes: list[int] = []
    notes: dict[int, str] = {}
    tick, position = 0, 0
    try:
        while word := words[position]:
            code, value = word >> 10, word & 0x3FF
            position += 1
            if code == SKIP:
                step = words[position] << 16 | words[position + 1]
                tick += step - (1 << 32) if step >> 31 else step
                position += 2
            elif code < NUMBER:
                tick += value
                ticks.append(tick)
                codes.append(code)
                subtypes.append(0)
            elif not ticks:
                raise DataRefused(f"its annotations {name} are no annotation file of WFDB: a note comes first.")
            elif code == SUBTYPE:
                subtypes[-1] = (value & 0xFF ^ 0x80) - 0x80
            elif code == TEXT:
                length = value & 0xFF
                notes[len(ticks) - 1] = content[2 * position : 2 * position + length].decode("latin-1").rstrip("\0")
                position += (length + 1) // 2
    except IndexError:
        raise DataRefused(
            f"its annotations {name} are cut short: behind {counted(len(ticks), 'annotation')} they end within a note "
            "or an interval, without their end mark. Copy the file again from where it is whole, or write it anew."
        ) from None
    aux = [notes.get(i, "") for i in range(len(ticks))]
    fs, symbols = _definitions([aux[i] for i in sorted(notes) if ticks[i] == 0], name)
    comment = WFDB_SYMBOLS.index(COMMENT)
    kept = [i for i, code in enumerate(codes) if code and (code != comment or ticks[i])]
    return AnnotationFile(
        np.array(ticks, np.int64)[kept],
        np.array([symbols.get(codes[i], f"code {codes[i]}") for i in kept], np.str_),
        np.array(subtypes, np.int64)[kept],
        tuple(aux[i] for i in kept),
        fs,
    )


def _definitions(notes: list[str], name: str) -> tuple[Fraction | None, dict[int, str]]:
    """Return the ticks per second, if notes at sample 0 give them, and code -> symbol; other notes are comments."""
    symbols = {code: symbol for code, symbol in enumerate(WFDB_SYMBOLS) if symbol != " "}
    rates, defining = {}, False
    for note in notes:
        if note.startswith(RESOLUTION):
            rates[_rate(note, name)] = note
        elif note == DEFINITIONS:
            defining = True
        elif note == END_OF_DEFINITIONS:
            defining = False
        elif defining:
            parts = DEFINITION.fullmatch(note)
            if parts is None or not 1 <= int(parts[1]) <= LARGEST_CODE:
                raise DataRefused(
                    f"its annotations {name} define a type as {note!r}; it should be CODE SYMBOL DESCRIPTION, the code "
                    f"from 1 to {LARGEST_CODE}."
                )
            symbols[int(parts[1])] = parts[2]
    if defining:
        raise DataRefused(f"its annotations {name} define types, without {END_OF_DEFINITIONS!r} behind them.")
    if len(rates) > 1:
        raise DataRefused(f"its annotations {name} say both {' and '.join(map(repr, rates.values()))}.")
    return next(iter(rates), None), symbols


def _rate(note: str, name: str) -> Fraction:
    """Return the ticks per second from their note."""
    text = note.removeprefix(RESOLUTION).strip(" \0")
    number, _, divisor = text.partition("/")
    above, below = bounded_number(number), bounded_number(divisor or "1")
    fs = above / below if above and below else Fraction(0)
    if not LEAST_RATE <= fs <= GREATEST_RATE:
        raise DataRefused(
            f"its annotations {name} say that they count {text!r} times a second ({note!r}); it should be a number "
            f"from {LEAST_RATE} to {GREATEST_RATE:,}."
        )
    return fs
