"""Training data of a stage: the beats of both splits as matrices on the local disk, and Transform's normalisation.

Reading compressed examples once instead of in each epoch saves a tenth of the time. Picking rows from a matrix shuffles
a file that is sorted by class as well as any other, and a mapped file needs no more memory than the system can spare.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

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

    from components.train.settings import NetworkSettings


@dataclass(frozen=True)
class Spool:
    """The beats of one split.

    Attributes:
        columns: name -> float32[n, 187], or float32[n, k] of context, mapped from disk.
        label: int64[n].
    """

    columns: Mapping[str, npt.NDArray[np.float32]]
    label: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.label)


def spool_examples(patterns: Sequence[str], columns: Mapping[str, str], folder: Path) -> Spool:
    """Write features of transformed examples into flat files and map them.

    Args:
        patterns: file patterns of TFRecords, gzip if the name ends in .gz; read in the order of their names.
        columns: name of a column -> name of a feature of floats, equally many in each example.
        folder: a local folder to make; it must outlive the spool.

    Raises:
        DataRefused: no file matches, or the files hold no example.
    """
    files = sorted((file for pattern in patterns for file in list_files(pattern)), key=lambda file: file.path)
    labels = []
    folder.mkdir()
    outputs = {name: (folder / f"{name}.f32").open("wb") for name in columns}
    widths = dict.fromkeys(columns, SAMPLES)
    for block in read_columns(files, (*{*columns.values()}, "label")):
        labels.append(block["label"])
        for name, output in outputs.items():
            values = block[columns[name]]
            widths[name] = values.shape[1]
            output.write(values.tobytes())
    for output in outputs.values():
        output.close()
    if not labels:
        raise DataRefused(f"No example in {', '.join(patterns)}: there is nothing to train on; look at its rows.")
    label = np.concatenate(labels)
    mapped = {
        name: np.memmap(folder / f"{name}.f32", np.float32, "r", shape=(len(label), widths[name])) for name in columns
    }
    return Spool(mapped, label)


@dataclass(frozen=True)
class TrainingData:
    """The input of a stage that trains.

    Attributes:
        train: column `clean`, samples in 0..1, or the unchanged context of beats.
        validation: the eval split; columns `clean`, likewise, and `signal` and `noisy`, normalised. For context, which
            gets no noise, these two are the same.
        normalise: column `clean` -> normalised.
    """

    train: Spool
    validation: Spool
    normalise: ConcreteFunction

    @property
    def width(self) -> int:
        """Number of values that a network reads per beat."""
        return self.train.columns["clean"].shape[1]


SIGNAL: Final = {"clean": "clean", "signal": "signal", "noisy": "noisy"}
CONTEXT: Final = {"clean": "clean_context", "signal": "context", "noisy": "context"}
"""Column of a spool -> Transform's output, for networks that read samples and for those that read context."""


def load_data(fn_args: FnArgs, scratch: str, network: NetworkSettings) -> TrainingData:
    """Read what TFX passes to a stage.

    Args:
        fn_args: `train_files`, `eval_files` (patterns of transformed examples) and `transform_graph_path`.
        scratch: an empty local folder that outlives the data.
        network: the one to train.

    Raises:
        DataRefused: a split without examples, or examples without the context that the network reads.
    """
    columns = CONTEXT if network.reads_context else SIGNAL
    return TrainingData(
        normalise=load_normalise(fn_args.transform_graph_path, columns["signal"]),
        train=spool_examples(fn_args.train_files, {"clean": columns["clean"]}, Path(scratch, "train")),
        validation=spool_examples(fn_args.eval_files, columns, Path(scratch, "eval")),
    )


def load_all_beats(fn_args: FnArgs, scratch: str, network: NetworkSettings) -> Spool:
    """Read the beats of both splits, column `clean`, to train on after the eval split has served its purpose."""
    columns = CONTEXT if network.reads_context else SIGNAL
    files = [*fn_args.train_files, *fn_args.eval_files]
    return spool_examples(files, {"clean": columns["clean"]}, Path(scratch, "all"))


def load_normalise(transform_graph: str, feature: str = "signal") -> ConcreteFunction:
    """Load the part of Transform's graph that normalises a feature: float32[n, width] -> float32[n, width].

    The graph also makes noise, which must not be in a served model.

    Args:
        transform_graph: directory of a Transform output (its transform_graph artifact).
        feature: `signal`, in 0..1, or `context`.

    Raises:
        DataRefused: the examples have no such feature.
    """
    import tensorflow as tf
    from tensorflow_transform.output_wrapper import TFTransformOutput

    output = TFTransformOutput(transform_graph)
    outputs = output.transformed_feature_spec()
    if feature not in outputs:
        wanted = "true" if feature == "context" else "false"
        raise DataRefused(f"The network reads the {feature} of beats, which is not here: set data.context={wanted}.")
    layer = output.transform_features_layer()
    beats = tf.TensorSpec((None, *outputs[feature].shape), tf.float32, feature)
    traced = tf.function(lambda values: layer({feature: values})[feature]).get_concrete_function(beats)
    return without_other_outputs(traced)
