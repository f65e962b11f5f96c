"""TFRecord of tf.Example as blocks of beats."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from components.beat import SAMPLES
from components.io.beat_block import NO_SAMPLE, WRONG_LENGTH, BeatBlock, check_values, no_text
from components.io.files import InputFile
from components.io.rejects import Reject
from components.io.tfrecord import read_frames

DAMAGED: Final = "damaged record"
NO_EXAMPLE: Final = "no example of a beat"
LABEL_UNWANTED: Final = "label where none is expected"

NONE: Final = -1
"""What stands for a label or sample that an example lacks; no label or sample is negative."""


def tfrecord_has_labels(file: InputFile) -> bool | None:
    """Whether the first well-formed example has a label; None if there is no such example.

    Raises:
        DataRefused: the file cannot be read, or is cut off.
    """
    for record in read_frames(file):
        features = _features(record) if record is not None else None
        if features is not None and _fault(features) is None:
            return "label" in features
    return None


def read_tfrecord(file: InputFile, labelled: bool, block_rows: int) -> Iterator[BeatBlock]:
    """Yield the file's rows, `block_rows` at a time.

    Raises:
        DataRefused: the file cannot be read, or is cut off.
    """
    records, row = read_frames(file), 0
    while some := list(islice(records, block_rows)):
        yield _block(row, some, labelled)
        row += len(some)


def _block(first_row: int, records: list[bytes | None], labelled: bool) -> BeatBlock:
    rejects: list[Reject] = []
    fields: dict[str, npt.NDArray[Any]] = {
        "signal": np.full((len(records), SAMPLES), np.nan, np.float32),
        "label": np.full(len(records), NONE, np.int64),
        "record": np.full(len(records), b"", object),
        "sample": np.full(len(records), NO_SAMPLE, np.int64),
    }
    present = [at for at, record in enumerate(records) if record is not None]
    read = np.zeros(len(records), bool)
    for places, parsed in _parsed(present, [record for record in records if record is not None]):
        for name, values in parsed.items():
            fields[name][places] = values
        read[places] = True
    for at in np.flatnonzero(~read).tolist():
        kind, reason = _explain(records[at])
        rejects.append(Reject(first_row + at, kind, reason, None))
    label = np.where(fields["label"] == NONE, np.nan, fields["label"])
    valid, faulty = check_values(fields["signal"], label if labelled else None, first_row)
    rejects += [each for each in faulty if read[each.row - first_row]]
    valid &= read
    if not labelled:
        for at in np.flatnonzero(valid & (fields["label"] != NONE)).tolist():
            rejects.append(Reject(first_row + at, LABEL_UNWANTED, f"it has label {fields['label'][at]}", None))
        valid &= fields["label"] == NONE
    return BeatBlock(
        signal=fields["signal"][valid],
        label=fields["label"][valid] if labelled else None,
        record=_names(fields["record"][valid]),
        sample=fields["sample"][valid],
        rows=first_row + np.flatnonzero(valid),
        rejects=tuple(sorted(rejects, key=lambda reject: reject.row)),
        text=no_text,
    )


def _names(names: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """Record names as text, None where there is none."""
    known, place = np.unique(names.astype(bytes), return_inverse=True)
    texts = np.array([name.decode("utf-8", "backslashreplace") or None for name in known.tolist()], object)
    return texts[place]


def _parsed(places: list[int], records: list[bytes]) -> Iterator[tuple[list[int], dict[str, npt.NDArray[Any]]]]:
    """Parses examples in bulk; where one is faulty, halves until each is read or alone, and left out."""
    import tensorflow as tf

    if not records:
        return
    spec = {
        "signal": tf.io.FixedLenFeature([SAMPLES], tf.float32),
        "label": tf.io.FixedLenFeature([], tf.int64, NONE),
        "record": tf.io.FixedLenFeature([], tf.string, ""),
        "sample": tf.io.FixedLenFeature([], tf.int64, NO_SAMPLE),
    }
    try:
        parsed = tf.io.parse_example(tf.constant(records), spec)
        yield places, {name: values.numpy() for name, values in parsed.items()}
    except tf.errors.InvalidArgumentError:
        if len(records) == 1:
            return
        half = len(records) // 2
        yield from _parsed(places[:half], records[:half])
        yield from _parsed(places[half:], records[half:])


def _explain(record: bytes | None) -> tuple[str, str]:
    """Why a record is not an example of a beat: its kind, and a clause for people."""
    if record is None:
        return DAMAGED, "its bytes are not what their checksum says, or there are too many of them"
    features = _features(record)
    if features is None:
        return NO_EXAMPLE, "it is not a tf.Example"
    return _fault(features) or (NO_EXAMPLE, "its features are not of the expected types")


def _features(record: bytes) -> Any | None:
    """The features of an example by name; None if it is none."""
    from google.protobuf.message import DecodeError
    from tensorflow.core.example import example_pb2

    try:
        return example_pb2.Example.FromString(record).features.feature
    except DecodeError:
        return None


def _fault(features: Any) -> tuple[str, str] | None:
    if "signal" not in features:
        return NO_EXAMPLE, "it has no feature signal"
    if features["signal"].WhichOneof("kind") != "float_list":
        return NO_EXAMPLE, "its feature signal is no list of floats"
    samples = len(features["signal"].float_list.value)
    if samples != SAMPLES:
        return WRONG_LENGTH, f"it has {samples} samples, expected {SAMPLES}"
    for name, kind in (("label", "int64_list"), ("record", "bytes_list"), ("sample", "int64_list")):
        if name in features and (
            features[name].WhichOneof("kind") != kind or len(getattr(features[name], kind).value) != 1
        ):
            return NO_EXAMPLE, f"its feature {name} is not one value of {kind}"
    return None
