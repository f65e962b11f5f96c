"""Beats per second of each network on one core, compared with the study's, as served and at the best batch size.

Ours are measured in every precision that the processor computes natively, by the engine that scores in it; the study's
in float32 by TensorFlow.

Usage: python -m bench.network

Weights are random: they do not change the work. Each round measures all networks in turn, so that a machine that slows
down slows all of them. Rates are per CPU second.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.measure import REPEATS, compare
from components.beat import SAMPLES
from components.io.artifact_files import INT8_FILE
from components.push.precision import quantised, write_float32
from components.score.model import use_one_thread
from components.train.served import FAST_PRECISIONS, Precision, ServedModel, is_native, openvino_file
from components.train.settings import NetworkSettings

BEATS = 16_384
BATCHES = (256, 512, 1024, 2048, 4096)
NETWORKS = {"full": "residual", "fast": "fast", "study": "study"}
TARGETS = {
    ("full", "float32"): ">= 2.5",
    ("full", "bfloat16"): ">= 4.5",
    ("full", "int8"): ">= 7",
    ("fast", "int8"): ">= 20",
}


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


def best_rate(model_dir: str, precision: Precision, signal: npt.NDArray[np.float32]) -> tuple[float, int]:
    """Return beats per CPU second, and the batch size that reached it."""
    rates = {}
    by_openvino = openvino_file(model_dir, precision) is not None
    for batch in BATCHES[:1] if by_openvino else BATCHES:  # its calls are all equal
        model = ServedModel(model_dir, precision)
        model.answers(signal[: 2 * batch], batch)
        start = time.process_time()
        model.answers(signal, batch)
        rates[batch] = len(signal) / (time.process_time() - start)
    best = max(rates, key=rates.__getitem__)
    return rates[best], best


def main() -> None:
    """Print a line for each network compared with the study's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    use_one_thread()
    signal = np.random.default_rng(0).random((BEATS, SAMPLES), dtype=np.float32)
    with tempfile.TemporaryDirectory() as scratch:
        models = {
            name: export_fresh(NetworkSettings.model_validate(network), Path(scratch, name))
            for name, network in NETWORKS.items()
        }
        study: tuple[str, Precision] = ("study", "float32")
        measured = [study]
        for name in (name for name in NETWORKS if name != "study"):
            write_float32(Path(models[name]))
            Path(models[name], INT8_FILE).write_bytes(quantised(models[name], signal[:200]))
            measured += [(name, "float32"), *((name, each) for each in FAST_PRECISIONS if is_native(each))]
        rounds = [
            {(name, precision): best_rate(models[name], precision, signal) for name, precision in measured}
            for _ in range(REPEATS)
        ]
    for key in measured[1:]:
        own, peer = ([rates[each][0] for rates in rounds] for each in (key, study))
        name = f"{key[0]} network, {key[1]}, one core; compared with the study's in float32"
        batch, peer_batch = rounds[-1][key][1], rounds[-1][study][1]
        compare(name, own, peer, "beats/s", target=TARGETS.get(key, ""), batch=batch, peer_batch=peer_batch)


if __name__ == "__main__":
    main()
