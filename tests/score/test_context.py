"""A model that reads the context of beats: it gets that of recordings and of Parquet, and refuses what has none."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from components.beat import CLASSES, SAMPLES
from components.beats.context import CONTEXT_FORM, CONTEXT_NAMES
from components.errors import UsageError
from components.io.artifact_files import CONTEXT_FILE
from components.score.model import ModelRef, ScoringModel, find_model
from tests.recordings.archives import write_archive
from tests.recordings.preparing import run as prepare
from tests.score.jobs import probabilities, read_parts, read_rejects, run, write_csv

WEIGHTS = np.random.default_rng(1).normal(size=(len(CONTEXT_NAMES), len(CLASSES))).astype(np.float32)


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> ModelRef:
    """softmax(context @ WEIGHTS)."""
    folder = tmp_path_factory.mktemp("context") / "1700000000"

    class Tiny(tf.Module):
        @tf.function(
            input_signature=[
                tf.TensorSpec([None, SAMPLES], tf.float32, name="signal"),
                tf.TensorSpec([None, len(CONTEXT_NAMES)], tf.float32, name="context"),
            ]
        )
        def beats(self, signal, context):
            return {"probabilities": tf.nn.softmax(context @ tf.constant(WEIGHTS))}

    module = Tiny()
    tf.saved_model.save(module, str(folder), signatures={"beats": module.beats})
    (folder / CONTEXT_FILE).parent.mkdir(parents=True)
    (folder / CONTEXT_FILE).write_text(CONTEXT_FORM.to_json())
    return find_model(str(folder), "unused")


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    return write_archive(tmp_path_factory.mktemp("archive") / "db", ("p1", "p2"))


def score(path: Path, output: Path, model: ModelRef, **settings: object):
    run(path, output=output, model=ScoringModel(model.uri, model.digest), ref=model, **settings)
    return read_parts(output)


def test_recordings_and_their_parquet_get_the_same_answers(tmp_path, archive, model):
    prepare(archive, tmp_path / "beats", split="none", format="parquet")
    table = pq.read_table(tmp_path / "beats" / "beats.parquet")
    rows = score(tmp_path / "beats" / "beats.parquet", tmp_path / "one", model)
    logits = np.array(table.column("context").to_pylist(), np.float32) @ WEIGHTS
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probabilities(rows), expected, atol=1e-5)
    assert len(set(rows["predicted"].to_pylist())) > 1
    again = score(archive, tmp_path / "two", model, annotator="atr")
    assert [each["sample"].to_pylist() for each in (rows, again)] == [table.column("sample").to_pylist()] * 2
    np.testing.assert_allclose(probabilities(again), probabilities(rows), atol=1e-5)


def test_inputs_without_context_or_with_another_one_are_refused(tmp_path, archive, model):
    write_csv(tmp_path / "beats.csv", 20)
    with pytest.raises(UsageError, match=r"beats.csv has no context of its beats, but the model reads version"):
        score(tmp_path / "beats.csv", tmp_path / "out", model)
    prepare(archive, tmp_path / "beats", split="none", format="parquet")
    newer = replace(CONTEXT_FORM, version=CONTEXT_FORM.version + 1)
    file = tmp_path / "beats" / "beats.parquet"
    changed = pq.read_table(file).replace_schema_metadata({"heartbeat.context": newer.to_json()})
    pq.write_table(changed, file)
    with pytest.raises(UsageError, match=rf"has context of version {newer.version} "):
        score(file, tmp_path / "out", model)
    with pytest.raises(UsageError, match=rf"The model reads context of version {newer.version} .* computes version"):
        score(archive, tmp_path / "out", replace(model, context=newer))
    assert not (tmp_path / "out").exists()


def test_a_damaged_file_of_the_context_is_told(tmp_path, model):
    broken = tmp_path / "1"
    (broken / CONTEXT_FILE).parent.mkdir(parents=True)
    (broken / "saved_model.pb").write_bytes((Path(model.uri) / "saved_model.pb").read_bytes())
    (broken / CONTEXT_FILE).write_text(json.dumps({"version": 1}))
    with pytest.raises(UsageError, match="does not say which context the model reads"):
        find_model(str(broken), "unused")


def test_recordings_that_cannot_be_used_need_no_context(tmp_path, model):
    archive = write_archive(tmp_path / "broken", ("p1",))
    (archive / "p1.dat").write_bytes(b"short")
    table = score(archive, tmp_path / "out", model, budget="100%")
    assert table.num_rows == 0
    assert "truncated" in read_rejects(tmp_path / "out")[0]["reason"]
