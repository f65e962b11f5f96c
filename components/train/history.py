"""Learning curves as a file beside the logs of a training run."""

from __future__ import annotations

import json
from collections.abc import Mapping

from components.train.fit import History

FILE = "history.json"


def write_history(history: History | Mapping[str, History], parameters: int, model_run_dir: str) -> None:
    """Write `history.json`: the curves of one phase, or of several by name, and the size of the network.

    Args:
        history: name of the curve -> a value an epoch, or phase -> such curves.
        parameters: numbers in the network, batch normalisation's averages included.
        model_run_dir: directory of the training run; local or remote.
    """
    import tensorflow as tf

    tf.io.gfile.makedirs(model_run_dir)
    with tf.io.gfile.GFile(f"{model_run_dir}/{FILE}", "w") as file:
        file.write(json.dumps({"parameters": parameters, **history}, indent=1))
