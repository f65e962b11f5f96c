"""Train and judge the recipe of the profile `patient` without Beam, and build the released model.

    heartbeat prepare --wfdb mitdb --wfdb svdb --split none --variants --format parquet --out BEATS
    python -m bench.patients folds BEATS     cross-validate over people: five folds over DS1 and the other archives
    python -m bench.patients ds2 BEATS       learn from DS1 (and the other archives), judge on DS2
    python -m bench.patients release BEATS   the same, by Judge and gate; then learn from all: components/push/released

Networks are trained, fine-tuned and calibrated by the functions of the pipeline's stages, on the same rows. The first
two write a JSON file for each seed into docs/results, of which `bench.results` makes tables.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bench.results import PATIENTS, RESULTS
from components.beat import Beats, confusion_matrix
from components.beats.kaggle import VARIANTS_PARQUET
from components.errors import ModelRefused
from components.ingest.split import held_out_records
from components.io.storage import sha256_of
from components.recordings.splits import MITDB, PACED, Archive, Split, fold_split, patient_split
from components.score.model import RELEASED, model_place
from components.train.calibrate import Certainty
from components.train.data import Spool, TrainingData
from components.train.loop import run_operations_side_by_side
from components.transform.preprocessing import scaled_and_cut
from pipeline.settings import RunSettings, settings_from

FOLDS: Final = 5

RECIPE: Final = "recipe"
"""Folder beside the beats for the model that has not seen DS2, so that whole chains can be tried on it."""

FEATURES: Final = ("label", "record", "context")


def read_beats(file: Path, columns: Iterable[str] = FEATURES) -> Beats:
    """Read a file that `prepare` has written; `signal` is empty where it is not among the columns."""
    import pyarrow.parquet as pq

    table = pq.read_table(file, columns=[*columns])

    def matrix(name: str) -> npt.NDArray[np.float32]:
        values = table[name].combine_chunks().flatten().to_numpy(zero_copy_only=False).astype(np.float32, copy=False)
        return values.reshape(table.num_rows, -1)

    signal = matrix("signal") if "signal" in columns else np.empty((table.num_rows, 0), np.float32)
    label = table["label"].to_numpy().astype(np.int64)
    return Beats(signal, label, tuple(table["record"].to_pylist()), matrix("context"))


def context_of(beats: Beats) -> npt.NDArray[np.float32]:
    """Return the context of beats that have it."""
    assert beats.context is not None, "read_beats reads it"
    return beats.context


def of_records(beats: Beats, records: Iterable[str]) -> Beats:
    """Return the beats of these records."""
    return beats.take(np.flatnonzero(np.isin(np.array(beats.record), [*records])))


@dataclass(frozen=True)
class Trained:
    """A network and what was learnt with it."""

    export: Callable[[Path], None]  # writes the SavedModel
    predict: Callable[[Beats], npt.NDArray[np.int64]]  # int64[n], the classes
    certainty: Certainty
    parameters: int
    rows: dict[str, int]  # beats by what they were for, as in an ingest report
    seconds: float  # of CPU


def train(beats: Beats, variants: Beats, records: set[str], settings: RunSettings) -> Trained:
    """Train as the stages do: on records and their variants, calibrated on held-out ones, which are learnt last."""
    from components.train import finetuner
    from components.train.export import export_model
    from components.train.loop import make_predictor
    from components.train.networks import BODY, with_new_head
    from components.train.trainer import train_clean

    began, data, tune = time.process_time(), settings.data, settings.finetune
    mine = of_records(beats, records)
    names, counts = np.unique(np.array(mine.record), return_counts=True)
    held_out = held_out_records(dict(zip(names.tolist(), counts.tolist(), strict=True)), data.eval_share, data.seed)
    learnt = [of_records(each, records - held_out) for each in (beats, variants)]
    validation = of_records(beats, held_out)
    context = np.concatenate([context_of(each) for each in learnt])
    label = np.concatenate([each.label for each in learnt])
    normalise = _normaliser(context)

    def network_input(each: Beats) -> npt.NDArray[np.float32]:
        values: npt.NDArray[np.float32] = normalise(context_of(each)).numpy()
        return values

    answers = network_input(validation)
    columns = {"clean": context_of(validation), "signal": answers, "noisy": answers}
    training = TrainingData(Spool({"clean": context}, label), Spool(columns, validation.label), normalise)
    model, _ = train_clean(training, settings.train, "Trainer", "clean", 1.0, None)
    model = with_new_head(model.get_layer(BODY), settings.train.network, tune.head_dropout)
    everything = Spool({"clean": np.concatenate([context, context_of(validation)])}, np.append(label, validation.label))
    with tempfile.TemporaryDirectory() as logs:
        finetuner.train_head(model, training, settings.train, tune, logs)
        certainty, _ = finetuner.finish(model, training, lambda: everything, settings.train, tune, logs)
    logits = make_predictor(model)
    return Trained(
        export=lambda folder: export_model(model, settings.train.network, normalise, str(folder), certainty),
        predict=lambda each: logits(network_input(each)).argmax(axis=1),
        certainty=certainty,
        parameters=model.count_params(),
        rows={"train": len(label), "eval": len(validation), "test": 0},
        seconds=time.process_time() - began,
    )


def _normaliser(context: npt.NDArray[np.float32]) -> Any:
    """Return what Transform does to context, with the mean and deviation of these rows, as a concrete function."""
    import tensorflow as tf

    mean, deviation = context.mean(axis=0, dtype=np.float64), context.std(axis=0, dtype=np.float64)
    normalise = tf.function(lambda values: scaled_and_cut(tf.cast(values, tf.float64), mean, deviation))
    return normalise.get_concrete_function(tf.TensorSpec((None, context.shape[1]), tf.float32))


def _archives(beats: Beats) -> list[Archive]:
    records: dict[str, list[str]] = {}
    for name in dict.fromkeys(beats.record or ()):
        archive, _, record = name.rpartition("/")
        records.setdefault(archive, []).append(record)
    return [
        Archive(Path(name), tuple(each), mitdb={*each} <= {*MITDB}, prefix=f"{name}/" if name else "", exclude=PACED)
        for name, each in records.items()
    ]


def write_result(name: str, splits: Sequence[Split], beats: Beats, variants: Beats, settings: RunSettings) -> None:
    """Learn from one side of each split, and write the confusion matrix of every record of the other."""
    records, parameters, seconds, seed = {}, 0, 0.0, settings.train.seed
    for split in splits:
        tested, trained = of_records(beats, split.test), train(beats, variants, {*split.records} - split.test, settings)
        predicted, of = trained.predict(tested), np.array(tested.record)
        for record in dict.fromkeys(tested.record or ()):
            mine = of == record
            records[record] = confusion_matrix(tested.label[mine], predicted[mine]).tolist()
        parameters, seconds = trained.parameters, seconds + trained.seconds
        print(f"{name}, seed {seed}: {len(records)} records tested, {seconds:.0f} CPU s of training", flush=True)
    content = {"data": name, "seed": seed, "parameters": parameters, "cpu_seconds": round(seconds), "records": records}
    folder = RESULTS / PATIENTS
    folder.mkdir(exist_ok=True)
    (folder / f"{name}-{seed}.json").write_text(json.dumps(content) + "\n", encoding="utf-8")


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("folds", "ds2", "release"))
    parser.add_argument("beats", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--set", action="append", default=[], metavar="GROUP.NAME=VALUE", help="as of local_runner.py")
    options = parser.parse_args()
    run_operations_side_by_side()
    columns = FEATURES if options.what == "folds" else ("signal", *FEATURES)
    beats = read_beats(options.beats / "beats.parquet", columns)
    variants, archives = read_beats(options.beats / VARIANTS_PARQUET), _archives(beats)
    for seed in options.seeds:
        settings = settings_from("patient", [f"train.seed={seed}", *options.set])
        if options.what == "release":
            release(options.beats, beats, variants, settings)
        elif options.what == "folds":
            splits = [fold_split(archives, fold, FOLDS) for fold in range(1, FOLDS + 1)]
            write_result("folds", splits, beats, variants, settings)
        else:
            alone = [archive for archive in archives if archive.mitdb]
            for name, learnt_from in (("ds1", alone), ("ds1-svdb", archives)):
                write_result(name, [patient_split(learnt_from)], beats, variants, settings)


def release(source: Path, beats: Beats, variants: Beats, settings: RunSettings) -> None:
    """Judge the recipe on DS2; if the gate lets it out, learn from all records and replace the released model.

    Raises:
        ModelRefused: with the verdict on the recipe.
    """
    from components.evaluate.gate import gate_model
    from components.evaluate.judge import CANDIDATE, CANDIDATE_NOISY, judge, noisy_signal
    from components.push.histogram import count_samples
    from components.push.precision import stage_float32
    from components.push.sidecars import Sidecars, stage_version
    from components.train.export import load_predict

    split = patient_split(_archives(beats))
    learnt, test = {*split.records} - split.test, split.test
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        held_out, tested = train(beats, variants, learnt, settings), of_records(beats, test)
        shutil.rmtree(source / RECIPE, ignore_errors=True)
        held_out.export(source / RECIPE)
        predict = load_predict(str(source / RECIPE))
        judged = judge(
            tested, {CANDIDATE: predict}, noisy_signal, settings.evaluate, "patient", False, held_out.certainty
        )
        answers = {"clean": judged.arrays[CANDIDATE], "noisy": judged.arrays[CANDIDATE_NOISY]}
        decision = gate_model(judged.judgement, tested.label, answers, True, None, settings.gate)
        if decision.refusals:
            raise ModelRefused(decision.verdict)
        whole = train(beats, variants, learnt | test, settings)
        whole.export(folder / "model")
        stage_float32(folder / "model", tested)
        (folder / "stats.pb").write_bytes(_statistics(beats.label))
        digests = {}
        for name in ("beats", "variants"):
            with (source / f"{name}.parquet").open("rb") as file:
                digests[name] = sha256_of(file)
        known = Sidecars(
            judgement={**judged.judgement, "learnt_from": sorted(learnt | test)},
            verdict=decision.verdict,
            rows=whole.rows,
            data_digests=digests,
            settings=json.dumps(settings.model_dump(mode="json")),
            statistics=folder / "stats.pb",
            counts=count_samples([beats.signal]),
        )
        stage_version(folder / "model", folder / "version", known)
        place = Path(model_place(RELEASED))
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(folder / "version", place)


def _statistics(label: npt.NDArray[np.int64]) -> bytes:
    """Return TFDV's statistics of the classes, which pages of scoring jobs compare with."""
    import pandas as pd
    import tensorflow_data_validation as tfdv

    statistics = tfdv.generate_statistics_from_dataframe(pd.DataFrame({"label": label.astype(str)}))
    content: bytes = statistics.SerializeToString()
    return content


if __name__ == "__main__":
    main()
