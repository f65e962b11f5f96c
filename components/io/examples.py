"""Beats to tf.Examples and back: `signal` float_list[187], `label` int64_list[1] and, where known, `record` bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES, SAMPLES, Beats

READ_EXAMPLES: Final = 4096
"""Examples parsed at a time: 3 MB of signal."""

SIGNAL_BYTES: Final = 4 * SAMPLES

BYTES_LIST, FLOAT_LIST, INT64_LIST = 1, 2, 3
"""Field numbers in tf.train.Feature."""


def encode_examples(beats: Beats) -> list[bytes]:
    """Encodes beats as serialized tf.Examples, in order, by filling in a template.

    Two examples of one record (or of none) differ only in the bytes of label and samples, whose places are fixed.

    Raises:
        ValueError: a label is not an index into CLASSES.
    """
    if len(beats) and not 0 <= beats.label.min() <= beats.label.max() < len(CLASSES):
        raise ValueError(f"labels {beats.label.min()}..{beats.label.max()}, must be within 0..{len(CLASSES) - 1}")
    if beats.record is None:
        return _fill(None, beats.signal, beats.label)
    names, place = np.unique(np.array(beats.record, np.str_), return_inverse=True)
    encoded = [b""] * len(beats)
    for index, name in enumerate(names):
        rows = np.flatnonzero(place == index)
        for row, example in zip(rows, _fill(str(name), beats.signal[rows], beats.label[rows]), strict=True):
            encoded[row] = example
    return encoded


def _fill(record: str | None, signal: npt.NDArray[np.float32], label: npt.NDArray[np.int64]) -> list[bytes]:
    template, label_at = _template(record)
    filled = np.tile(np.frombuffer(template, np.uint8), (len(label), 1))  # (n, bytes of an example)
    filled[:, label_at] = label
    filled[:, -SIGNAL_BYTES:] = np.ascontiguousarray(signal, "<f4").view(np.uint8)
    text, length = filled.tobytes(), len(template)
    return [text[at : at + length] for at in range(0, len(text), length)]


def _template(record: str | None) -> tuple[bytes, int]:
    """The example of a beat of zeros, and where its label's byte is; the samples are its last bytes."""
    label = _feature(b"label", INT64_LIST, _field(1, b"\0"))
    known = b"" if record is None else _feature(b"record", BYTES_LIST, _field(1, record.encode()))
    signal = _feature(b"signal", FLOAT_LIST, _field(1, bytes(SIGNAL_BYTES)))
    example = _field(1, label + known + signal)
    return example, len(example) - len(signal) - len(known) - 1


def _feature(name: bytes, kind: int, values: bytes) -> bytes:
    """One entry of the map tf.train.Features.feature."""
    return _field(1, _field(1, name) + _field(2, _field(kind, values)))


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited protocol buffer field."""
    length, size = b"", len(content)
    while size >= 0x80:
        length += bytes([size & 0x7F | 0x80])
        size >>= 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + content


def example_files(split_dir: str) -> list[str]:
    """The files of a split, in the order in which their rows count.

    Args:
        split_dir: folder or URI of one split, such as `.../Split-train`.
    """
    import tensorflow as tf

    files: list[str] = sorted(tf.io.gfile.glob(f"{split_dir}/data_tfrecord-*"))
    return files


def read_examples(split_dir: str) -> Beats:
    """Reads all beats of a split, files in the order of their names.

    Args:
        split_dir: folder or URI of one split, such as `.../Split-train`.

    Returns:
        The beats; their records only if every one of them has one.
    """
    parts = list(_parsed_batches(example_files(split_dir)))
    signal = np.concatenate([np.empty((0, SAMPLES), np.float32), *(part["signal"] for part in parts)])
    label = np.concatenate([np.empty((0,), np.int64), *(part["label"] for part in parts)])
    record = tuple(name.decode() for part in parts for name in part["record"].tolist())
    return Beats(signal, label, record if record and all(record) else None)


def _parsed_batches(files: list[str]) -> Iterator[dict[str, npt.NDArray[Any]]]:
    import tensorflow as tf

    features = {
        "signal": tf.io.FixedLenFeature([SAMPLES], tf.float32),
        "label": tf.io.FixedLenFeature([], tf.int64),
        "record": tf.io.FixedLenFeature([], tf.string, default_value=""),
    }
    for batch in tf.data.TFRecordDataset(files).batch(READ_EXAMPLES):
        yield {name: value.numpy() for name, value in tf.io.parse_example(batch, features).items()}
