"""Beats a second of each network on one core, beside the study's, each as it is served and at its best batch size.

Usage: python -m bench.network [--rounds N]

Weights are fresh: they do not change the work. Rounds go through all networks in turn, so that a machine that slows
down slows all of them; CPU seconds, and the median round counts.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

from components.beat import SAMPLES
from components.score.model import use_one_thread
from components.train.settings import NetworkSettings

BEATS = 16_384
BATCHES = (256, 512, 1024, 2048, 4096)
NETWORKS = {"full": "residual", "fast": "fast", "study": "study"}


def saved(network: NetworkSettings, folder: Path) -> str:
    """A SavedModel of a fresh network; the study's beats are not normalised."""
    import tensorflow as tf

    from components.train.export import export_model
    from components.train.networks import build_network

    mean, deviation = (0.0, 1.0) if network.name == "study" else (0.17, 0.23)
    normalise = tf.function(lambda signal: (signal - mean) / deviation).get_concrete_function(
        tf.TensorSpec((None, SAMPLES), tf.float32)
    )
    export_model(build_network(network), network, normalise, str(folder))
    return str(folder)


def best_rate(model_dir: str, signal: npt.NDArray[np.float32]) -> tuple[float, int]:
    """Beats a CPU second, and the batch size with which it was reached."""
    from components.train.served import ServedModel

    model = ServedModel(model_dir)
    rates = {}
    for batch in BATCHES:
        model.probabilities(signal[: 2 * batch], batch)
        began = time.process_time()
        model.probabilities(signal, batch)
        rates[batch] = len(signal) / (time.process_time() - began)
    best = max(rates, key=lambda batch: rates[batch])
    return rates[best], best


def main() -> None:
    """Prints a line for each network that is not the study's."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=5, help="of all networks (default: 5)")
    given = arguments.parse_args()
    use_one_thread()
    signal = np.random.default_rng(0).random((BEATS, SAMPLES), dtype=np.float32)
    with tempfile.TemporaryDirectory() as scratch:
        places = {
            name: saved(NetworkSettings.model_validate(network), Path(scratch, name))
            for name, network in NETWORKS.items()
        }
        rounds = [{name: best_rate(place, signal) for name, place in places.items()} for _ in range(given.rounds)]
    for name in NETWORKS:
        if name != "study":
            own, peer = (statistics.median(each[of][0] for each in rounds) for of in (name, "study"))
            ratio = statistics.median(each[name][0] / each["study"][0] for each in rounds)
            figures = {"ours": round(own), "peer": round(peer), "unit": "beats/s", "ratio": round(ratio, 2)}
            batches = {"batch": rounds[-1][name][1], "peer_batch": rounds[-1]["study"][1]}
            print(json.dumps({"name": f"{name} vs the study's network, one core", **figures, **batches}), flush=True)


if __name__ == "__main__":
    main()
