"""The scoring job beside other ways to ask the same model: pandas and Keras, Beam row by row, TFX's BulkInferrer.

Usage: python -m bench.score_peers MODEL_DIR FILE.csv [FILE.csv ...] [--only NAME ...]

CPU seconds of a fresh process each, imports and loading excluded, TensorFlow on one thread, by turns and the least of
three; but for the whole machine against the whole machine, which is wall seconds and needs an idle one.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.beat_files import as_tfrecord, linked
from bench.score import REPEATS, extra_seconds, job_seconds, line
from components.io.artifact_names import KERAS_FILE, SERVING_MODEL
from components.score.model import use_one_thread

KERAS_BATCH = 256
MACHINE_TIMES = 8
"""How many times over the files are scored by the whole machine."""
RUNNER = "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner"


def pandas_keras(model_dir: str, inputs: list[str], out: str) -> float:
    """Time `pandas.read_csv`, `keras.predict` in batches of 256 and a Parquet file: only the network, in its favour."""
    use_one_thread()
    return pandas_keras_seconds(model_dir, inputs, out, time.process_time)


def pandas_keras_machine(model_dir: str, inputs: list[str], out: str) -> float:
    """Time the same with as many threads as TensorFlow likes, in wall seconds."""
    return pandas_keras_seconds(model_dir, inputs, out, time.monotonic)


def pandas_keras_seconds(model_dir: str, inputs: list[str], out: str, clock: Callable[[], float]) -> float:
    """Return seconds from the first file to the last, imports and first calls excluded."""
    import keras
    import numpy as np
    import pandas as pd

    from components.beat import SAMPLES

    model = keras.models.load_model(f"{model_dir}/{KERAS_FILE}", compile=False)
    model.predict(np.zeros((2 * KERAS_BATCH, SAMPLES), np.float32), batch_size=KERAS_BATCH, verbose=0)
    began = clock()
    for at, path in enumerate(inputs):
        table = pd.read_csv(path, header=None, dtype=np.float32)
        probabilities = model.predict(table.iloc[:, :SAMPLES].to_numpy(), batch_size=KERAS_BATCH, verbose=0)
        pd.DataFrame(probabilities, columns=list("NSVFQ")).to_parquet(f"{out}-{at}.parquet")
    return clock() - began


def beam_rows(model_dir: str, inputs: list[str], out: str) -> float:
    """Beam's ReadFromText, a parser for each line, RunInference on the same signature, WriteToText; batches by Beam."""
    import apache_beam as beam
    import numpy as np
    from apache_beam.ml.inference.base import ModelHandler, RunInference
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner

    from components.beat import SAMPLES
    from components.score.model import ScoringModel

    class Handler(ModelHandler):
        def load_model(self) -> ScoringModel:
            return ScoringModel(model_dir, "0" * 64)

        def run_inference(self, batch: list[Any], model: ScoringModel, inference_args: Any = None) -> list[Any]:
            return list(model.answers(np.stack(batch), len(batch)).probabilities)

    def parse(line: str) -> Any:
        return np.array(line.split(",")[:SAMPLES], np.float32)

    use_one_thread()
    ScoringModel(model_dir, "0" * 64)
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
    return time.process_time() - began


def bulk_inferrer(model_dir: str, inputs: list[str], out: str) -> float:
    """TFX's BulkInferrer from TFRecord, through its executor."""
    from tfx.components.bulk_inferrer import executor
    from tfx.proto import bulk_inferrer_pb2
    from tfx.types import artifact_utils, standard_artifacts
    from tfx.utils import proto_utils

    folder = Path(out) / "examples" / "Split-test"
    folder.mkdir(parents=True)
    shutil.move(as_tfrecord(inputs, folder), folder / "data_tfrecord-00000-of-00001.gz")
    pack(folder / "data_tfrecord-00000-of-00001.gz")
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
    given = {"examples": [examples], "model": [model]}
    executor.Executor(context).Do(given, {"inference_result": [answers]}, properties)
    return time.process_time() - began


def pack(file: Path) -> None:
    """Compresses a file in place, as TFX expects its examples."""
    import gzip

    file.write_bytes(gzip.compress(file.read_bytes(), 1))


def ours_csv(model_dir: str, inputs: list[str], out: str) -> float:
    """Time the job, CSV in."""
    return job_seconds(model_dir, inputs, out)["cpu"]


def ours_tfrecord(model_dir: str, inputs: list[str], out: str) -> float:
    """Time the job, TFRecord in."""
    Path(out).mkdir()
    return job_seconds(model_dir, [as_tfrecord(inputs, Path(out))], f"{out}/scored")["cpu"]


def ours_machine(model_dir: str, inputs: list[str], out: str) -> float:
    """Return wall seconds that the command, as it is used, takes for these files beyond its start."""
    scratch, cores = Path(out), os.cpu_count() or 1
    scratch.mkdir()
    few, many = (linked(inputs, times, scratch / str(times)) for times in (cores, cores + MACHINE_TIMES))
    return extra_seconds(model_dir, few, many, scratch, cores) / MACHINE_TIMES


PEERS: dict[str, tuple[Callable[[str, list[str], str], float], str]] = {
    "pandas_keras": (pandas_keras, "ours_csv"),
    "pandas_keras_machine": (pandas_keras_machine, "ours_machine"),
    "beam_rows": (beam_rows, "ours_csv"),
    "bulk_inferrer": (bulk_inferrer, "ours_tfrecord"),
}
OURS = {"ours_csv": ours_csv, "ours_tfrecord": ours_tfrecord, "ours_machine": ours_machine}


def measure(name: str, model_dir: str, inputs: list[str]) -> float:
    """Take one measure in a fresh process, whose other output goes to stderr."""
    with tempfile.TemporaryDirectory(prefix="heartbeat-bench-") as scratch:
        command = [sys.executable, "-W", "ignore", "-m", "bench.score_peers", model_dir, *inputs]
        done = subprocess.run(
            [*command, "--measure", name, "--out", f"{scratch}/out"], stdout=subprocess.PIPE, check=True
        )
        return float(done.stdout.splitlines()[-1])


def main() -> None:
    """Take the measures asked for and print a line each."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("model", help="a pushed model's directory")
    arguments.add_argument("inputs", nargs="+", help="labelled CSV files")
    arguments.add_argument("--only", nargs="+", choices=PEERS, default=list(PEERS), help="leave the others out")
    arguments.add_argument("--measure", choices=[*PEERS, *OURS], help=argparse.SUPPRESS)
    arguments.add_argument("--out", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.measure:
        work = OURS.get(given.measure) or PEERS[given.measure][0]
        with contextlib.redirect_stdout(sys.stderr):
            seconds = work(given.model, given.inputs, given.out)
        print(seconds)
        return
    for name in given.only:
        turns = [[measure(of, given.model, given.inputs) for of in (PEERS[name][1], name)] for _ in range(REPEATS)]
        own, peer = (min(taken) for taken in zip(*turns, strict=True))
        line(name, own, peer, "peer", "s" if name.endswith("machine") else "CPU s", peer / own)


if __name__ == "__main__":
    main()
