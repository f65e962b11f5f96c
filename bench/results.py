"""Make docs/results.md from the runs kept in docs/results/: python -m bench.results."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES
from components.evaluate.metrics import accuracy_of, all_n, class_rates, macro_f1_of, named_f1_of

RESULTS: Final = Path(__file__).parents[1] / "docs" / "results"
PAGE: Final = RESULTS.with_suffix(".md")
SPEED: Final = "speed.jsonl"
"""File in RESULTS that holds what `bench.network` printed."""

Run = dict[str, Any]

HEAD: Final = """# Results

On real beats, from whole runs of the pipeline. `make reproduce` trains all of them again (it takes hours, and
continues where it stopped); this page is generated from their results in `docs/results/`. Every choice (network,
training, calibration, thresholds) was made on validation beats, a tenth of the train file, on which the network also
trains in its last epochs (the refit); the test rows were used for evaluation only. No seed was selected: they are
numbered from 1, and none is left out."""

PATIENTS: Final = "patients"
"""Folder in RESULTS of what `bench.patients` left: confusion matrices of all records, by data and seed."""

STRANGERS: Final = (
    "The recipe of the profile `patient`: the context of annotated beats of one lead, N S V F, Q counted as wrong. "
    "Recall / precision pool all beats. Networks never saw a record that they are tested on. Every choice was "
    "made on the folds; [patients.md](patients.md) lists all evaluations on DS2. Made by `python -m bench.patients`."
)

TESTED: Final = (
    ("folds", "five folds over DS1 and SVDB", (("", ""), ("mitdb/", ": DS1"), ("svdb/", ": SVDB"))),
    ("ds1", "DS2, trained on DS1", (("", ""), ("-mitdb/232", " without 232"), ("-mitdb/202", " without 202"))),
    ("ds1-svdb", "DS2, trained on DS1 and SVDB", (("", ""), ("-mitdb/232", " without 232"),
                                                  ("-mitdb/202", " without 202"))),
)  # fmt: skip
"""Data that was tested on, its title, and which records a row has: all whose names begin so, or all but one."""

SAME_PATIENTS: Final = (
    "Kaggle's split has beats of the same 47 patients on both sides, so all figures on it, ours and others', are "
    "optimistic for a new patient; the patient split below is the realistic one."
)

EACH_BEAT_ALONE: Final = (
    "Trained on DS1, tested on DS2, each beat alone. Records 201 and 202 are one person on both sides; the lower rows "
    "leave 202 out. Calling every beat N is right more often than this model: accuracy alone says little here."
)

HEADLINE: Final = (
    ("accuracy, clean beats", "96.67 %", "99.00 % claimed, 98.77 % with code", "metrics.clean.accuracy", ".2%"),
    ("macro-F1, clean beats", "", ".940 claimed, .932 with code", "metrics.clean.macro_f1", ".3f"),
    ("accuracy, noisy beats (sd 0.05, 5 draws), same model", "76.3 % (on its balanced train beats)", "",
     "metrics.noisy.accuracy", ".2%"),
    ("macro-F1, noisy beats", "", "", "metrics.noisy.macro_f1", ".3f"),
    ("points of clean accuracy lost by training on noise", "", "", "points_lost", "+.2f"),
    ("accuracy of class-balanced predictions (adjusted on validation), clean", "", "",
     "certainty.clean.shifted_accuracy", ".2%"),
    ("mean recall of those", "", "", "certainty.clean.shifted_mean_recall", ".3f"),
    ("the same, noisy", "", "", "certainty.noisy.shifted_accuracy", ".2%"),
    ("mean recall of those", "", "", "certainty.noisy.shifted_mean_recall", ".3f"),
    ("expected calibration error, clean", "", "", "calibration.clean.ece", ".4f"),
    ("expected calibration error, noisy", "", "", "calibration.noisy.ece", ".4f"),
    ("clean beats kept with 99.5 % of the kept ones right", "", "", "coverage.clean", ".1%"),
    ("clean beats kept by the model's own threshold", "", "", "certainty.clean.kept", ".2%"),
    ("accuracy of those", "", "", "certainty.clean.kept_accuracy", ".2%"),
    ("parameters", "223,429", "2.65 million", "parameters", ",.0f"),
    ("CPU minutes of Trainer and FineTuner", "", "", "cpu_minutes", ".1f"),
)  # fmt: skip
"""Rows of the headline table: figure, the study's, the best published, where the figure is in a run, its format."""

