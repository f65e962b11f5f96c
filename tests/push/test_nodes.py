"""Judge, ModelGate and Pusher through their TFX executors, on artifacts as the stages before leave them."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from tfx.dsl.components.base import executor_spec
from tfx.types import artifact_utils, standard_artifacts

from components.beat import SAMPLES
from components.errors import ModelRefused
from components.evaluate.node import Judge, Judgement, ModelGate, ModelVerdict
from components.evaluate.settings import EvaluateSettings, GateSettings
from components.ingest.node import IngestReport
from components.ingest.report import IngestSummary
from components.io.examples import encode_examples
from components.io.serving import ServingDirectory
from components.push.node import Pusher
from components.train.calibrate import UNCALIBRATED, write_certainty
from components.verdict import SYNTHETIC
from tests.evaluate.tiny_model import save_tiny_model, some_beats, template_weights

LEVEL = {"clean_accuracy": 0.6, "clean_macro_f1": 0.6, "noisy_accuracy": 0.5, "noisy_macro_f1": 0.5}


def executed(component, inputs, outputs, **properties):
    """Run a function component's executor as a launcher would."""
    spec = component.EXECUTOR_SPEC
    assert isinstance(spec, executor_spec.ExecutorClassSpec)
    given = {name: [artifact] for name, artifact in inputs.items()}
    spec.executor_class().Do(given, {name: [artifact] for name, artifact in outputs.items()}, properties)


