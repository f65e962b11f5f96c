"""A job is computed in one precision, decided before job.json, and resumed in no other."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from components import recordings
from components.errors import EnvironmentRefused, HeartbeatError, UsageError
from components.io.artifact_files import FLOAT32_FILE, INT8_FILE, SIDECAR_DIR
from components.io.examples import read_tfrecord
from components.io.serving import model_digest
from components.io.storage import described
from components.push.precision import write_float32
from components.score import model
from components.score.model import RELEASED, ModelRef, ScoringModel, choose_precision, loaded_model, model_place
from components.train.served import is_native
from pipeline.commands.score import show_summary
from tests.score.inputs import write_tfrecord
from tests.score.jobs import digests, loop, read_parts, request, run, score, write_csv

PRECISIONS = {"int8": {"refused": None}, "bfloat16": {"refused": "bfloat16 changes 3.000% of 10 answers."}}


@pytest.fixture(scope="module")
def released(quantised_model, tmp_path_factory) -> ModelRef:
    folder = tmp_path_factory.mktemp("released") / "1700000000"
    shutil.copytree(quantised_model, folder)
    write_float32(folder)
    (folder / SIDECAR_DIR / "precisions.json").write_text(json.dumps(PRECISIONS))
    return ModelRef(str(folder), model_digest(folder))


@pytest.fixture
def native(monkeypatch):
    """A processor that computes every precision."""
    monkeypatch.setattr(model, "is_native", lambda precision: True)


@pytest.mark.usefixtures("native")
def test_auto_is_the_fastest_that_is_released_and_that_processors_are_known_to_have(released, saved_model, monkeypatch):
    assert choose_precision("auto", released.uri, here=True) == "int8"
    assert choose_precision("auto", released.uri, here=False) == "float32"
    assert choose_precision("auto", saved_model.uri, here=True) == "float32"
    monkeypatch.setattr(model, "is_native", lambda precision: False)
    assert choose_precision("auto", released.uri, here=True) == "float32"


@pytest.mark.usefixtures("native")
def test_a_job_that_asks_for_nothing_takes_the_fastest(released, tmp_path):
    write_csv(tmp_path / "a.csv", 5)
    asked = []

    def runner(tasks, ref, follow):
        asked.append(ref.precision)
        return loop()(tasks, ref, follow)

    score(request(tmp_path / "a.csv", output=tmp_path / "out", ref=released), runner)
    assert asked == ["int8"]
    assert json.loads((tmp_path / "out" / "job.json").read_text())["settings"]["precision"] == "int8"


def test_a_damaged_list_of_precisions_is_refused_in_words(released, tmp_path):
    shutil.copytree(released.uri, tmp_path / "1700000000")
    (tmp_path / "1700000000" / SIDECAR_DIR / "precisions.json").write_text('{"int8": ')
    with pytest.raises(UsageError, match=r"precisions.json is damaged \(.*push the model again"):
        choose_precision("auto", str(tmp_path / "1700000000"), here=True)
    assert choose_precision("auto", str(tmp_path / "1700000000"), here=False) == "float32"


def test_what_is_not_released_is_refused_in_words(released, saved_model, tmp_path):
    with pytest.raises(UsageError, match=r"does not come in bfloat16: bfloat16 changes 3.000% of 10 answers. Score"):
        choose_precision("bfloat16", released.uri, here=True)
    with pytest.raises(UsageError, match=r"does not come in int8: What int8 changes was not measured"):
        choose_precision("int8", saved_model.uri, here=True)
    write_csv(tmp_path / "a.csv", 5)
    run(tmp_path / "a.csv", output=tmp_path / "out")
    before = sorted(os.listdir(tmp_path / "out"))
    with pytest.raises(UsageError, match="does not come in int8"):
        run(tmp_path / "a.csv", output=tmp_path / "out", ref=saved_model, existing="overwrite", precision="int8")
    assert sorted(os.listdir(tmp_path / "out")) == before


@pytest.mark.usefixtures("native")
def test_a_job_says_its_precision_and_is_resumed_in_it_alone(released, tmp_path, capsys):
    write_csv(tmp_path / "a.csv", 60)
    asked = []

    def runner(tasks, ref, follow):
        asked.append((ref.precision, {task.settings.precision for task in tasks}))
        return loop(ScoringModel(ref.uri, ref.digest, ref.precision))(tasks, ref, follow)

    def scored(existing, precision):
        return score(
            request(tmp_path / "a.csv", output=tmp_path / "out", existing=existing, ref=released, precision=precision),
            runner,
        )

    summary = scored("refuse", "auto")
    assert asked == [("int8", {"int8"})]
    assert json.loads((tmp_path / "out" / "job.json").read_text())["settings"]["precision"] == "int8"
    assert all(computing.startswith("OpenVINO 2") for computing in summary.computing)
    show_summary(summary)
    [line] = [line for line in capsys.readouterr().out.splitlines() if "computed in" in line]
    assert "int8" in line
    whole = digests(tmp_path / "out")
    with pytest.raises(UsageError, match="precision was int8, now it is float32"):
        scored("resume", "float32")
    next(Path(tmp_path, "out", "shards").iterdir()).unlink()
    assert scored("resume", "auto").exit_code == 0
    assert digests(tmp_path / "out") == whole
    assert read_parts(tmp_path / "out").num_rows == 60


@pytest.mark.usefixtures("native")
def test_auto_goes_on_with_what_the_job_was_begun_with(released, tmp_path):
    write_csv(tmp_path / "a.csv", 5)
    run(tmp_path / "a.csv", output=tmp_path / "out", ref=released, precision="float32")
    summary = run(tmp_path / "a.csv", output=tmp_path / "out", ref=released, existing="resume", precision="auto")
    assert summary.model["precision"] == "float32"


def imports_of(precision: str, model: str, output: Path, *inputs: object) -> set[str]:
    """Score by the command and two workers; return the packages that any of the processes imports."""
    program = (sys.executable, "-W", "ignore", "-c", "from pipeline.cli import run; run()", "score")
    flags = ["--model", model, "--precision", precision, "--output", str(output), "--workers", "2"]
    done = subprocess.run(
        [*program, *flags, *(f"--input={path}" for path in inputs)],
        env={**os.environ, "PYTHONVERBOSE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    names = {name.split(".")[0] for name in re.findall(r"import '([\w.]+)' # <", done.stderr)}
    assert {"apache_beam", "openvino"} <= names
    return names


NEITHER = {"tensorflow", "keras", "tfx", "tfx_bsl", "openvino_telemetry"}
BY_OPENVINO = [
    "float32",
    pytest.param(
        "int8", marks=pytest.mark.skipif(not is_native("int8"), reason="this processor does not compute int8")
    ),
]


@pytest.mark.parametrize("precision", BY_OPENVINO)
def test_tables_are_scored_without_tensorflow_and_clients_of_stores(released, tmp_path, precision):
    for name in "ab":
        write_csv(tmp_path / f"{name}.csv", 20)
    imported = imports_of(precision, released.uri, tmp_path / "out", *(tmp_path / f"{name}.csv" for name in "ab"))
    assert not imported & {*NEITHER, "pandas", "scipy", "wfdb", "boto3", "apitools", "hdfs", "regex", "IPython"}
    assert read_parts(tmp_path / "out").num_rows == 40


def test_recordings_are_scored_without_tensorflow(tmp_path):
    imported = imports_of("float32", RELEASED, tmp_path / "out", Path(recordings.__file__).with_name("example"))
    assert not imported & NEITHER
    assert "wfdb" in imported


def test_what_needs_tensorflow_is_refused_in_words_where_there_is_none(released, saved_model, tmp_path, monkeypatch):
    write_tfrecord(tmp_path / "a.tfrecord", np.zeros((1, 187), np.float32), np.zeros(1, np.int64))
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    monkeypatch.setattr(model, "_loaded", {})
    for needing in (
        lambda: loaded_model(saved_model),
        lambda: next(read_tfrecord(described(str(tmp_path / "a.tfrecord")), True, 1)),
    ):
        with pytest.raises(
            EnvironmentRefused, match=r"no TensorFlow here, .*the full image.* --precision float32\)\.$"
        ):
            needing()
    assert loaded_model(released).engine.startswith("OpenVINO ")


@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
def test_a_processor_without_the_instructions_is_refused(released, monkeypatch, precision):
    monkeypatch.setattr(model, "_loaded", {})
    monkeypatch.setattr(model, "is_native", lambda precision: False)
    with pytest.raises(HeartbeatError, match=f"does not compute {precision}"):
        loaded_model(replace(released, precision=precision))


@pytest.mark.usefixtures("native")
def test_a_job_is_not_resumed_where_it_cannot_be_computed(released, tmp_path, monkeypatch):
    write_csv(tmp_path / "a.csv", 5)
    score(request(tmp_path / "a.csv", output=tmp_path / "out", ref=released), lambda tasks, ref, follow: [])
    monkeypatch.setattr(model, "is_native", lambda precision: precision == "float32")
    with pytest.raises(UsageError, match="with --precision float32, and --overwrite where the job"):
        score(request(tmp_path / "a.csv", output=tmp_path / "out", ref=released, existing="resume"), loop())
    with pytest.raises(UsageError, match="does not compute int8"):
        score(request(tmp_path / "a.csv", output=tmp_path / "new", ref=released, precision="int8"), loop())
    assert not (tmp_path / "new").exists()


@pytest.mark.usefixtures("native")
def test_a_job_is_not_resumed_with_another_version_of_the_engine(released, monkeypatch):
    monkeypatch.setattr(model, "_loaded", {})
    before = loaded_model(replace(released, precision="int8")).computing
    assert before.startswith("OpenVINO 2")
    other = replace(released, precision="int8", computing=before.replace("OpenVINO 2", "OpenVINO 1"))
    with pytest.raises(HeartbeatError, match=f"begun with OpenVINO 1.*; here it is {before}"):
        loaded_model(other)


@pytest.mark.parametrize(("precision", "file"), [("float32", FLOAT32_FILE), ("int8", INT8_FILE)])
def test_a_damaged_file_of_openvino_is_refused_in_words(released, tmp_path, precision, file):
    folder = tmp_path / "1"
    shutil.copytree(released.uri, folder)
    (folder / file).write_bytes(b"no model")
    with pytest.raises(HeartbeatError, match=r"is no model that scores beats: ValueError: .+ Name a directory"):
        ScoringModel(str(folder), model_digest(folder), precision)


def test_a_missing_int8_model_is_refused_in_words(released, tmp_path):
    folder = tmp_path / "1"
    shutil.copytree(released.uri, folder, ignore=shutil.ignore_patterns("int8.tflite"))
    with pytest.raises(HeartbeatError, match=r"is no model that scores beats: ValueError: .+ Name a directory"):
        ScoringModel(str(folder), model_digest(folder), "int8")


@pytest.mark.parametrize("name", ["float32.bin", "float32.xml", "digests.json"])
def test_files_of_openvino_that_were_not_pushed_with_the_model_are_refused(tmp_path, monkeypatch, name):
    monkeypatch.setattr(model, "_loaded", {})
    folder = tmp_path / "1700000000"
    shutil.copytree(model_place(RELEASED), folder)
    assert loaded_model(ModelRef(str(folder), model_digest(folder))).engine.startswith("OpenVINO ")
    monkeypatch.setattr(model, "_loaded", {})
    file = folder / SIDECAR_DIR / name
    if name == "digests.json":
        file.write_text(json.dumps({**json.loads(file.read_text()), "model": "0" * 64}))
    else:
        file.write_bytes(file.read_bytes()[:-1] + b"\7")
    with pytest.raises(HeartbeatError, match=r"were pushed with 000000|is not the file that was pushed\. Push"):
        loaded_model(ModelRef(str(folder), model_digest(folder)))