PICTURES = """From the report of the run with the default seed (`make pictures`); every run ends by naming its own.

![confusion matrix of the fine-tuned model on clean test beats](pictures/confusion.svg)

![accuracy and macro-F1 against the level of noise](pictures/noise.svg)

![recall, precision and F1 of each class on clean test beats, with 95 % intervals](pictures/classes.svg)"""


def results_page(folder: Path) -> str:
    """Return the page of the runs in a folder as Markdown."""
    runs = [_load(file) for file in sorted(folder.glob("*-*.json"))]
    return "\n\n".join(_parts(runs, folder)) + "\n"


def _load(file: Path) -> Run:
    run: Run = json.loads(file.read_text(encoding="utf-8"))
    clean = run["metrics"]["clean"]
    run["points_lost"] = 100 * (run["metrics"]["trainer"]["clean"]["accuracy"] - clean["accuracy"])
    run["cpu_minutes"] = (run["cpu_seconds"]["Trainer"] + run["cpu_seconds"]["FineTuner"]) / 60
    return run


def _parts(runs: Sequence[Run], folder: Path) -> Iterator[str]:
    def runs_of(network: str, data: str) -> list[Run]:
        return [run for run in runs if (run["network"], run["data"]) == (network, data)]

    yield HEAD
    if full := runs_of("full", "kaggle"):
        yield f"## Kaggle's own test rows, mean of {len(full)} seeds"
        yield SAME_PATIENTS
        yield from _notes(full)
        yield _headline(full)
        yield from ("### By class", _by_class(full), "### By level of noise, one draw each", _by_noise(full))
        yield from ("### Seed by seed", _by_seed(full))
        yield from ("### Pictures of one of them", PICTURES)
    if fast := runs_of("fast", "kaggle"):
        yield f"## The fast network (`train.network=fast`), mean of {len(fast)} seeds"
        yield from _notes(fast)
        yield _headline(fast)
        yield from ("### Seed by seed", _by_seed(fast))
    if (folder / SPEED).exists():
        yield from ("## Beats a second", _speed(folder / SPEED))
    patients = {"DS2": runs_of("full", "patient"), "DS2 without 202": runs_of("full", "patient-without-202")}
    if strangers := _strangers(folder / PATIENTS):
        yield from ("## New patients: the context of a beat", STRANGERS, strangers)
    if any(patients.values()):
        yield "## New patients: each beat alone, DS1 / DS2"
        yield from _notes([run for of_test in patients.values() for run in of_test])
        yield from (EACH_BEAT_ALONE, _by_patients(patients))


def _notes(runs: Sequence[Run]) -> dict[str, None]:
    """Return what must be known of how some of these runs were made, each note once."""
    return dict.fromkeys(run["note"] for run in runs if "note" in run)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join([f"| {' | '.join(head)} |", "|---" * len(head) + "|", *(f"| {' | '.join(row)} |" for row in rows)])


def _value(run: Any, path: str) -> Any:
    """Return a value of a run by its path, such as `metrics.clean.accuracy`."""
    for key in path.split("."):
        run = run[key]
    return run


def _headline(runs: Sequence[Run]) -> str:
    rows = []
    for figure, study, best, path, form in HEADLINE:
        values = [_value(run, path) for run in runs]
        mean, least, most = (format(value, form) for value in (statistics.mean(values), min(values), max(values)))
        rows.append([figure, study, best, f"{mean} ({least} to {most})", _interval(runs, path, form)])
    head = ["figure", "the study", "best published", "here: mean (least to most of the seeds)", "95 % interval"]
    return _table(head, rows)


def _interval(runs: Sequence[Run], path: str, form: str) -> str:
    """Return the mean interval of a figure, or for a calibration error what a calibrated model shows by chance."""
    group, _, rest = path.partition(".")
    if group not in ("metrics", "calibration"):
        return ""
    source = f"intervals.{rest}" if group == "metrics" else path.replace(".ece", ".band")
    low, high = (format(statistics.mean(_value(run, source)[end] for run in runs), form) for end in (0, 1))
    return f"{'by chance ' if group == 'calibration' else ''}{low} to {high}"


def _by_class(runs: Sequence[Run]) -> str:
    rows = []
    for index, symbol in enumerate(CLASSES):
        beats = sum(runs[0]["metrics"]["clean"]["confusion"][index])
        paths = [
            path
            for kind in ("clean", "noisy")
            for path in (f"metrics.{kind}.recall", f"metrics.{kind}.precision", f"f1.{kind}")
        ]
        means = [statistics.mean(_value(run, path)[index] for run in runs) for path in paths]
        rows.append([symbol, f"{beats:,}", *(f"{mean:.3f}" for mean in means)])
    head = ["class", "test beats", "clean: recall", "precision", "F1", "noisy: recall", "precision", "F1"]
    return _table(head, rows)


