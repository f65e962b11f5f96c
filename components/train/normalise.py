"""Transform's normalisation, cut out of its graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.beat import SAMPLES

if TYPE_CHECKING:
    from tensorflow.types.experimental import ConcreteFunction


def load_normalise(transform_graph: str) -> ConcreteFunction:
    """The part of Transform's graph between `signal` in and `signal` out: float32[n, 187] -> float32[n, 187].

    Cut, because the graph makes noise as well, and a model that is served must not hold any of that.

    Args:
        transform_graph: directory of a Transform output (its transform_graph artifact).
    """
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2
    from tensorflow_transform.output_wrapper import TFTransformOutput

    layer = TFTransformOutput(transform_graph).transform_features_layer()
    beats = tf.TensorSpec((None, SAMPLES), tf.float32, "signal")
    traced = tf.function(lambda signal: layer({"signal": signal})["signal"]).get_concrete_function(beats)
    flat = convert_variables_to_constants_v2(traced)  # calls inlined, learnt numbers as constants
    whole = tf.compat.v1.wrap_function(lambda: tf.graph_util.import_graph_def(flat.graph.as_graph_def(), name=""), [])
    ends = [whole.graph.get_tensor_by_name(end.name) for end in (flat.inputs[0], flat.outputs[0])]
    return whole.prune(*ends)
