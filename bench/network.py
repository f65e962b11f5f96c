"""Beats a second of each network on one core, beside the study's, each as it is served and at its best batch size.

Usage: python -m bench.network [--rounds N]

Weights are fresh: they do not change the work. Each round measures all networks in turn, so that a machine that slows
down slows all of them. Rates are per CPU second; the median round counts.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.measure import print_line
from components.beat import SAMPLES
from components.score.model import use_one_thread
from components.train.settings import NetworkSettings

BEATS = 16_384
BATCHES = (256, 512, 1024, 2048, 4096)
NETWORKS = {"full": "residual", "fast": "fast", "study": "study"}


def export_fresh(network: NetworkSettings, folder: Path) -> str:
    """Export a fresh network and return its SavedModel; the study's beats are not normalised."""
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
    """Return beats per CPU second, and the batch size with which that was reached."""
    from components.train.export import load_predict

    rates = {}
    for batch in BATCHES:
        predict = load_predict(model_dir, batch)
        predict(signal[: 2 * batch])
        start = time.process_time()
        predict(signal)
        rates[batch] = len(signal) / (time.process_time() - start)
    best = max(rates, key=rates.__getitem__)
    return rates[best], best


def main() -> None:
    """Print a line for each network beside the study's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="of all networks (default: 5)")
    options = parser.parse_args()
    use_one_thread()
    signal = np.random.default_rng(0).random((BEATS, SAMPLES), dtype=np.float32)
    with tempfile.TemporaryDirectory() as scratch:
        models = {
            name: export_fresh(NetworkSettings.model_validate(network), Path(scratch, name))
            for name, network in NETWORKS.items()
        }
        rounds = [{name: best_rate(model, signal) for name, model in models.items()} for _ in range(options.rounds)]
    for name in NETWORKS:
        if name != "study":
            own, peer = (statistics.median(rates[key][0] for rates in rounds) for key in (name, "study"))
            ratio = statistics.median(rates[name][0] / rates["study"][0] for rates in rounds)
            batch, peer_batch = rounds[-1][name][1], rounds[-1]["study"][1]
            line = f"{name} vs the study's network, one core"
            print_line(line, round(own), round(peer), "beats/s", round(ratio, 2), batch=batch, peer_batch=peer_batch)


if __name__ == "__main__":
    main()
