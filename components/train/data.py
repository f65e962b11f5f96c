"""What a stage trains on: the beats of both splits as matrices on the local disk, and Transform's normalisation.

Reading compressed examples once instead of in each epoch saves a tenth of the time. Picking rows from a matrix shuffles
a file that is sorted by class as well as any other, and a mapped file needs no more memory than the system can spare.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from components.beat import SAMPLES
from components.errors import DataRefused
from components.io.examples import read_columns
from components.io.storage import list_files
from components.train.keras_private import without_other_outputs

if TYPE_CHECKING:
    from tensorflow.types.experimental import ConcreteFunction
    from tfx.components.trainer.fn_args_utils import FnArgs


@dataclass(frozen=True)
class Spool:
    """The beats of one split.

    Attributes:
        columns: name -> float32[n, 187], mapped from disk.
        label: int64[n].
    """

    columns: Mapping[str, npt.NDArray[np.float32]]
    label: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.label)


def spool_examples(patterns: Sequence[str], columns: Sequence[str], folder: Path) -> Spool:
    """Write columns of transformed examples into flat files and map them.

    Args:
        patterns: file patterns of TFRecords, gzip where the name ends in .gz; read in the order of their names.
        columns: names of features of 187 floats.
        folder: a local folder to make; it must outlive the spool.

    Raises:
        DataRefused: no file matches, or the files hold no example.
    """
    files = sorted((file for pattern in patterns for file in list_files(pattern)), key=lambda file: file.path)
    labels = []
    folder.mkdir()
    outputs = {name: (folder / f"{name}.f32").open("wb") for name in columns}
    for block in read_columns(files, (*columns, "label")):
        labels.append(block["label"])
        for name, output in outputs.items():
            output.write(block[name].tobytes())
    for output in outputs.values():
        output.close()
    if not labels:
        raise DataRefused(f"No example in {', '.join(patterns)}: there is nothing to train on; look at its rows.")
    label = np.concatenate(labels)
    shape = (len(label), SAMPLES)
    mapped = {name: np.memmap(folder / f"{name}.f32", np.float32, "r", shape=shape) for name in columns}
    return Spool(mapped, label)


@dataclass(frozen=True)
class TrainingData:
    """The input of a stage that trains.

    Attributes:
        train: column `clean`, samples in 0..1.
        validation: the eval split; columns `clean`, samples in 0..1, and `signal` and `noisy`, normalised.
        normalise: float32[n, 187] in 0..1 -> normalised.
    """

    train: Spool
    validation: Spool
    normalise: ConcreteFunction


def load_data(fn_args: FnArgs, scratch: str) -> TrainingData:
    """Read what TFX passes to a stage.

    Args:
        fn_args: `train_files`, `eval_files` (patterns of transformed examples) and `transform_graph_path`.
        scratch: an empty local folder that outlives the data.

    Raises:
        DataRefused: a split without examples.
    """
    return TrainingData(
        train=spool_examples(fn_args.train_files, ("clean",), Path(scratch, "train")),
        validation=spool_examples(fn_args.eval_files, ("clean", "signal", "noisy"), Path(scratch, "eval")),
        normalise=load_normalise(fn_args.transform_graph_path),
    )


def load_all_beats(fn_args: FnArgs, scratch: str) -> Spool:
    """Read the beats of both splits, column `clean`, to train on once the eval split has served its purpose."""
    return spool_examples([*fn_args.train_files, *fn_args.eval_files], ("clean",), Path(scratch, "all"))


def load_normalise(transform_graph: str) -> ConcreteFunction:
    """Load the part of Transform's graph that normalises: float32[n, 187] in 0..1 -> float32[n, 187].

    The graph also makes noise, none of which may be in a model that is served.

    Args:
        transform_graph: directory of a Transform output (its transform_graph artifact).
    """
    import tensorflow as tf
    from tensorflow_transform.output_wrapper import TFTransformOutput

    layer = TFTransformOutput(transform_graph).transform_features_layer()
    beats = tf.TensorSpec((None, SAMPLES), tf.float32, "signal")
    traced = tf.function(lambda signal: layer({"signal": signal})["signal"]).get_concrete_function(beats)
    return without_other_outputs(traced)
