"""What every stage that trains starts from: the beats of both splits, and Transform's normalisation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from components.train.normalise import load_normalise
from components.train.spool import Spool, spool_examples

if TYPE_CHECKING:
    from tensorflow.types.experimental import ConcreteFunction
    from tfx.components.trainer.fn_args_utils import FnArgs


@dataclass(frozen=True)
class Material:
    """The input of a stage that trains.

    Attributes:
        train: column `clean`, samples in 0..1.
        validation: the eval split; columns `clean`, samples in 0..1, and `signal` and `noisy`, normalised.
        normalise: float32[n, 187] in 0..1 -> normalised.
    """

    train: Spool
    validation: Spool
    normalise: ConcreteFunction


def load_everything(fn_args: FnArgs, scratch: str) -> Spool:
    """The beats of both splits, column `clean`, to train on when the eval split has served its purpose.

    Args:
        fn_args: as of `load_material`.
        scratch: a local folder that outlives the spool.

    Raises:
        DataRefused: no example.
    """
    return spool_examples([*fn_args.train_files, *fn_args.eval_files], ("clean",), Path(scratch, "all"))


def load_material(fn_args: FnArgs, scratch: str) -> Material:
    """Read what TFX hands to a stage.

    Args:
        fn_args: `train_files`, `eval_files` (patterns of transformed examples) and `transform_graph_path`.
        scratch: an empty local folder that outlives the material.

    Raises:
        DataRefused: a split without examples.
    """
    return Material(
        train=spool_examples(fn_args.train_files, ("clean",), Path(scratch, "train")),
        validation=spool_examples(fn_args.eval_files, ("clean", "signal", "noisy"), Path(scratch, "eval")),
        normalise=load_normalise(fn_args.transform_graph_path),
    )
