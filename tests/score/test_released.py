"""The model that comes with the package: what it is, and that it answers a recording where nothing was pushed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import wfdb

from components.beats.context import CONTEXT_FORM
from components.io.artifact_files import SIDECAR_DIR
from components.io.serving import METRICS, MODEL_CARD, ServingDirectory
from components.score.engines.engine import check_visible
from components.score.model import RELEASED, find_model, is_synthetic, model_place
from tests.recordings.archives import simulated, write_record
from tests.score.jobs import read_parts

EXAMPLE = Path("components/recordings/example").absolute()
PLACE = Path(model_place(RELEASED))


def test_it_reads_the_context_that_this_version_computes_and_is_small():
    model = find_model(None, "nowhere", or_released=True)
    assert model.released
    assert model.context == CONTEXT_FORM
    assert model == find_model(RELEASED, "unused")
    assert sum(file.stat().st_size for file in PLACE.rglob("*") if file.is_file()) < 2_000_000


def test_its_card_says_what_it_learnt_from_and_what_it_is_not_for():
    card = (PLACE / SIDECAR_DIR / MODEL_CARD).read_text(encoding="utf-8")
    for said in ("There is no test split", "96 records", "Not a medical device", "atrial fibrillation", "aced"):
        assert said in card
    assert not is_synthetic(RELEASED)


def test_a_model_of_simulated_beats_answers_only_where_it_is_named(tmp_path):
    pushed = tmp_path / "1"
    shutil.copytree(PLACE, pushed)
    assert find_model(None, str(tmp_path), or_released=True).uri == str(pushed)
    metrics = json.loads((pushed / SIDECAR_DIR / METRICS).read_text())
    (pushed / SIDECAR_DIR / METRICS).write_text(json.dumps({**metrics, "synthetic": True}))
    assert find_model(None, str(tmp_path), or_released=True).released
    assert find_model(None, str(tmp_path)).uri == find_model(str(pushed), "").uri == str(pushed)


def test_a_recording_of_few_beats_is_unlike_what_a_model_of_context_learnt_from(tmp_path):
    for name, beats in (("short", 12), ("long", 150)):
        write_record(tmp_path, name, simulated(1, beats)[0][:, None])
    flags = ["--input", f"{tmp_path}/*.hea", "--output", "out", "--workers", "1"]
    done = heartbeat(tmp_path, "score", *flags)
    assert done.returncode == 0, done.stderr
    [table] = [pq.read_table(path) for path in (tmp_path / "out" / "recordings").iterdir()]
    unlike = dict(zip(table["record"].to_pylist(), table["unlike"].to_pylist(), strict=True))
    assert unlike["short"].startswith("the context of its beats is made of ")
    assert not (unlike["long"] or "").startswith("the context")


def heartbeat(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from pipeline.cli import run; run()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder)


def test_a_recording_is_annotated_where_nothing_was_pushed(tmp_path):
    flags = ["--input", str(EXAMPLE), "--output", "out", "--annotations", "pred", "--workers", "1"]
    done = heartbeat(tmp_path, "score", *flags)
    assert done.returncode == 0, done.stderr
    released = find_model(RELEASED, "").short_digest
    assert f"Nothing that was trained on real beats is in output/serving. The released model {released}" in done.stderr
    assert ", released" in done.stdout
    assert "SYNTHETIC" not in done.stdout + done.stderr
    assert json.loads((tmp_path / "out" / "job.json").read_text())["model_place"] == RELEASED
    annotated = wfdb.rdann(str(tmp_path / "out" / "annotations" / "223-minute-13"), "pred")
    assert {"N", "V"} <= set(annotated.symbol)
    assert read_parts(tmp_path / "out").num_rows > 70
    made = heartbeat(tmp_path, "report", "out")
    assert made.returncode == 0, made.stderr
    page = (tmp_path / "out" / "report" / "index.html").read_text(encoding="utf-8")
    assert "share in training" in page
    assert f"Model {find_model(RELEASED, '').short_digest}, released." in page
    assert "SYNTHETIC" not in page


def test_what_was_pushed_comes_first(tmp_path, saved_model):
    ServingDirectory(str(tmp_path)).push(Path(saved_model.uri), lambda: 5.0)
    assert find_model(None, str(tmp_path), or_released=True).uri == f"{tmp_path}/5"
    assert find_model(RELEASED, str(tmp_path)).released


def test_workers_elsewhere_have_their_own(tmp_path):
    check_visible(["s3://bucket/in"], "s3://bucket/out", RELEASED, assume_shared=False)
    with pytest.raises(Exception, match="do not see"):
        check_visible(["s3://bucket/in"], "s3://bucket/out", str(tmp_path), assume_shared=False)
