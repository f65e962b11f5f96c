"""Beats as tf.Examples in TFRecord files: written without TensorFlow, parsed by it.

An example has `signal` float_list[187], `label` int64_list[1] and, where known, `context` float_list[k], `record`
bytes_list[1] and `sample` int64_list[1]. Transformed ones have more features of 187 floats.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES, SAMPLES, Beats, concatenate
from components.compat import import_tensorflow
from components.errors import DataRefused
from components.io.beat_block import NO_SAMPLE, BeatBlock, fault_of_sample, faulty_values
from components.io.rejects import DAMAGED, LABEL_UNWANTED, NO_EXAMPLE, WRONG_LENGTH, Reject
from components.io.storage import InputFile, list_files
from components.io.tfrecord import read_records

LOOK_RECORDS: Final = 64
"""Records examined before a file is read."""

READ_ROWS: Final = 4096
"""Examples parsed at a time: 3 MB of signal."""

BYTES_LIST, FLOAT_LIST, INT64_LIST = 1, 2, 3
"""Field numbers in tf.train.Feature."""

SCALARS: Final = {"label": "int64_list", "record": "bytes_list", "sample": "int64_list"}
"""Features of one value, and their kind; contexts are float_list[k], all others float_list[187]."""

CONTEXTS: Final = ("context", "clean_context")
"""Features of k floats, which an example need not have."""

ABSENT: Final = -1
"""The label of an example without one; no label is negative."""


def encode_examples(beats: Beats) -> list[bytes]:
    """Encode beats as serialized tf.Examples, in order, by filling in a template: 90 times as fast as messages.

    Two examples of one record (or of none) differ only in the bytes of label and samples, whose places are fixed.

    Raises:
        ValueError: a label is not an index into CLASSES.
    """
    if len(beats) and not 0 <= beats.label.min() <= beats.label.max() < len(CLASSES):
        raise ValueError(f"labels {beats.label.min()}..{beats.label.max()}, must be within 0..{len(CLASSES) - 1}")
    context = np.empty((len(beats), 0), np.float32) if beats.context is None else beats.context
    if beats.record is None:
        return _fill(None, beats.signal, beats.label, context)
    names, name_of = np.unique(np.array(beats.record, np.str_), return_inverse=True)
    encoded = [b""] * len(beats)
    for index, name in enumerate(names):
        rows = np.flatnonzero(name_of == index)
        filled = _fill(str(name), beats.signal[rows], beats.label[rows], context[rows])
        for row, example in zip(rows, filled, strict=True):
            encoded[row] = example
    return encoded


def _fill(
    record: str | None,
    signal: npt.NDArray[np.float32],
    label: npt.NDArray[np.int64],
    context: npt.NDArray[np.float32],
) -> list[bytes]:
    template, ends = _template(record, context.shape[1])
    filled = np.tile(np.frombuffer(template, np.uint8), (len(label), 1))  # (n, bytes of an example)
    for end, values in zip(ends, (context, label[:, None].astype("i1"), signal), strict=True):
        as_bytes = np.ascontiguousarray(values).view(np.uint8)
        filled[:, end - as_bytes.shape[1] : end] = as_bytes
    text, length = filled.tobytes(), len(template)
    return [text[start : start + length] for start in range(0, len(text), length)]


def _template(record: str | None, numbers: int) -> tuple[bytes, tuple[int, int, int]]:
    """Return the example of a beat of zeros, and where its context, its label and its samples end.

    Args:
        record: of the beat, or None.
        numbers: length of its context; 0 for none.
    """
    context = _feature(b"context", FLOAT_LIST, _field(1, bytes(4 * numbers))) if numbers else b""
    label = _feature(b"label", INT64_LIST, _field(1, b"\0"))
    known = b"" if record is None else _feature(b"record", BYTES_LIST, _field(1, record.encode()))
    signal = _feature(b"signal", FLOAT_LIST, _field(1, bytes(4 * SAMPLES)))
    example = _field(1, context + label + known + signal)  # by name, as protocol buffers sort a map
    label_end = len(example) - len(signal) - len(known)
    return example, (label_end - len(label), label_end, len(example))


def _feature(name: bytes, kind: int, values: bytes) -> bytes:
    """Return one entry of the map tf.train.Features.feature."""
    return _field(1, _field(1, name) + _field(2, _field(kind, values)))


def _field(number: int, content: bytes) -> bytes:
    """Return a length-delimited protocol buffer field."""
    length, size = b"", len(content)
    while size >= 0x80:
        length += bytes([size & 0x7F | 0x80])
        size >>= 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + content


def example_files(split_dir: str) -> list[InputFile]:
    """List the files of a split, plain or .gz, in the order in which their rows are numbered.

    Args:
        split_dir: folder or URI of one split, such as `.../Split-train`.
    """
    return list_files(f"{split_dir}/*")


def read_columns(
    files: Iterable[InputFile], columns: Sequence[str], rows: int = READ_ROWS
) -> Iterator[dict[str, npt.NDArray[Any]]]:
    """Yield features of examples by name, up to `rows` examples at a time, files in the order given.

    Args:
        files: TFRecord files of tf.Examples, each of which has all of the columns.
        columns: names of features; `label` and `sample` are int64[n], `record` bytes[n], others float32[n, 187],
            but those of CONTEXTS float32[n, k], where k is 0 if no example of the block has one.
        rows: maximum examples in a block.

    Raises:
        DataRefused: a file cannot be read, or holds a damaged record or one without these features.
    """
    tf = import_tensorflow()

    for file in files:
        records, row = read_records(file), 0
        while block := list(islice(records, rows)):
            whole = [record for record in block if record is not None]
            try:
                parsed = _parse(whole, columns)
            except tf.errors.InvalidArgumentError as error:
                raise DataRefused(f"{file.path} has an example without {' or '.join(columns)}: {error}.") from error
            if len(whole) < len(block):
                raise DataRefused(f"Record {row + block.index(None)} of {file.path} is damaged: make the file again.")
            yield parsed
            row += len(block)


def read_beats(split_dir: str) -> Iterator[Beats]:
    """Yield all beats of a split, up to 4096 at a time; their records only if each has one, likewise their context.

    Args:
        split_dir: folder or URI of one split, such as `.../Split-train`.

    Raises:
        DataRefused: a file cannot be read, or holds something else.
    """
    for part in read_columns(example_files(split_dir), ("signal", "label", "record", "context")):
        record = tuple(name.decode("utf-8", "backslashreplace") for name in part["record"].tolist())
        context = part["context"] if part["context"].shape[1] else None
        yield Beats(part["signal"], part["label"], record if all(record) else None, context)


def read_split(split_dir: str) -> Beats:
    """Read all beats of a split at once; as `read_beats`."""
    return concatenate(list(read_beats(split_dir)))


def tfrecord_features(file: InputFile) -> list[str] | None:
    """Return the names of the features of the first well-formed example; None if there is no such example.

    Raises:
        DataRefused: the file cannot be read, or is cut off.
    """
    for record in read_records(file):
        features = _features(record) if record is not None else None
        if features is not None and _fault(features) is None:
            return sorted(features)
    return None


def fault_of_tfrecord(file: InputFile) -> str | None:
    """Return a sentence about a file most of whose first records are not beats; else None.

    Raises:
        DataRefused: the file cannot be read, or is cut off within them.
    """
    signal = np.full((LOOK_RECORDS, SAMPLES), np.nan, np.float32)
    label = np.zeros(LOOK_RECORDS)
    faults, row = dict[int, Reject](), -1
    for row, record in enumerate(islice(read_records(file), LOOK_RECORDS)):
        features = _features(record) if record is not None else None
        if features is None or _fault(features) is not None:
            faults[row] = Reject(row, *_explain(record), None)
            continue
        signal[row] = features["signal"].float_list.value
        if "label" in features:
            label[row] = features["label"].int64_list.value[0]
    signal = signal[: row + 1]
    for reject in faulty_values(signal, label[: row + 1], 0):
        faults.setdefault(reject.row, reject)
    return fault_of_sample(file.path, signal, [faults[row] for row in sorted(faults)])


def read_tfrecord(file: InputFile, labelled: bool, block_rows: int) -> Iterator[BeatBlock]:
    """Yield a file's rows in order, `block_rows` at a time; those that are not beats are rejects.

    Raises:
        DataRefused: the file cannot be read, or is cut off.
    """
    records, row = read_records(file), 0
    while block := list(islice(records, block_rows)):
        yield _beat_block(row, block, labelled)
        row += len(block)


def _beat_block(first_row: int, records: list[bytes | None], labelled: bool) -> BeatBlock:
    count = len(records)
    columns: dict[str, npt.NDArray[Any]] = {
        "signal": np.full((count, SAMPLES), np.nan, np.float32),
        "label": np.full(count, ABSENT, np.int64),
        "record": np.full(count, b"", object),
        "sample": np.full(count, NO_SAMPLE, np.int64),
    }
    parsed = np.zeros(count, bool)
    present = [index for index, record in enumerate(records) if record is not None]
    for indices, part in _parse_each(present, records, tuple(columns)):
        for name, values in part.items():
            columns[name][indices] = values
        parsed[indices] = True
    faults = {index: _explain(records[index]) for index in np.flatnonzero(~parsed).tolist()}
    label = np.where(columns["label"] == ABSENT, np.nan, columns["label"])
    for reject in faulty_values(columns["signal"], label if labelled else None, 0):
        faults.setdefault(reject.row, (reject.kind, reject.reason))
    if not labelled:
        for index in np.flatnonzero(columns["label"] != ABSENT).tolist():
            faults.setdefault(index, (LABEL_UNWANTED, f"it has label {columns['label'][index]}"))
    usable = np.ones(count, bool)
    usable[list(faults)] = False
    block = BeatBlock(
        signal=columns["signal"],
        label=columns["label"] if labelled else None,
        rows=first_row + np.arange(count),
        rejects=(),
        record=_names(columns["record"]),
        sample=columns["sample"],
    )
    return block.keep(usable, [Reject(first_row + index, *fault, None) for index, fault in faults.items()])


def _names(names: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """Return record names as text, None if missing."""
    known, name_of = np.unique(names.astype(bytes), return_inverse=True)
    texts = np.array([name.decode("utf-8", "backslashreplace") or None for name in known.tolist()], object)
    return texts[name_of]


def _parse_each(
    indices: list[int], records: Sequence[bytes | None], columns: Sequence[str]
) -> Iterator[tuple[list[int], dict[str, npt.NDArray[Any]]]]:
    """Parse the records of these indices in bulk; if one is faulty, halve until each is parsed or left out alone."""
    tf = import_tensorflow()

    if not indices:
        return
    try:
        yield indices, _parse([records[index] for index in indices], columns, label_needed=False)
    except tf.errors.InvalidArgumentError:
        if len(indices) == 1:
            return
        half = len(indices) // 2
        yield from _parse_each(indices[:half], records, columns)
        yield from _parse_each(indices[half:], records, columns)


def _parse(
    records: Sequence[bytes | None], columns: Iterable[str], label_needed: bool = True
) -> dict[str, npt.NDArray[Any]]:
    """Parse examples in bulk; `record`, `sample` and `context` may be absent from them.

    Raises:
        tf.errors.InvalidArgumentError: one of them lacks another feature, or is not an example.
    """
    tf = import_tensorflow()

    special = {
        "label": tf.io.FixedLenFeature([], tf.int64, None if label_needed else ABSENT),
        "record": tf.io.FixedLenFeature([], tf.string, ""),
        "sample": tf.io.FixedLenFeature([], tf.int64, NO_SAMPLE),
    }
    numbers = tf.io.FixedLenSequenceFeature([], tf.float32, allow_missing=True, default_value=np.nan)
    special |= dict.fromkeys(CONTEXTS, numbers)
    signal = tf.io.FixedLenFeature([SAMPLES], tf.float32)
    spec = {name: special.get(name, signal) for name in columns}
    return {name: values.numpy() for name, values in tf.io.parse_example(tf.constant(records, tf.string), spec).items()}


def _explain(record: bytes | None) -> tuple[str, str]:
    """Say why a record is not an example of a beat: its kind, and a clause for people."""
    if record is None:
        return DAMAGED, "its bytes are not what their checksum says, or there are too many of them"
    features = _features(record)
    if features is None:
        return NO_EXAMPLE, "it is not a tf.Example"
    return _fault(features) or (NO_EXAMPLE, "its features are not of the expected types")


def _features(record: bytes) -> Any | None:
    """Return the features of an example by name; None if it is not one."""
    import_tensorflow()
    from google.protobuf.message import DecodeError
    from tensorflow.core.example import example_pb2

    try:
        with warnings.catch_warnings(record=True) as unread:  # of bytes behind the end of what they begin with
            warnings.simplefilter("always", RuntimeWarning)
            features = example_pb2.Example.FromString(record).features.feature
    except DecodeError:
        return None
    return None if unread else features


def _fault(features: Any) -> tuple[str, str] | None:
    if "signal" not in features:
        return NO_EXAMPLE, "it has no feature signal"
    if features["signal"].WhichOneof("kind") != "float_list":
        return NO_EXAMPLE, "its feature signal is no list of floats"
    samples = len(features["signal"].float_list.value)
    if samples != SAMPLES:
        return WRONG_LENGTH, f"it has {samples} samples, expected {SAMPLES}"
    for name, kind in SCALARS.items():
        if name in features and (
            features[name].WhichOneof("kind") != kind or len(getattr(features[name], kind).value) != 1
        ):
            return NO_EXAMPLE, f"its feature {name} is not one value of {kind}"
    return None
