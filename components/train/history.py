"""Learning curves as a file beside the logs of a training run."""

from __future__ import annotations

import json
from collections.abc import Mapping

from components.train.fit import History

FILE = "history.json"


def write_history(history: History | Mapping[str, History], model_run_dir: str) -> None:
    """Write `history.json`: the curves of one phase, or of several by name.

    Args:
        history: name of the curve -> a value an epoch, or phase -> such curves.
        model_run_dir: directory of the training run; local or remote.
    """
    import tensorflow as tf

    tf.io.gfile.makedirs(model_run_dir)
    with tf.io.gfile.GFile(f"{model_run_dir}/{FILE}", "w") as file:
        file.write(json.dumps(history, indent=1))