def _by_noise(runs: Sequence[Run]) -> str:
    rows = []
    for levels in zip(*(run["noise_levels"] for run in runs), strict=True):
        accuracy, macro_f1 = (statistics.mean(level[name] for level in levels) for name in ("accuracy", "macro_f1"))
        rows.append([f"{levels[0]['sd']:g}", f"{accuracy:.2%}", f"{macro_f1:.3f}"])
    return _table(["sd of the noise", "accuracy", "macro-F1"], rows)


def _by_seed(runs: Sequence[Run]) -> str:
    rows = []
    for run in runs:
        models = [run["metrics"]["clean"], run["metrics"]["noisy"], run["metrics"]["trainer"]["clean"]]
        ece = ", ".join(f"{run['calibration'][kind]['ece']:.4f}" for kind in ("clean", "noisy"))
        size, minutes = f"{run['parameters']:,}", f"{run['cpu_minutes']:.1f}"
        rows.append([str(run["seed"]), *map(_pair, models), ece, size, minutes])
    head = ["seed", "clean accuracy / macro-F1", "noisy", "clean-trained, clean", "ECE clean, noisy"]
    return _table([*head, "parameters", "CPU minutes"], rows)


def _pair(metrics: Run) -> str:
    return f"{metrics['accuracy']:.2%} / {metrics['macro_f1']:.3f}"


def _speed(file: Path) -> str:
    lines = [json.loads(text) for text in file.read_text(encoding="utf-8").splitlines()]
    rows = [[line["name"], f"{line['ours']:,}", f"{line['peer']:,}", f"{line['ratio']:.1f}"] for line in lines]
    return _table(["network, as it is served, one core", "beats/s", "the study's, same run", "ratio"], rows)


def _by_patients(runs: dict[str, list[Run]]) -> str:
    rows = []
    for test, of_test in runs.items():
        for run in of_test:
            clean, noisy = run["metrics"]["clean"], run["metrics"]["noisy"]
            s, v = (f"{clean['recall'][index]:.3f} / {clean['precision'][index]:.3f}" for index in (1, 2))
            beats = f"{run['rows']['test']:,}"
            rows.append([test, beats, _pair(clean), v, s, _pair(noisy)])
            called = all_n(np.array(clean["confusion"]))
            normal = _pair({"accuracy": accuracy_of(called), "macro_f1": macro_f1_of(called)})
            rows.append([f"{test}, every beat called N", beats, normal, "0.000 / –", "0.000 / –", normal])
    head = ["test", "beats", "accuracy / macro-F1", "V recall / precision", "S recall / precision", "the same, noisy"]
    return _table(head, rows)


def _strangers(folder: Path) -> str:
    """Return the table of people never seen, means over seeds; empty where nothing was tested."""
    rows = []
    for name, title, parts in TESTED:
        runs = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob(f"{name}-[0-9]*.json"))]
        for chosen, words in parts if runs else ():
            tested = [_pooled(run["records"], chosen) for run in runs]
            accuracies = [float(accuracy_of(each)) for each in tested]
            rates = np.mean([class_rates(each) for each in tested], axis=0)
            rows.append(
                [
                    f"{title}{words}",
                    str(len(runs)),
                    f"{tested[0].sum():,}",
                    f"{accuracy_of(all_n(tested[0])):.2%}",
                    f"{statistics.mean(accuracies):.2%} ({min(accuracies):.2%} to {max(accuracies):.2%})",
                    f"{statistics.mean(float(named_f1_of(each)) for each in tested):.3f}",
                    *(f"{rates[0][index]:.3f} / {rates[1][index]:.3f}" for index in (2, 1)),
                ]
            )
    head = ["tested on", "seeds", "beats", "every beat called N", "accuracy: mean (least to most)"]
    return _table([*head, "mean F1 of N, S, V", "V", "S"], rows) if rows else ""


def _pooled(records: dict[str, Any], chosen: str) -> npt.NDArray[np.int64]:
    """Add up the confusion matrices of records whose names begin so, or, after a minus, of all but this one."""
    names = [name for name in records if (name != chosen[1:] if chosen[:1] == "-" else name.startswith(chosen))]
    pooled: npt.NDArray[np.int64] = np.sum([records[name] for name in names], axis=0)
    return pooled


if __name__ == "__main__":
    PAGE.write_text(results_page(RESULTS), encoding="utf-8")
