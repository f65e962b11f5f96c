"""Which columns of a Parquet file hold a beat. If that, or the order of the samples, is in doubt, it is refused."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from components.beat import COLUMNS, SAMPLES, ContextForm
from components.errors import DataRefused, counted

if TYPE_CHECKING:
    import pyarrow as pa

SIGNAL, LABEL, RECORD, SAMPLE, CONTEXT = "signal", "label", "record", "sample", "context"

CONTEXT_FORM: Final = "heartbeat.context"
"""Key of a file's metadata: version and names of the numbers in the column `context`, as JSON."""

LABEL_NAMES: Final = (LABEL, "labels", "target", "class", "y")
"""Allowed names of a label column, in any case."""

NUMBERED: Final = re.compile(r"(.*?)(\d+)(?:\.0)?")
"""A name that ends in a number; pandas writes columns numbered with floats as `0.0`, `1.0`, ..."""

CONVERT: Final = "convert them, for instance with pandas' `.astype(float)`."
"""What to do about a column that should hold numbers."""


@dataclass(frozen=True)
class ParquetLayout:
    """The columns that are read.

    Attributes:
        signal: one list column, or one column for each of the 187 samples, in order.
        label: the label column by name, or the 188th column of numbers; None without labels.
        record: name of the column of record names, or None.
        sample: name of the column of places in the record, or None.
        context: what the numbers in the column `context` are; None without such a column or if it does not say.
    """

    signal: tuple[str, ...]
    label: str | None
    record: str | None
    sample: str | None
    context: ContextForm | None = None

    @property
    def columns(self) -> list[str]:
        """Every column to read."""
        return [*self.signal, *(name for name in (self.label, self.record, self.sample) if name is not None)]


def layout_of(path: str, schema: pa.Schema) -> ParquetLayout:
    """Find the columns.

    Raises:
        DataRefused: it holds neither a list column of samples nor 187 columns of numbers, or invalid labels; or
            there are several ways to read it.
    """
    if twice := sorted({name for name in schema.names if schema.names.count(name) > 1}):
        raise DataRefused(f"{path} has more than one column named {twice[0]}: rename or drop the others.")
    record, sample = (name if name in schema.names else None for name in (RECORD, SAMPLE))
    context = _context_of(path, schema)
    named = [
        field
        for field in schema
        if field.name == LABEL or (field.name.lower() in LABEL_NAMES and not _is_list(field.type))
    ]
    labels = [field.name for field in named if _is_number(field.type)]
    lists = [field.name for field in schema if _is_list(field.type) and (context is None or field.name != CONTEXT)]
    numbers = [
        field.name
        for field in schema
        if _is_number(field.type)
        and field.name not in (LABEL, RECORD, SAMPLE)
        and not field.name.startswith("__index_level_")
    ]
    if SIGNAL in lists or (len(lists) == 1 and len(numbers) < SAMPLES):
        signal = SIGNAL if SIGNAL in lists else lists[0]
        _check_list(path, schema.field(signal))
        label = _one_label(path, f"samples in column {signal}", labels, [], named)
        return ParquetLayout((signal,), label, record, sample, context)
    if len(numbers) < SAMPLES:
        _check_types(path, schema, numbers)
        raise DataRefused(
            f"{path} has {counted(len(lists), 'list column')} and {counted(len(numbers), 'column')} of numbers besides "
            f"{LABEL}, {RECORD} and {SAMPLE}: expected one list column, {SIGNAL}, of {SAMPLES} samples, or {SAMPLES} "
            "columns of them."
        )
    samples = samples_by_number(numbers)
    if samples is None:
        raise DataRefused(
            f"{path} has {counted(len(numbers), 'column')} of numbers ({', '.join(numbers[:3])}, ...) in an order that "
            f"cannot be known: name the samples by number, 0 to {SAMPLES - 1}, or write them as one list column, "
            f"{SIGNAL}."
        )
    others = [name for name in numbers if name not in samples]
    if len(samples) == COLUMNS:
        labels.append(samples.pop())
    label = _one_label(path, f"{SAMPLES} columns of samples", labels, others, named)
    return ParquetLayout(tuple(samples), label, record, sample, context)


