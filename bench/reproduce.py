"""Train every figure of docs/results.md again, run by run, each from the whole pipeline; or the study's network.

Usage: python -m bench.reproduce --kaggle DIR --patient DIR --patient-without-202 DIR [--root DIR] [--only NAME ...]
       python -m bench.reproduce --kaggle DIR --study SEED ...

A run that has its file in docs/results/ is not repeated: remove the file to do it again. No seed, epoch or model is
chosen by what a run reaches on its test beats; what is run is listed in RUNS before the first of them starts. With
--study the profile `study` is run up to its Trainer from each seed, and the model of its last epoch is measured on the
test split, beside the study's own figure: one JSON line per seed and one for the mean.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.results import PAGE, RESULTS, results_page
from components.evaluate.metrics import measure
from components.io.artifact_files import SERVING_MODEL
from components.io.examples import read_split
from components.io.storage import write_whole
from components.report.study import ACCURACY as STUDY_ACCURACY
from components.train.export import load_predict
from pipeline.profiles import STUDY

TOP: Final = Path(__file__).parents[1]

MINUTES: Final = {"full": 28, "fast": 15}
"""What one run took on one busy core, Tuner included."""


@dataclass(frozen=True)
class Planned:
    """A run of the pipeline."""

    network: str  # `full` or `fast`
    data: str  # which of the data folders: `kaggle`, `patient` or `patient-without-202`
    seed: int

    @property
    def name(self) -> str:
        """Name of its file in docs/results/, without the suffix."""
        return f"{self.network}-{self.data}-{self.seed}"


RUNS: Final = (
    *(Planned("full", "kaggle", seed) for seed in range(1, 6)),
    *(Planned("fast", "kaggle", seed) for seed in range(1, 6)),
    Planned("full", "patient", 1),
    Planned("full", "patient-without-202", 1),
)


def run_pipeline(data: Path, root: Path, words: Sequence[str]) -> tuple[int, dict[str, Any]]:
    """Run the pipeline; return its exit code and its summary, empty if there is none."""
    command = [sys.executable, "local_runner.py", "--data", str(data), "--root", str(root), "--json", *words]
    done = subprocess.run(command, cwd=TOP, stdout=subprocess.PIPE, check=False)
    return done.returncode, json.loads(done.stdout) if done.stdout.strip() else {}


def artifacts_of(root: Path, summary: dict[str, Any]) -> dict[str, dict[str, list[str]]]:
    """Read where the stages of a run left their artifacts: stage -> output key -> URIs."""
    artifacts: dict[str, dict[str, list[str]]] = json.loads(
        (root / "runs" / summary["run"] / "artifacts.json").read_text(encoding="utf-8")
    )
    return artifacts


def run(planned: Planned, data: Path, root: Path) -> dict[str, Any]:
    """Run the pipeline and return what docs/results/ keeps; a model that the gate refuses was judged all the same."""
    root /= f"{planned.network}-{planned.data}"
    network = ["--set", "train.network=fast"] if planned.network == "fast" else []
    code, summary = run_pipeline(data, root, ["--profile", "full", "--set", f"train.seed={planned.seed}", *network])
    if not summary.get("metrics"):
        sys.exit(f"{planned.name} ended with {code} before its model was judged; its log says why.")
    [judgement] = artifacts_of(root, summary)["Judge"]["judgement"]
    return kept(planned, summary, json.loads(Path(judgement, "judgement.json").read_text(encoding="utf-8")))


def kept(planned: Planned, summary: dict[str, Any], judgement: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a run that the page is made from."""
    ran = [stage for stage in summary["stages"] if stage["state"] == "ran"]
    return {
        "network": planned.network,
        "data": planned.data,
        "seed": planned.seed,
        "split": judgement["split"],
        "status": summary["status"],
        "rows": summary["data"]["rows"],
        "parameters": summary["model"]["parameters"],
        "digest": summary["model"]["digest"],
        "seconds": {stage["name"]: stage["seconds"] for stage in ran},
        "cpu_seconds": {stage["name"]: stage["cpu_seconds"] for stage in ran},
        "metrics": judgement["metrics"],
        "f1": {kind: judgement["f1"][kind] for kind in ("clean", "noisy")},
        "intervals": {kind: judgement["intervals"][kind] for kind in ("clean", "noisy")},
        "calibration": {
            kind: {"ece": measured["ece"], "band": measured["band"]}
            for kind, measured in judgement["calibration"].items()
        },
        "certainty": judgement["certainty"],
        "coverage": {
            kind: max((point["coverage"] for point in points if point["accuracy"] >= 0.995), default=0.0)
            for kind, points in judgement["coverage"].items()
        },
        "noise_levels": [
            {name: level[name] for name in ("sd", "accuracy", "macro_f1")} for level in judgement["noise_levels"]
        ],
    }


