"""The worker image: small, without TensorFlow, and what its workers score without any rights."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from components import recordings
from components.beat import SAMPLES
from components.io.artifact_files import SIDECAR_DIR
from components.push.precision import write_float32
from components.train.served import is_native
from tests.image.test_image import megabytes, run
from tests.score.inputs import write_formats
from tests.score.jobs import write_csv

pytestmark = pytest.mark.image

MOST_MB = 700
INT8 = pytest.param(
    "int8", marks=pytest.mark.skipif(not is_native("int8"), reason="this processor does not compute int8")
)


@pytest.fixture(scope="module")
def model(worker, quantised_model):
    folder = worker.sandbox.scratch / "1700000000"
    shutil.copytree(quantised_model, folder.with_name("1600000000"))
    shutil.copytree(quantised_model, folder)
    write_float32(folder)
    (folder / SIDECAR_DIR / "precisions.json").write_text(json.dumps({"int8": {"refused": None}}))
    for name in ("beam_job.py", "score_job.py"):
        shutil.copy(Path(__file__).with_name(name), worker.sandbox.scratch)


def scored(worker, source, precision, model="1700000000"):
    """Score once by a pool's worker and once in the job's own process: the sentences and digests of each."""
    return json.loads(
        run(worker, "python", "/tmp/score_job.py", f"/tmp/{source}", precision, f"/tmp/{model}").splitlines()[-1]
    )


def test_it_is_small_and_has_no_tensorflow(worker):
    assert megabytes(worker.root) <= MOST_MB
    [packages] = (worker.root / "opt/heartbeat/lib").glob("python*/site-packages")
    assert not [name for name in ("tensorflow", "keras", "tfx", "matplotlib") if (packages / name).exists()]
    assert "--provision_endpoint" in run(worker)  # what heartbeat-worker says of itself


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("source", ["plain.csv", "list.parquet", "example"])
@pytest.mark.parametrize("precision", ["float32", INT8])
def test_its_workers_score_tables_and_recordings_to_the_same_bytes(worker, source, precision):
    scratch = worker.sandbox.scratch
    if source == "example":
        shutil.copytree(Path(recordings.__file__).with_name(source), scratch / source, dirs_exist_ok=True)
    else:
        write_formats(scratch, np.random.default_rng(0).random((500, SAMPLES), np.float32), np.arange(500) % 5)
    by_pool, here = scored(worker, source, precision)
    sentences, digests = by_pool
    assert sentences == []
    assert digests
    assert here == by_pool


@pytest.mark.usefixtures("model")
def test_what_needs_tensorflow_is_refused_in_words(worker):
    write_csv(worker.sandbox.scratch / "b.csv", 5)
    for sentences, _ in scored(worker, "b.csv", "float32", "1600000000"):  # pushed without float32.xml
        assert any("There is no TensorFlow here" in sentence for sentence in sentences)
