"""CSV lines for tests, and an independent parser to compare with."""

import csv
import io
import re

import numpy as np

NUMBER = re.compile(r"-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def line(label=0, **changed):
    """A good line; `s5="abc"` puts that text in place of sample 5."""
    shift = label if isinstance(label, int) else 7
    values = [f"{(at * 37 + shift) % 100 / 100:.2f}" for at in range(187)]
    for name, text in changed.items():
        values[int(name[1:])] = text
    return ",".join([*values, f"{label}.0" if isinstance(label, int) else label])


def lines(count, seed=0):
    """Distinct good lines of all classes as one text, LF at each end."""
    rng = np.random.default_rng(seed)
    signal, label = rng.random((count, 187), np.float32), np.arange(count) % 5
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(
        [*(f"{value:.9g}" for value in row), f"{kind}.0"] for row, kind in zip(signal, label, strict=True)
    )
    return out.getvalue().encode(), signal, label


def reference(text: bytes, width: int = 188):
    """Row number -> list of numbers or None, in pure Python: one line, one decision."""
    rows = text.split(b"\n")
    if rows[-1] == b"":
        rows.pop()
    elif rows[-1].endswith(b"\r"):
        rows[-1] += b"!"
    return [_values(row.removesuffix(b"\r"), width) for row in rows]


def _values(row: bytes, width: int):
    try:
        fields = row.decode("ascii").split(",")
    except UnicodeDecodeError:
        return None
    fields = [field.strip(" \t") for field in fields]
    if len(fields) != width or not all(NUMBER.fullmatch(field) for field in fields):
        return None
    values = [float(np.float32(float(field))) for field in fields]
    fits = all(0 <= value <= 1 for value in values[:187]) and all(value in {0, 1, 2, 3, 4} for value in values[187:])
    return values if fits else None
