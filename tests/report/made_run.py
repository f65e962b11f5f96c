"""A run's folder with everything that a finished run leaves, made in a second from few beats and a tiny model."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from components.beat import CLASSES, SAMPLES, Beats
from components.evaluate.judge import CANDIDATE, FROZEN, TRAINER, judge
from components.evaluate.settings import EvaluateSettings
from components.ingest.report import FileReport, IngestSummary
from components.io.examples import encode_examples
from components.train.calibrate import Certainty
from components.verdict import Verdict, verdict_json
from pipeline.profiles import ALL_STAGES
from pipeline.settings import settings_from
from schema import curated_schema_text
from tests.evaluate.tiny_model import answers_of, save_tiny_model, some_beats, template_weights

ROWS = {"train": 400, "eval": 60, "test": 300}
HOSTILE = "<script>alert(1)</script>"
"""Text of a rejected row."""

EVIL_FILE = "<script>&\"'.csv"


CERTAINTY = Certainty(0.8, 0.25, (0.8, 0.05, 0.05, 0.05, 0.05), {"clean": 0.5, "noisy": 1.0})


def make_run(root: Path, split: Any = "patient", synthetic: bool = True) -> Path:
    """A finished run of all stages; gives its folder."""
    beats = {name: with_records(some_beats(rows, seed)) for seed, (name, rows) in enumerate(ROWS.items())}
    artifacts: dict[str, dict[str, list[str]]] = {stage: {} for stage in ALL_STAGES}

    def add_artifact(stage: str, key: str) -> Path:
        folder = root / "tfx" / stage / key / "1"
        folder.mkdir(parents=True)
        artifacts[stage][key] = [str(folder)]
        return folder

    write_examples(add_artifact("ExampleGen", "examples"), beats)
    write_ingest(add_artifact("ExampleGen", "report"), beats, split, synthetic)
    (add_artifact("CuratedSchema", "schema") / "heartbeat.pbtxt").write_text(curated_schema_text())
    (add_artifact("SchemaGen", "schema") / "schema.pbtxt").write_text(curated_schema_text())
    write_statistics(add_artifact("StatisticsGen", "statistics"), beats)
    write_anomalies(add_artifact("ExampleValidator", "anomalies"))
    write_json(add_artifact("DataGate", "verdict") / "verdict.json", {"verdict": []})
    write_transformed(add_artifact("Transform", "transformed_examples"), beats["train"])
    trials = [{"trial_id": "1", "score": 0.2, "learning_rate": 0.001}, {"trial_id": "0", "score": 0.3}]
    write_json(add_artifact("Tuner", "tuner_results") / "tuner_results.json", trials)
    write_json(add_artifact("Trainer", "model_run") / "history.json", history(3))
    refitted = {name: curve for name, curve in history(3).items() if not name.startswith("val_")}
    phases = {"frozen": history(1), "finetuned": history(2), "refitted": refitted}
    write_json(add_artifact("FineTuner", "model_run") / "history.json", phases)
    for stage in ("Trainer", "FineTuner"):
        (Path(artifacts[stage]["model_run"][0]) / "logs").mkdir()
    save_tiny_model(add_artifact("FineTuner", "model") / "Format-Serving", template_weights())
    judged = judged_by(beats["test"], split, synthetic)
    judgement = add_artifact("Judge", "judgement")
    write_json(judgement / "judgement.json", judged.judgement)
    np.savez_compressed(judgement / "predictions.npz", **judged.arrays)
    return write_run(root, artifacts, judged.judgement["metrics"], split, synthetic)


def write_run(root: Path, artifacts: Any, metrics: Any, split: Any, synthetic: bool) -> Path:
    run = root / "runs" / "20260102T030405"
    run.mkdir(parents=True)
    rows = {**ROWS, "rejects": 1}
    stages = [
        {"name": name, "state": "ran", "seconds": 61.0, "cpu_seconds": 2.5, "rows": rows["train"]}
        for name in ALL_STAGES
    ]
    write_json(
        run / "summary.json",
        {
            "run": run.name,
            "status": "done",
            "exit_code": 0,
            "data": {"synthetic": synthetic, "split": split, "rows": rows},
            "stages": stages,
            "metrics": metrics,
            "model": {"parameters": 79637, "digest": "ab" * 32, "pushed": "/serving/1767323045"},
            "verdict": [asdict(Verdict("release", "released", "Approved: it is good enough."))],
            "versions": {"Python": "3.10.0", "tfx": "9.8.7"},
        },
    )
    write_json(run / "settings.json", settings_from("full").model_dump(mode="json"))
    write_json(run / "artifacts.json", artifacts)
    (run / "log.txt").write_text("first line\nlast line\n")
    return run


def ended(run: Path, status: str, exit_code: int, failed: str, verdict: list[Verdict]) -> None:
    """Turn a finished run into one that stopped at a stage: what comes after is skipped and left nothing."""
    summary, artifacts = (json.loads((run / name).read_text()) for name in ("summary.json", "artifacts.json"))
    at = ALL_STAGES.index(failed)
    for stage in summary["stages"][at:]:
        stage.update(state="skipped", seconds=0.0, cpu_seconds=0.0, rows=None)
    summary["stages"][at]["state"] = "failed"
    summary.update(status=status, exit_code=exit_code, verdict=verdict_json(verdict))
    summary["model"]["pushed"] = None
    if at <= ALL_STAGES.index("Judge"):
        summary["metrics"] = {}
    if at <= ALL_STAGES.index("FineTuner"):
        summary["model"] = {"parameters": None, "digest": None, "pushed": None}
    write_json(run / "summary.json", summary)
    write_json(run / "artifacts.json", {name: artifacts[name] for name in ALL_STAGES[:at]})


def with_records(beats: Beats) -> Beats:
    return Beats(beats.signal, beats.label, tuple(f"r{row % 7}" for row in range(len(beats))))


def judged_by(beats: Beats, split: str, synthetic: bool) -> Any:
    weights = template_weights(14.0)
    models = {
        CANDIDATE: lambda signal, context=None: answers_of(signal, template_weights()),
        TRAINER: lambda signal, context=None: answers_of(signal, weights),
        FROZEN: lambda signal, context=None: answers_of(signal, weights / 2),
    }

    def noise(signal: np.ndarray, draw: int, sd: float) -> np.ndarray:
        return (signal + sd * np.random.default_rng(draw).normal(size=signal.shape)).astype(np.float32)

    return judge(beats, models, noise, EvaluateSettings(resamples=100), split, synthetic, CERTAINTY)


def history(epochs: int) -> dict[str, list[float]]:
    falling = [1 / (epoch + 1) for epoch in range(epochs)]
    losses = dict.fromkeys(("loss", "val_loss", "val_noisy_loss"), falling)
    rising = {name: [1 - value / 2 for value in falling] for name in ("accuracy", "val_accuracy", "val_noisy_accuracy")}
    return {"epoch": [float(epoch + 1) for epoch in range(epochs)], **losses, **rising}


def write_json(file: Path, told: Any) -> None:
    file.write_text(json.dumps(told))


def write_examples(folder: Path, beats: dict[str, Beats]) -> None:
    import tensorflow as tf

    for name, of in beats.items():
        split = folder / f"Split-{name}"
        split.mkdir()
        with tf.io.TFRecordWriter(str(split / "data_tfrecord-00000-of-00001")) as writer:
            for example in encode_examples(of):
                writer.write(example)


def write_ingest(folder: Path, beats: dict[str, Beats], split: Any, synthetic: bool) -> None:
    known = ROWS["train"] + ROWS["eval"]
    files = [
        FileReport(f"/data/{EVIL_FILE}", "train", known + 1, known, 1, {"not a number": 1}, [f"Row 3: {HOSTILE}."]),
        FileReport("/data/mitbih_test.csv", "test", ROWS["test"], ROWS["test"], 0),
    ]
    classes = {name: np.bincount(of.label, minlength=len(CLASSES)).tolist() for name, of in beats.items()}
    told = IngestSummary(
        split, synthetic, {**ROWS, "rejects": 1}, files, {"train": "cd" * 32, "test": "ef" * 32}, classes
    )
    write_json(folder / "ingest.json", asdict(told))
    reject = {"file": f"/data/{EVIL_FILE}", "row": 3, "reason": f"column 0 is {HOSTILE}", "text": HOSTILE * 30}
    (folder / "rejects.jsonl").write_text(json.dumps(reject) + "\n")


def write_statistics(folder: Path, beats: dict[str, Beats]) -> None:
    for name, of in beats.items():
        (folder / f"Split-{name}").mkdir()
        (folder / f"Split-{name}" / "FeatureStats.pb").write_bytes(statistics_of(of).SerializeToString())


def statistics_of(beats: Beats) -> Any:
    """What StatisticsGen says of beats, as far as the reports read it."""
    from tensorflow_metadata.proto.v0 import statistics_pb2

    told = statistics_pb2.DatasetFeatureStatisticsList()
    data = told.datasets.add(num_examples=len(beats))
    signal, label = data.features.add(), data.features.add()
    signal.path.step.append("signal")
    stats = signal.num_stats
    stats.common_stats.num_non_missing = len(beats)
    stats.common_stats.tot_num_values = len(beats) * SAMPLES
    stats.mean, stats.std_dev, stats.min, stats.max = (
        float(f(beats.signal)) for f in (np.mean, np.std, np.min, np.max)
    )
    if beats.record is not None:
        record = data.features.add()
        record.path.step.append("record")
        for name in sorted(set(beats.record)):
            record.string_stats.rank_histogram.buckets.add(label=name, sample_count=beats.record.count(name))
    label.path.step.append("label")
    label.string_stats.unique = len(CLASSES)
    for index, count in enumerate(np.bincount(beats.label, minlength=len(CLASSES))):
        label.string_stats.rank_histogram.buckets.add(label=str(index), sample_count=count)
    return told


def write_anomalies(folder: Path) -> None:
    from tensorflow_metadata.proto.v0 import anomalies_pb2

    for name in ROWS:
        (folder / f"Split-{name}").mkdir()
        (folder / f"Split-{name}" / "SchemaDiff.pb").write_bytes(anomalies_pb2.Anomalies().SerializeToString())


def write_transformed(folder: Path, beats: Beats) -> None:
    """Transformed examples normalised as (sample - 0.25) / 0.5."""
    import tensorflow as tf

    (folder / "Split-train").mkdir()
    file = str(folder / "Split-train" / "transformed_examples-00000-of-00001.gz")
    with tf.io.TFRecordWriter(file, tf.io.TFRecordOptions(compression_type="GZIP")) as writer:
        for signal in beats.signal[:20]:
            features = {
                name: tf.train.Feature(float_list=tf.train.FloatList(value=values))
                for name, values in {"clean": signal, "signal": (signal - 0.25) / 0.5}.items()
            }
            writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
