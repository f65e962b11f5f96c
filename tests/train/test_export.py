"""The SavedModel: one answer from both signatures, in both kinds of loader, and nothing random inside."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.train.data import load_normalise
from components.train.export import load_predict
from tests.train.conftest import make_beats

SIGNAL, _ = make_beats(7, 9)
NOISY_OPERATIONS = {"Bitcast", "BitwiseXor", "RightShift", "GatherV2"}
EXAMPLES = [
    tf.train.Example(
        features=tf.train.Features(feature={"signal": tf.train.Feature(float_list=tf.train.FloatList(value=beat))})
    ).SerializeToString()
    for beat in SIGNAL
]


@pytest.fixture(scope="module", params=["trained", "finetuned", "frozen"])
def model_dir(request) -> str:
    if request.param == "frozen":
        return f"{request.getfixturevalue('finetuned')}/run/frozen"
    return f"{request.getfixturevalue(request.param)}/model/Format-Serving"


def test_both_signatures_and_the_keras_file_give_the_same_probabilities(model_dir, transformed):
    signatures = tf.saved_model.load(model_dir).signatures
    beats = signatures["beats"](signal=tf.constant(SIGNAL))["probabilities"].numpy()
    examples = signatures["serving_default"](examples=tf.constant(EXAMPLES))["probabilities"].numpy()
    assert np.array_equal(beats, examples)
    assert beats.dtype == np.float32
    assert beats.sum(axis=1) == pytest.approx(1)
    network = keras.models.load_model(Path(model_dir) / "assets.extra/heartbeat/model.keras")
    logits = network(load_normalise(f"{transformed}/graph")(tf.constant(SIGNAL)))
    assert beats == pytest.approx(tf.nn.softmax(logits / temperature_of(model_dir)).numpy(), abs=1e-5)


def temperature_of(model_dir: str) -> float:
    """What the FineTuner noted; the Trainer's model and the frozen one have none."""
    noted = Path(model_dir).parents[1] / "run" / "certainty.json"
    is_candidate = Path(model_dir).name == "Format-Serving" and noted.exists()
    return json.loads(noted.read_text())["temperature"] if is_candidate else 1.0


def test_batch_normalisation_is_folded_into_the_convolutions(model_dir):
    """One operation for a convolution, its bias and its relu: nothing is normalised sample by sample."""
    nodes = served_nodes(model_dir)
    convolutions = [node for node in nodes if node.op == "Conv2D"]
    assert convolutions
    following = {node.input[0].split(":")[0]: node.op for node in nodes if node.op in ("BiasAdd", "Mul", "Squeeze")}
    assert {following[node.name] for node in convolutions} == {"BiasAdd"}
    assert not [node for node in nodes if node.op == "Rsqrt"], "folded before it is served, not in every call"


@pytest.mark.parametrize("signature", ["beats", "serving_default"])
def test_the_candidate_abstains_below_its_threshold(finetuned, signature):
    noted = json.loads((finetuned / "run/certainty.json").read_text())
    served = tf.saved_model.load(f"{finetuned}/model/Format-Serving").signatures[signature]
    told = served(tf.constant(SIGNAL if signature == "beats" else EXAMPLES))
    assert told["abstain"].dtype == tf.bool
    below = told["probabilities"].numpy().max(axis=1) < np.float32(noted["threshold"])
    assert np.array_equal(told["abstain"].numpy(), below)


def test_the_trainers_model_never_abstains(trained):
    signatures = tf.saved_model.load(f"{trained}/model/Format-Serving").signatures
    assert set(signatures["beats"].structured_outputs) == {"probabilities"}


@pytest.mark.parametrize(("name", "feed"), [("beats", SIGNAL), ("serving_default", EXAMPLES)])
def test_a_tf1_session_gives_the_same_probabilities(model_dir, name, feed):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        loaded = tf.compat.v1.saved_model.load(session, ["serve"], model_dir)
        signature = loaded.signature_def[name]
        (into,) = signature.inputs.values()
        found = session.run(signature.outputs["probabilities"].name, {into.name: feed})
    assert found == pytest.approx(load_predict(model_dir)(SIGNAL), abs=1e-6)


def test_the_served_graph_holds_no_noise(model_dir):
    """Of Transform's graph only the normalisation is served: no hashing, and no table of normal numbers."""
    operations = {node.op for node in served_nodes(model_dir)}
    assert not operations & NOISY_OPERATIONS
    assert not {op for op in operations if "Random" in op}
    assert max(constant_sizes(model_dir)) < 1000


def served_nodes(model_dir: str) -> list:
    """Every node of a SavedModel's graph and of all its functions."""
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    saved = SavedModel.FromString((Path(model_dir) / "saved_model.pb").read_bytes())
    graph = saved.meta_graphs[0].graph_def
    return [*graph.node, *(node for function in graph.library.function for node in function.node_def)]


def constant_sizes(model_dir: str) -> list[int]:
    shapes = [node.attr["value"].tensor.tensor_shape for node in served_nodes(model_dir) if node.op == "Const"]
    return [int(np.prod([dim.size for dim in shape.dim])) for shape in shapes]


def test_noise_would_be_seen_in_transforms_own_graph(transformed):
    """The check above looks for what Transform's graph does hold."""
    operations = {node.op for node in served_nodes(f"{transformed}/graph/transform_fn")}
    assert operations >= NOISY_OPERATIONS


def test_a_served_model_scores_any_number_of_beats_in_any_batches(model_dir):
    predict = load_predict(model_dir)
    whole = predict(SIGNAL)
    assert whole.shape == (7, 5)
    assert load_predict(model_dir, batch=3)(SIGNAL) == pytest.approx(whole, abs=1e-6)
    assert predict(SIGNAL[:0]).shape == (0, 5)
