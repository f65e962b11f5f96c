"""The scoring job compared with other ways to run the model: pandas and Keras, Beam row by row, TFX's BulkInferrer.

Usage: python -m bench.score_peers MODEL_DIR FILE.csv [FILE.csv ...] [--only NAME ...]

Figures are CPU seconds of a fresh process on one thread, without imports and loading; the two sides alternate. The
comparison on the whole machine is in wall seconds and needs an idle one. Ours is the job with default flags.
"""

from __future__ import annotations

import argparse
import gzip
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.measure import RUNNER, Figures, alternating, as_tfrecord, compare
from bench.score import job, job_machine
from components.io.artifact_files import KERAS_FILE, SERVING_MODEL
from components.score.model import use_one_thread

KERAS_BATCH = 256


def pandas_keras(model_dir: str, inputs: list[str], out: str) -> Figures:
    """Time `pandas.read_csv`, `keras.predict` in batches of 256 and a Parquet file, without Heartbeat's other work."""
    use_one_thread()
    return {"cpu": pandas_keras_seconds(model_dir, inputs, out, time.process_time)}


def pandas_keras_machine(model_dir: str, inputs: list[str], out: str) -> Figures:
    """Time the same with TensorFlow's default number of threads, in wall seconds."""
    return {"cpu": pandas_keras_seconds(model_dir, inputs, out, time.monotonic)}


def pandas_keras_seconds(model_dir: str, inputs: list[str], out: str, clock: Callable[[], float]) -> float:
    """Return seconds from the first file to the last, imports and first calls excluded."""
    import numpy as np
    import pandas as pd

    from components.beat import SAMPLES

    model = warm_network(model_dir)
    began = clock()
    for number, path in enumerate(inputs):
        table = pd.read_csv(path, header=None, dtype=np.float32)
        probabilities = model.predict(table.iloc[:, :SAMPLES].to_numpy(), batch_size=KERAS_BATCH, verbose=0)
        pd.DataFrame(probabilities, columns=list("NSVFQ")).to_parquet(f"{out}-{number}.parquet")
    return clock() - began


def warm_network(model_dir: str) -> Any:
    """Return a model's network as Keras loads it, after a first prediction."""
    import keras
    import numpy as np

    from components.beat import SAMPLES

    network = keras.models.load_model(f"{model_dir}/{KERAS_FILE}", compile=False)
    network.predict(np.zeros((2 * KERAS_BATCH, SAMPLES), np.float32), batch_size=KERAS_BATCH, verbose=0)
    return network


def beam_rows(model_dir: str, inputs: list[str], out: str) -> Figures:
    """Time Beam's ReadFromText, a parser of each line, RunInference on the SavedModel's signature, and WriteToText."""
    import apache_beam as beam
    import numpy as np
    import tensorflow as tf
    from apache_beam.ml.inference.base import ModelHandler, RunInference
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner

    from components.beat import SAMPLES

    class Handler(ModelHandler):
        def load_model(self) -> Any:
            return tf.saved_model.load(model_dir)

        def run_inference(self, batch: list[Any], model: Any, inference_args: Any = None) -> list[Any]:
            return list(model.signatures["beats"](signal=tf.constant(np.stack(batch)))["probabilities"].numpy())

    def parse(line: str) -> Any:
        return np.array(line.split(",")[:SAMPLES], np.float32)

    use_one_thread()
    tf.saved_model.load(model_dir)
    began = time.process_time()
    with beam.Pipeline(FnApiRunner()) as pipeline:
        _ = (
            pipeline
            | beam.Create(inputs)
            | beam.io.ReadAllFromText()
            | beam.Map(parse)
            | RunInference(Handler())
            | beam.Map(lambda probabilities: ",".join(map(str, probabilities)))
            | beam.io.WriteToText(out)
        )
    return {"cpu": time.process_time() - began}


def bulk_inferrer(model_dir: str, inputs: list[str], out: str) -> Figures:
    """Time TFX's BulkInferrer from TFRecord, through its executor."""
    from tfx.components.bulk_inferrer import executor
    from tfx.proto import bulk_inferrer_pb2
    from tfx.types import artifact_utils, standard_artifacts
    from tfx.utils import proto_utils

    folder = Path(out) / "examples" / "Split-test"
    folder.mkdir(parents=True)
    plain = Path(as_tfrecord(inputs, folder))
    (folder / "data_tfrecord-00000-of-00001.gz").write_bytes(gzip.compress(plain.read_bytes(), 1))
    plain.unlink()
    examples, model = standard_artifacts.Examples(), standard_artifacts.Model()
    answers = standard_artifacts.InferenceResult()
    examples.uri, examples.split_names = str(folder.parent), artifact_utils.encode_split_names(["test"])
    examples.set_string_custom_property("payload_format", "FORMAT_TF_EXAMPLE")
    model.uri, answers.uri = f"{out}/model", f"{out}/answers"
    shutil.copytree(model_dir, f"{model.uri}/{SERVING_MODEL}")
    context = executor.Executor.Context(beam_pipeline_args=[RUNNER])
    properties = {
        "data_spec": proto_utils.proto_to_json(bulk_inferrer_pb2.DataSpec()),
        "model_spec": proto_utils.proto_to_json(bulk_inferrer_pb2.ModelSpec(model_signature_name=["serving_default"])),
    }
    use_one_thread()
    began = time.process_time()
    artifacts = {"examples": [examples], "model": [model]}
    executor.Executor(context).Do(artifacts, {"inference_result": [answers]}, properties)
    return {"cpu": time.process_time() - began}


def job_from_csv(model_dir: str, inputs: list[str], out: str) -> Figures:
    """Time the job with default flags, in the fastest precision that the model is released in."""
    return job(model_dir, inputs, out, precision="auto")


def job_from_tfrecord(model_dir: str, inputs: list[str], out: str) -> Figures:
    """Time the same from TFRecord."""
    Path(out).mkdir()
    return job_from_csv(model_dir, [as_tfrecord(inputs, Path(out))], f"{out}/scored")


Measure = Callable[[str, list[str], str], Figures]

PEERS: dict[str, tuple[str, Measure, Measure, str, str]] = {
    "pandas_keras": (
        "pandas.read_csv + keras.predict(batch_size=256), one core",
        job_from_csv,
        pandas_keras,
        "CPU s",
        ">= 3",
    ),
    "pandas_keras_machine": ("the same, whole machine", job_machine, pandas_keras_machine, "s", ">= 2"),
    "beam_rows": ("Beam ReadFromText + RunInference, row by row, one core", job_from_csv, beam_rows, "CPU s", ">= 6"),
    "bulk_inferrer": ("TFX BulkInferrer, TFRecord input, one core", job_from_tfrecord, bulk_inferrer, "CPU s", ">= 10"),
}
"""Name -> what the peer is, our measure, the peer's, the unit of both and the target."""


def main() -> None:
    """Run the chosen benchmarks and print a line for each comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a pushed model's directory")
    parser.add_argument("inputs", nargs="+", help="labelled CSV files")
    parser.add_argument("--only", nargs="+", choices=PEERS, default=list(PEERS), help="run only these")
    options = parser.parse_args()
    for name in options.only:
        what, ours, peer, unit, target = PEERS[name]
        taken = alternating({"ours": ours, "peer": peer}, options.model, options.inputs)
        own, other = ([figures["cpu"] for figures in taken[each]] for each in ("ours", "peer"))
        compare(what, own, other, unit, target=target)


if __name__ == "__main__":
    main()
