"""Train the study's network from several seeds and set its accuracy beside the study's own figure.

    python bench/study.py --data DIR [--root DIR] [--seeds 1 2 3]

Runs the `study` profile up to its Trainer (ingest and Transform are cached after the first seed), then measures each
clean-trained model on the test split, without choosing among epochs or seeds.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from components.evaluate.metrics import measure
from components.io.examples import read_examples
from components.train.served import ServedModel
from pipeline.profiles import STUDY

STUDY_ACCURACY = 0.9667
"""The study's own figure for its clean-trained model on clean test beats."""

TOP = Path(__file__).parents[1]


def train(data: str, root: Path, seed: int) -> dict[str, Any]:
    """Run the profile up to the Trainer and return the run's summary."""
    stages = STUDY["stages"][: STUDY["stages"].index("Trainer") + 1]
    words = ["--data", data, "--root", str(root), "--profile", "study", "--json"]
    words += ["--set", f"stages={json.dumps(stages)}", "--set", f"train.seed={seed}"]
    done = subprocess.run([sys.executable, "local_runner.py", *words], cwd=TOP, stdout=subprocess.PIPE, check=True)
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


def judge(root: Path, run: str) -> dict[str, Any]:
    """Measure a run's clean-trained model on the run's test split."""
    artifacts = json.loads((root / "runs" / run / "artifacts.json").read_text(encoding="utf-8"))
    [model], [examples] = artifacts["Trainer"]["model"], artifacts["ExampleGen"]["examples"]
    beats = read_examples(os.path.join(examples, "Split-test"))
    return measure(
        ServedModel(os.path.join(model, "Format-Serving")).probabilities(beats.signal), beats.label
    ).to_json()


def main() -> None:
    """Print one JSON line per seed, then the mean beside the study's figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder of Kaggle's two CSVs")
    parser.add_argument("--root", type=Path, default=Path("output/study"), help="root of the runs")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="seeds to train from")
    given = parser.parse_args()
    accuracies = []
    for seed in given.seeds:
        summary = train(given.data, given.root.absolute(), seed)
        told = judge(given.root.absolute(), summary["run"])
        seconds = next(stage["seconds"] for stage in summary["stages"] if stage["name"] == "Trainer")
        accuracies.append(told["accuracy"])
        line = {"name": "study, one seed", "seed": seed, "accuracy": told["accuracy"], "macro_f1": told["macro_f1"]}
        print(json.dumps({**line, "train_seconds": seconds}), flush=True)
    mean = statistics.mean(accuracies)
    line = {"name": f"study: clean test accuracy, mean of {len(accuracies)} seeds", "ours": mean}
    print(json.dumps({**line, "peer": STUDY_ACCURACY, "unit": "accuracy", "ratio": mean / STUDY_ACCURACY}))


if __name__ == "__main__":
    main()
