"""The columns of a scored row, as schema/prediction.json documents them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES
from components.io.beat_block import NO_SAMPLE, BeatBlock
from components.score.model import Answers

if TYPE_CHECKING:
    import pyarrow as pa


def prediction_schema() -> pa.Schema:
    """The columns and their types; record, sample and label may be null."""
    import pyarrow as pa

    return pa.schema(
        [
            pa.field("file", pa.string(), nullable=False),
            pa.field("row", pa.int64(), nullable=False),
            pa.field("record", pa.string()),
            pa.field("sample", pa.int64()),
            pa.field("label", pa.int8()),
            pa.field("predicted", pa.int8(), nullable=False),
            pa.field("symbol", pa.string(), nullable=False),
            *(pa.field(f"p_{symbol}", pa.float32(), nullable=False) for symbol in CLASSES),
            pa.field("abstain", pa.bool_(), nullable=False),
            pa.field("model", pa.string(), nullable=False),
        ]
    )


def prediction_columns(file: str, block: BeatBlock, answers: Answers, model: str) -> tuple[pa.Table, npt.NDArray]:
    """Puts beats and answers side by side.

    Args:
        file: the input file.
        block: n beats.
        answers: about the same n beats, every probability finite.
        model: 12 hex digits of its digest.

    Returns:
        The table of n rows, and the predicted classes int64[n].
    """
    import pyarrow as pa

    count = len(block.rows)
    predicted = answers.probabilities.argmax(axis=1)
    columns = [
        pa.repeat(pa.scalar(file, pa.string()), count),
        pa.array(block.rows, pa.int64()),
        pa.nulls(count, pa.string()) if block.record is None else pa.array(block.record, pa.string()),
        pa.nulls(count, pa.int64())
        if block.sample is None
        else pa.array(block.sample, pa.int64(), mask=block.sample == NO_SAMPLE),
        pa.nulls(count, pa.int8()) if block.label is None else pa.array(block.label.astype(np.int8)),
        pa.array(predicted.astype(np.int8)),
        pa.array(CLASSES, pa.string()).take(pa.array(predicted)),
        *(pa.array(np.ascontiguousarray(answers.probabilities[:, at])) for at in range(len(CLASSES))),
        pa.array(answers.abstain),
        pa.repeat(pa.scalar(model, pa.string()), count),
    ]
    return pa.Table.from_arrays(columns, schema=prediction_schema()), predicted
