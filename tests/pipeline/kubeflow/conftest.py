"""A compiled pipeline, and beats for it."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.beat import CLASSES, SAMPLES
from pipeline.kubeflow.spec import Target, compile_spec
from pipeline.settings import settings_from

TARGET = Target(
    image="registry.example/heartbeat:1.2.3",
    data="s3://beats/kaggle",
    pipeline_root="minio://mlpipeline/v2/artifacts",
    serving="s3://mlpipeline/serving",
)


@pytest.fixture(scope="session")
def spec() -> dict[str, Any]:
    return compile_spec(settings_from("full"), TARGET)


@pytest.fixture
def beats(tmp_path: Path) -> Path:
    folder = tmp_path / "beats"
    folder.mkdir()
    random = np.random.default_rng(7)
    for name, rows in (("mitbih_train.csv", 300), ("mitbih_test.csv", 100)):
        labels = itertools.islice(itertools.cycle(range(len(CLASSES))), rows)
        lines = [",".join(f"{value:.4f}" for value in (*random.random(SAMPLES), label)) for label in labels]
        (folder / name).write_text("\n".join(lines) + "\n", encoding="ascii")
    return folder
