"""What the job says of a beat is what the served model says of it, whatever the beat came in."""

import numpy as np
import pytest
import tensorflow as tf

from components.beat import Beats
from components.evaluate.metrics import measure
from components.io.examples import encode_examples
from components.io.serving import model_digest
from components.score.model import ModelRef, ScoringModel
from pipeline.commands.score import show_summary
from tests.evaluate.tiny_model import save_tiny_model, some_beats, template_weights
from tests.score.inputs import FORMATS, write_formats
from tests.score.jobs import probabilities, read_parts, run

BEATS = some_beats(100)


@pytest.fixture(scope="module")
def served(saved_model):
    signature = tf.saved_model.load(saved_model.uri).signatures["serving_default"]
    examples = tf.constant(encode_examples(Beats(BEATS.signal, BEATS.label)))
    return signature(examples=examples)["probabilities"].numpy()


@pytest.mark.parametrize("name", FORMATS)
def test_the_job_agrees_with_serving_default_row_by_row(tmp_path, saved_model, served, name):
    path = write_formats(tmp_path, BEATS.signal, BEATS.label)[name]
    model = ScoringModel(saved_model.uri, saved_model.digest)
    summary = run(path, output=tmp_path / "out", model=model, ref=saved_model)
    table = read_parts(tmp_path / "out")
    assert table["row"].to_pylist() == list(range(100))
    np.testing.assert_array_equal(table["label"], BEATS.label)
    assert np.abs(probabilities(table) - served).max() <= 1e-6
    assert summary.confusion == measure(served, BEATS.label)["confusion"]
    assert summary.exit_code == 0


def test_calls_are_as_few_as_the_batch_allows_and_about_as_large(saved_model, monkeypatch):
    model = ScoringModel(saved_model.uri, saved_model.digest)
    whole = model.answers(BEATS.signal, 100).probabilities
    sizes, ask = [], model._ask

    def counted(columns):
        sizes.append(len(columns["signal"]))
        return ask(columns)

    monkeypatch.setattr(model, "_ask", counted)
    np.testing.assert_allclose(model.answers(BEATS.signal, 40).probabilities, whole, atol=1e-6)
    assert model.answers(BEATS.signal[:0], 40).probabilities.shape == (0, 5)
    assert sizes == [34, 33, 33]


THRESHOLD = 0.8


@pytest.mark.parametrize(("threshold", "abstains"), [(None, "never"), (THRESHOLD, "below the threshold")])
def test_abstain_is_what_the_signature_says_and_is_counted(tmp_path, threshold, abstains, capsys):
    folder = save_tiny_model(tmp_path / "model", template_weights(), threshold)
    ref = ModelRef(str(folder), model_digest(folder))
    path = write_formats(tmp_path, BEATS.signal, BEATS.label)["plain.csv"]
    summary = run(path, output=tmp_path / "out", model=ScoringModel(ref.uri, ref.digest), ref=ref)
    table = read_parts(tmp_path / "out")
    expected = probabilities(table).max(axis=1) < THRESHOLD if abstains != "never" else np.zeros(100, bool)
    assert table["abstain"].to_pylist() == expected.tolist()
    assert summary.rows["abstained"] == expected.sum()
    assert (summary.rows["abstained"] in range(1, 100)) == (abstains != "never")
    show_summary(summary)
    [line] = [line for line in capsys.readouterr().out.splitlines() if "rows abstained" in line]
    assert line.split()[-2] == str(expected.sum())


def test_a_directory_without_the_signature_is_told(tmp_path):
    from components.errors import HeartbeatError

    tf.saved_model.save(tf.Module(), str(tmp_path / "model"))
    with pytest.raises(HeartbeatError, match="is no model that scores beats"):
        ScoringModel(str(tmp_path / "model"), "0" * 64)
