"""What Transform writes for a beat, and what its saved graph computes later."""

import numpy as np
import pytest
import tensorflow as tf

from components.beat import SAMPLES
from components.transform.noise import add_noise
from components.transform.settings import TransformSettings
from tests.transform.transform_run import run_transform

SIGNAL = np.random.default_rng(2).random((40, SAMPLES), dtype=np.float32) ** 2
LABEL = np.arange(40, dtype=np.int64) % 5


@pytest.fixture(scope="module", params=["zscore", "none"])
def run(request, tmp_path_factory):
    """(settings, folder with the graph, column name -> array)."""
    folder = tmp_path_factory.mktemp("transform")
    settings = TransformSettings(normalisation=request.param, noise_sd=0.1)
    rows = run_transform(SIGNAL, LABEL, settings, folder)
    return settings, folder, {name: np.asarray([row[name] for row in rows]) for name in rows[0]}


def normalised(signal: np.ndarray, settings: TransformSettings) -> np.ndarray:
    return signal if settings.normalisation == "none" else (signal - SIGNAL.mean()) / SIGNAL.std()


def test_outputs_are_the_four_agreed_columns(run):
    _, _, columns = run
    assert {name: (values.dtype, values.shape) for name, values in columns.items()} == {
        "signal": (np.float32, (40, SAMPLES)),
        "noisy": (np.float32, (40, SAMPLES)),
        "clean": (np.float32, (40, SAMPLES)),
        "label": (np.int64, (40,)),
    }


def test_clean_beats_and_labels_pass_untouched(run):
    _, _, columns = run
    assert np.array_equal(columns["clean"], SIGNAL)
    assert np.array_equal(columns["label"], LABEL)


def test_normalisation_is_one_mean_and_one_deviation_for_all_samples(run):
    settings, _, columns = run
    assert columns["signal"] == pytest.approx(normalised(SIGNAL, settings), abs=1e-5)


def test_noisy_beats_are_draw_nought_normalised_like_the_clean_ones(run):
    settings, _, columns = run
    noisy = add_noise(tf.constant(SIGNAL), 0, 0.1).numpy()
    assert columns["noisy"] == pytest.approx(normalised(noisy, settings), abs=1e-5)


def test_the_saved_graph_makes_the_same_beats_in_other_batches(run):
    import tensorflow_transform as tft

    _, folder, columns = run
    layer = tft.TFTransformOutput(str(folder / "graph")).transform_features_layer()
    for chosen in ([3], [9, 3, 17], list(range(39, -1, -1))):
        made = layer({"signal": tf.constant(SIGNAL[chosen]), "label": tf.constant(LABEL[chosen])})
        for name, values in columns.items():
            assert np.array_equal(made[name].numpy(), values[chosen]), name


def test_the_graph_normalises_beats_without_a_label(run):
    import tensorflow_transform as tft

    _, folder, columns = run
    layer = tft.TFTransformOutput(str(folder / "graph")).transform_features_layer()
    assert np.array_equal(layer({"signal": tf.constant(SIGNAL)})["signal"].numpy(), columns["signal"])


def test_settings_that_are_not_known_are_refused():
    with pytest.raises(ValueError, match="normalisation"):
        TransformSettings.model_validate_json('{"normalisation": "minmax"}')


def test_context_is_standardised_by_what_is_known_and_cut_off(tmp_path):
    rng = np.random.default_rng(5)
    context = rng.normal([3, -100], [2, 0.1], (40, 2)).astype(np.float32)
    context = np.column_stack([context, np.full(40, 7.0, np.float32)]).astype(np.float32)  # a number that never varies
    context[3, 0], context[4, 1], context[5, 1] = np.nan, np.inf, 1e6
    rows = run_transform(SIGNAL, LABEL, TransformSettings(), tmp_path, context)
    found = np.array([row["context"] for row in rows])
    known = np.where(np.isfinite(context), context, np.nan).astype(np.float64)
    scaled = (known - np.nanmean(known, axis=0)) / np.maximum(np.nanstd(known, axis=0), 1e-300)
    expected = np.clip(np.nan_to_num(scaled, nan=0.0), -4, 4)
    assert found.dtype == np.float32
    assert found == pytest.approx(expected, abs=1e-4)
    assert (found[3, 0], found[4, 1], found[5, 1], found[:, 2].any()) == (0, 0, 4, False)
    np.testing.assert_array_equal([row["clean_context"] for row in rows], context)
    assert set(rows[0]) == {"label", "context", "clean_context"}