def artifact(kind, uri: Path, splits: tuple[str, ...] = ()):
    made = kind()
    made.uri = str(uri)
    if splits:
        made.split_names = artifact_utils.encode_split_names(list(splits))
    return made


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Artifacts of examples, report, statistics and models, by the names that nodes take them in by."""
    import tensorflow as tf
    import tensorflow_data_validation as tfdv

    top = tmp_path_factory.mktemp("artifacts")
    for split, rows in (("train", 60), ("eval", 20), ("test", 250)):
        folder = top / "examples" / f"Split-{split}"
        folder.mkdir(parents=True)
        with tf.io.TFRecordWriter(str(folder / "data_tfrecord-00000-of-00001")) as writer:
            for example in encode_examples(some_beats(rows, seed=rows)):
                writer.write(example)
    statistics = tfdv.generate_statistics_from_tfrecord(
        str(top / "examples" / "Split-train" / "data_tfrecord-00000-of-00001")
    )
    (top / "statistics" / "Split-train").mkdir(parents=True)
    (top / "statistics" / "Split-train" / "FeatureStats.pb").write_bytes(statistics.SerializeToString())
    report = IngestSummary(
        split="patient",
        synthetic=True,
        rows={"train": 60, "eval": 20, "test": 250, "rejects": 0},
        files=[],
        digests={"train": "aa", "test": "bb"},
        classes={},
    )
    (top / "report").mkdir()
    (top / "report" / "ingest.json").write_text(report.to_json())
    for name, weights in (("model", template_weights()), ("trainer", template_weights(20))):
        save_tiny_model(top / name / "Format-Serving", weights)
    save_tiny_model(top / "run" / "frozen", template_weights(10))
    write_certainty(UNCALIBRATED, str(top / "run"))
    (top / "blessing").mkdir()
    (top / "blessing" / "BLESSED").touch()
    split_names = ("train", "eval", "test")
    return {
        "examples": artifact(standard_artifacts.Examples, top / "examples", split_names),
        "report": artifact(IngestReport, top / "report"),
        "statistics": artifact(standard_artifacts.ExampleStatistics, top / "statistics", split_names),
        "model": artifact(standard_artifacts.Model, top / "model"),
        "trainer_model": artifact(standard_artifacts.Model, top / "trainer"),
        "model_run": artifact(standard_artifacts.ModelRun, top / "run"),
        "blessing": artifact(standard_artifacts.ModelBlessing, top / "blessing"),
    }


@pytest.fixture(scope="module")
def judgement(world, tmp_path_factory):
    made = artifact(Judgement, tmp_path_factory.mktemp("judgement") / "1")
    names = ("examples", "report", "trainer_model", "model", "model_run")
    settings = EvaluateSettings(draws=(1, 2), noise_levels=(0.0,), resamples=200)
    executed(
        Judge,
        {name: world[name] for name in names},
        {"judgement": made},
        settings=settings.model_dump_json(),
        code_digest="c",
    )
    return made


def gated(world, judgement, uri, serving, level):
    verdict = artifact(ModelVerdict, uri)
    names = ("examples", "report", "model", "blessing")
    executed(
        ModelGate,
        {name: world[name] for name in names} | {"judgement": judgement},
        {"verdict": verdict},
        serving=str(serving),
        settings=GateSettings.model_validate({"synthetic": level}).model_dump_json(),
        code_digest="c",
    )
    return verdict


def pushed_to(world, judgement, serving, verdict, uri, settings='{"profile": "demo"}'):
    """Run the Pusher, and return the artifact that tells of the push."""
    made = artifact(standard_artifacts.PushedModel, uri)
    names = ("model", "statistics", "report", "examples")
    executed(
        Pusher,
        {name: world[name] for name in names} | {"verdict": verdict, "judgement": judgement},
        {"pushed_model": made},
        serving=str(serving),
        settings=settings,
        code_digest="c",
    )
    return made


@pytest.fixture(scope="module")
def pushed(world, judgement, tmp_path_factory):
    """A model that went through gate and push: its serving directory and the artifact that tells of it."""
    top = tmp_path_factory.mktemp("pushed")
    verdict = gated(world, judgement, top / "verdict", top / "serving", LEVEL)
    return top / "serving", pushed_to(world, judgement, top / "serving", verdict, top / "told")


def test_the_judgement_is_of_test_beats_and_three_models(judgement):
    told = json.loads(Path(judgement.uri, "judgement.json").read_text())
    assert (told["rows"], told["split"], told["synthetic"]) == (250, "patient", True)
    assert np.sum(told["metrics"]["noisy"]["confusion"]) == 500
    losses = [told["metrics"]["clean"]["loss"], told["metrics"]["trainer"]["clean"]["loss"]]
    assert losses[0] != losses[1] != told["metrics"]["frozen"]["clean"]["loss"]
    with np.load(Path(judgement.uri, "predictions.npz")) as arrays:
        assert set(arrays) == {"label", "candidate", "candidate_noisy", "trainer", "frozen"}
        assert arrays["candidate_noisy"].shape == (250, 5)


def test_the_pushed_artifact_says_where_the_model_went(pushed):
    serving, told = pushed
    [version] = ServingDirectory(str(serving)).describe_all()
    assert told.get_string_custom_property("pushed_version") == str(version.version)
    assert told.get_string_custom_property("pushed_destination") == version.location
    assert told.get_int_custom_property("pushed") == 1
    assert json.loads(Path(told.uri, "pushed.json").read_text())["digest"] == version.digest


def test_all_sidecars_travel_with_the_model(pushed, world, judgement):
    serving, _ = pushed
    [version] = ServingDirectory(str(serving)).describe_all()
    beside = Path(version.location, "assets.extra", "heartbeat")
    assert {file.name for file in beside.iterdir()} == {
        "float32.bin",
        "float32.xml",
        "model.keras",
        "metrics.json",
        "stats.pb",
        "digests.json",
        "histogram.json",
        "model_card.md",
    }
    assert version.metrics == json.loads(Path(judgement.uri, "judgement.json").read_text())
    assert version.digests["model"] == version.digest
    assert version.digests["data"] == {"train": "aa", "test": "bb"}
    assert sum(json.loads((beside / "histogram.json").read_text())["counts"]) == 60 * SAMPLES
    card = (beside / "model_card.md").read_text()
    assert "SYNTHETIC" in card
    assert "Not a medical device" in card
    assert "MIT-BIH" not in card
    assert ServingDirectory(str(serving)).newest_statistics().datasets[0].num_examples == 60


def test_an_identical_model_is_not_pushed_again(world, judgement, pushed, tmp_path):
    serving = str(tmp_path / "serving")
    shutil.copytree(pushed[0].parent / "verdict", tmp_path / "verdict")
    verdict = artifact(ModelVerdict, tmp_path / "verdict")
    tellers = [
        pushed_to(world, judgement, serving, verdict, tmp_path / str(run), settings=json.dumps({"profile": run}))
        for run in ("demo", "full")
    ]
    [version] = ServingDirectory(serving).versions()
    told = [json.loads(Path(teller.uri, "pushed.json").read_text()) for teller in tellers]
    assert [each["new"] for each in told] == [True, False]
    assert [each["version"] for each in told] == [version, version]
    locations = {teller.get_string_custom_property("pushed_destination") for teller in tellers}
    assert locations == {f"{serving}/{version}"}


def test_pushed_model_answers(pushed):
    from components.train.export import load_predict

    serving, _ = pushed
    [version] = ServingDirectory(str(serving)).describe_all()
    beats = some_beats(50)
    told = load_predict(version.location)(beats.signal)
    assert np.mean(told.argmax(axis=1) == beats.label) > 0.6


def test_the_gate_compares_with_the_newest_push(world, judgement, pushed, tmp_path):
    serving, _ = pushed
    verdict = gated(world, judgement, tmp_path / "verdict", serving, LEVEL)
    told = json.loads(Path(verdict.uri, "verdict.json").read_text())
    assert told["comparison"]["version"] == ServingDirectory(str(serving)).describe_all()[0].version
    assert told["comparison"]["differences"]["clean_accuracy"]["difference"] == 0
    assert told["comparison"]["differences"]["noisy_accuracy"]["difference"] == 0
    assert told["verdict"][0] == asdict(SYNTHETIC)


def test_a_refusal_fails_the_node_and_leaves_no_verdict(world, judgement, tmp_path):
    with pytest.raises(ModelRefused) as refused:
        gated(world, judgement, tmp_path / "verdict", tmp_path / "serving", {**LEVEL, "clean_accuracy": 1.0})
    assert refused.value.verdict[0] == SYNTHETIC
    assert any("required 100.00%" in sentence for sentence in refused.value.sentences)
    assert not (tmp_path / "verdict").exists()


def test_an_unblessed_model_is_refused(world, judgement, tmp_path):
    (tmp_path / "blessing").mkdir()
    (tmp_path / "blessing" / "NOT_BLESSED").touch()
    unblessed = world | {"blessing": artifact(standard_artifacts.ModelBlessing, tmp_path / "blessing")}
    with pytest.raises(ModelRefused, match="did not bless"):
        gated(unblessed, judgement, tmp_path / "verdict", tmp_path / "serving", LEVEL)