def train_missing(chosen: Sequence[Planned], data: dict[str, Path], root: Path) -> None:
    """Run what has no file in docs/results/ yet, and make the page anew after each run."""
    missing = missing_of(chosen)
    minutes = sum(MINUTES[planned.network] for planned in missing)
    done = len(chosen) - len(missing)
    print(f"{done} of {len(chosen)} runs are done; those to do take about {minutes} minutes.", flush=True)
    for planned in missing:
        print(f"{planned.name} ...", flush=True)
        result = run(planned, data[planned.data], root)
        RESULTS.mkdir(parents=True, exist_ok=True)
        write_whole(RESULTS / f"{planned.name}.json", json.dumps(result, indent=1) + "\n")
        PAGE.write_text(results_page(RESULTS), encoding="utf-8")


def missing_of(chosen: Sequence[Planned]) -> list[Planned]:
    """Return the runs that have no file in docs/results/."""
    return [planned for planned in chosen if not (RESULTS / f"{planned.name}.json").exists()]


def train_study(data: Path, root: Path, seeds: Sequence[int]) -> None:
    """Print accuracy and macro-F1 of the study's network from each seed, then the mean beside the study's figure."""
    stages = STUDY["stages"][: STUDY["stages"].index("Trainer") + 1]
    accuracies = []
    for seed in seeds:
        words = ["--profile", "study", "--set", f"stages={json.dumps(stages)}", "--set", f"train.seed={seed}"]
        code, summary = run_pipeline(data, root, words)
        if code:
            sys.exit(f"The study's run from seed {seed} ended with {code}; its log says why.")
        artifacts = artifacts_of(root, summary)
        [model], [examples] = artifacts["Trainer"]["model"], artifacts["ExampleGen"]["examples"]
        beats = read_split(f"{examples}/Split-test")
        measured = measure(load_predict(f"{model}/{SERVING_MODEL}")(beats.signal), beats.label)
        accuracies.append(measured["accuracy"])
        line = {"name": "study, one seed", "seed": seed, **{name: measured[name] for name in ("accuracy", "macro_f1")}}
        [seconds] = [stage["seconds"] for stage in summary["stages"] if stage["name"] == "Trainer"]
        print(json.dumps({**line, "train_seconds": seconds}), flush=True)
    mean = statistics.mean(accuracies)
    line = {"name": f"study: clean test accuracy, mean of {len(accuracies)} seeds", "ours": mean, "unit": "accuracy"}
    print(json.dumps({**line, "peer": STUDY_ACCURACY, "ratio": mean / STUDY_ACCURACY}))


def main() -> None:
    """Read the command line and train what it names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kaggle", type=Path, help="folder of Kaggle's two CSVs")
    parser.add_argument("--patient", type=Path, help="folder of the DS1 / DS2 CSVs")
    parser.add_argument("--patient-without-202", type=Path, help="the same, record 202 left out")
    parser.add_argument("--root", type=Path, default=Path("output/reproduce"), help="where the runs go")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="runs to do, such as full-kaggle-1 (default: all)")
    parser.add_argument("--study", nargs="+", type=int, metavar="SEED", help="train the study's network instead")
    options = parser.parse_args()
    folders = {"kaggle": options.kaggle, "patient": options.patient, "patient-without-202": options.patient_without_202}
    data = {name: folder.absolute() for name, folder in folders.items() if folder is not None}
    chosen = [planned for planned in RUNS if options.only is None or planned.name in options.only]
    if options.study is not None:
        if "kaggle" not in data:
            parser.error("--kaggle is needed for --study")
        return train_study(data["kaggle"], options.root.absolute(), options.study)
    missing = missing_of(chosen)
    for needed in dict.fromkeys(planned.data for planned in missing if planned.data not in data):
        parser.error(f"--{needed} is needed for {', '.join(each.name for each in missing if each.data == needed)}")
    return train_missing(chosen, data, options.root.absolute())


if __name__ == "__main__":
    main()