def _one_label(
    path: str, samples: str, labels: Sequence[str], others: Sequence[str], named: Sequence[pa.Field]
) -> str | None:
    """Return the column of the label, None without one; refuse if it is ambiguous, or does not hold numbers.

    Args:
        path: of the file.
        samples: what holds its samples, in words.
        labels: columns of numbers with the name or number of a label.
        others: columns of numbers that may be the label if there are none.
        named: columns of any type with the name of a label.
    """
    wrong = [field for field in named if not _is_number(field.type) and (field.name == LABEL or not labels)]
    if wrong:
        raise DataRefused(
            f"{path} has labels of type {wrong[0].type} in column {wrong[0].name}, expected numbers, 0 to 4: {CONVERT}"
        )
    if len(labels) > 1 or (others and not labels):
        doubtful = ", ".join(labels or others)
        raise DataRefused(
            f"{path} has {samples}, and which column holds the label is in doubt ({doubtful}): name it `{LABEL}` and "
            "drop the others."
        )
    return labels[0] if labels else None


def _context_of(path: str, schema: pa.Schema) -> ContextForm | None:
    """Return the form of context in the file's metadata, if it has a list column of that name."""
    text = (schema.metadata or {}).get(CONTEXT_FORM.encode())
    if text is None or CONTEXT not in schema.names or not _is_list(schema.field(CONTEXT).type):
        return None
    try:
        return ContextForm.from_json(text)
    except ValueError as error:
        raise DataRefused(f"{path} says of its context what cannot be read ({error}): make the file again.") from error


def samples_by_number(names: Sequence[str]) -> list[str] | None:
    """Return the names that number 187 samples, or these and a label, by number; None unless there is one such set."""
    groups: dict[str, dict[int, str]] = {}
    for name in names:
        if match := NUMBERED.fullmatch(name):
            groups.setdefault(match[1], {}).setdefault(int(match[2]), name)
    runs = [
        [group[number] for number in sorted(group)]
        for group in groups.values()
        if len(group) in (SAMPLES, COLUMNS) and max(group) - min(group) == len(group) - 1
    ]
    return runs[0] if len(runs) == 1 else None


def _check_list(path: str, field: pa.Field) -> None:
    """Refuse a list column whose lists cannot be beats."""
    import pyarrow.types as kinds

    if not _is_number(field.type.value_type):
        raise DataRefused(
            f"{path} has lists of {field.type.value_type} in column {field.name}, expected of numbers: convert them "
            "first."
        )
    if kinds.is_fixed_size_list(field.type) and field.type.list_size != SAMPLES:
        raise DataRefused(fault_of_length(path, field.name, field.type.list_size))


def fault_of_length(path: str, column: str, length: int) -> str:
    """Return a sentence about a list column whose lists have another length than a beat."""
    label = f": put the label, as it seems to be, into a column of its own, `{LABEL}`" if length == COLUMNS else ""
    return f"{path} has lists of {counted(length, 'value')} in column {column}, expected {SAMPLES} samples{label}."


def _check_types(path: str, schema: pa.Schema, numbers: Sequence[str]) -> None:
    """Refuse columns named like samples that do not hold numbers, such as text."""
    if SIGNAL in schema.names:
        raise DataRefused(f"{path} has {SIGNAL} of type {schema.field(SIGNAL).type}, expected lists of numbers.")
    others = [field for field in schema if NUMBERED.fullmatch(field.name) and field.name not in numbers]
    if others and len(numbers) + len(others) >= SAMPLES:
        names = ", ".join([field.name for field in others[:3]] + ["..."] * (len(others) > 3))
        raise DataRefused(f"{path} has samples of type {others[0].type} in {names}, expected numbers: {CONVERT}")


def _is_list(kind: pa.DataType) -> bool:
    import pyarrow.types as kinds

    return bool(kinds.is_list(kind) or kinds.is_large_list(kind) or kinds.is_fixed_size_list(kind))


def _is_number(kind: pa.DataType) -> bool:
    import pyarrow.types as kinds

    return bool(kinds.is_integer(kind) or kinds.is_floating(kind))
