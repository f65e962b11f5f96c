"""Small beats through a real Transform, and one run of each stage that trains, shared by the tests of this folder."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tfx.components.trainer.fn_args_utils import FnArgs

from components.beat import CLASSES, SAMPLES
from components.beats.context import CONTEXT_NAMES
from components.train import finetuner, trainer
from components.train.settings import (
    FineTunerConfig,
    FineTuneSettings,
    NetworkSettings,
    TrainerConfig,
    TrainSettings,
)
from components.transform.settings import TransformSettings
from tests.transform.transform_run import run_transform

TRAIN = TrainSettings(
    network=NetworkSettings(towers=2, stem_filters=4, block_filters=(6,), head_units=8),
    epochs=3,
    batch=16,
    learning_rate=5e-3,
    seed=4,
)
FINETUNE = FineTuneSettings(head_epochs=2, epochs=2, refit_epochs=0)


def make_beats(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Beats whose class shows: a bump whose place is the label's. float32[n, 187] in 0..1 and int64[n], sorted."""
    rng = np.random.default_rng(seed)
    label = np.sort(rng.integers(0, len(CLASSES), count))
    place = 20 + 25 * label[:, None] + rng.normal(0, 2, (count, 1))
    signal = np.exp(-(((np.arange(SAMPLES) - place) / 8) ** 2)) + 0.05 * rng.random((count, SAMPLES))
    signal[:, 160:] = 0
    return (signal / signal.max(axis=1, keepdims=True)).astype(np.float32), label


def write_examples(rows: list[dict], file: Path) -> None:
    file.parent.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(file), tf.io.TFRecordOptions("GZIP")) as writer:
        for row in rows:
            features = {
                name: tf.train.Feature(float_list=tf.train.FloatList(value=row[name])) for name in set(row) - {"label"}
            }
            features["label"] = tf.train.Feature(int64_list=tf.train.Int64List(value=[row["label"]]))
            writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())


def make_context(label: np.ndarray, seed: int) -> np.ndarray:
    """A context in which the class shows: float32[n, k] of the k numbers that a beat's context has."""
    numbers = len(CONTEXT_NAMES)
    place = np.arange(numbers) % len(CLASSES) == label[:, None]
    return (100 + 5 * place + np.random.default_rng(seed).normal(size=(len(label), numbers))).astype(np.float32)


@pytest.fixture(scope="session")
def transformed(tmp_path_factory) -> Path:
    """A folder with `graph` and gzipped examples in `Split-train` (two files) and `Split-eval`."""
    return _transform(tmp_path_factory.mktemp("transformed"), with_context=False)


@pytest.fixture(scope="session")
def transformed_context(tmp_path_factory) -> Path:
    """The same of beats with context."""
    return _transform(tmp_path_factory.mktemp("transformed_context"), with_context=True)


def _transform(folder: Path, *, with_context: bool) -> Path:
    signal, label = make_beats(360, 1)
    rows = run_transform(signal, label, TransformSettings(), folder, make_context(label, 1) if with_context else None)
    order = np.random.default_rng(0).permutation(len(rows))
    held_out = set(order[:80].tolist())
    train = [row for number, row in enumerate(rows) if number not in held_out]  # still sorted by class
    write_examples(train, folder / "Split-train" / "transformed_examples-00000-of-00001.gz")
    write_examples([rows[number] for number in held_out], folder / "Split-eval" / "transformed_examples.gz")
    return folder


@pytest.fixture(scope="session")
def fn_args_for(transformed) -> Callable[..., FnArgs]:
    """What TFX hands to a stage, with its own outputs in a folder."""

    def make(folder: Path, config: object, data: Path = transformed, **more: object) -> FnArgs:
        return FnArgs(
            train_files=[f"{data}/Split-train/*"],
            eval_files=[f"{data}/Split-eval/*"],
            transform_graph_path=f"{data}/graph",
            serving_model_dir=f"{folder}/model/Format-Serving",
            model_run_dir=f"{folder}/run",
            custom_config={"settings": config.model_dump_json(), "code_digest": "none"},
            **more,
        )

    return make


@pytest.fixture(scope="session")
def trained(tmp_path_factory, fn_args_for) -> Path:
    """The folder of a Trainer's run, its lines of progress in `progress.jsonl`."""
    folder = tmp_path_factory.mktemp("trainer")
    logger, handler = logging.getLogger("heartbeat.progress"), logging.FileHandler(folder / "progress.jsonl")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    trainer.run_fn(fn_args_for(folder, TrainerConfig(train=TRAIN)))
    logger.removeHandler(handler)
    handler.close()
    return folder


@pytest.fixture(scope="session")
def finetuned(tmp_path_factory, fn_args_for, trained) -> Path:
    """The folder of a FineTuner's run on the trained model."""
    folder = tmp_path_factory.mktemp("finetuner")
    config = FineTunerConfig(train=TRAIN, finetune=FINETUNE)
    finetuner.run_fn(fn_args_for(folder, config, base_model=f"{trained}/model/Format-Serving"))
    return folder
