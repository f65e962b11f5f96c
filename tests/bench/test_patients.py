"""The recipe of the profile `patient` without Beam: it trains on recordings, and what it exports answers as it does."""

from collections import Counter

import numpy as np
import pytest

from bench.patients import of_records, read_beats, train
from components.beats.context import CONTEXT_FORM
from components.score.model import find_model
from components.train.export import load_predict
from pipeline.settings import settings_from
from tests.recordings.archives import write_archive
from tests.recordings.preparing import run as prepare


@pytest.mark.slow
def test_a_network_learns_from_records_and_is_served_as_it_answers(tmp_path):
    archive = write_archive(tmp_path / "db", ("p1", "p2", "p3", "p4"), beats=150)
    prepare(archive, tmp_path / "out", split="none", format="parquet", variants=True)
    beats = read_beats(tmp_path / "out" / "beats.parquet", ("signal", "label", "record", "context"))
    variants = read_beats(tmp_path / "out" / "variants.parquet")
    settings = settings_from("patient", ["train.epochs=1", "finetune.epochs=1", "train.batch=64"])
    trained = train(beats, variants, {"p1", "p2", "p3"}, settings)
    assert trained.rows["eval"] in Counter(beats.record).values()
    assert trained.rows["train"] > 2 * 150
    stranger = of_records(beats, ["p4"])
    trained.export(tmp_path / "model")
    served = load_predict(str(tmp_path / "model"))(stranger.signal, stranger.context)
    np.testing.assert_array_equal(served.argmax(axis=1), trained.predict(stranger))
    assert find_model(str(tmp_path / "model"), "").context == CONTEXT_FORM
