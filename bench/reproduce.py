"""Train every figure that docs/results.md shows again, run by run, each from the whole pipeline.

Usage: python -m bench.reproduce --kaggle DIR --patient DIR --patient-without-202 DIR [--root DIR] [--only NAME ...]

A run that has its file in docs/results/ is not repeated: remove the file to do it again. No seed, epoch or model is
chosen by what a run reaches on its test beats; what is run is listed in RUNS before the first of them starts.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.results import PAGE, RESULTS, results_page
from pipeline.runfolder import write_whole

TOP: Final = Path(__file__).parents[1]

MINUTES: Final = {"full": 28, "fast": 15}
"""What one run took on one busy core, Tuner and all."""


@dataclass(frozen=True)
class Planned:
    """A run of the pipeline.

    Attributes:
        network: `full` or `fast`.
        data: which of the data folders: `kaggle`, `patient` or `patient-without-202`.
        seed: of training.
    """

    network: str
    data: str
    seed: int

    @property
    def name(self) -> str:
        """What its file is called."""
        return f"{self.network}-{self.data}-{self.seed}"


RUNS: Final = (
    *(Planned("full", "kaggle", seed) for seed in range(1, 6)),
    *(Planned("fast", "kaggle", seed) for seed in range(1, 6)),
    Planned("full", "patient", 1),
    Planned("full", "patient-without-202", 1),
)


def run(planned: Planned, data: str, root: Path) -> dict[str, Any]:
    """Run the pipeline; a model that the gate refuses was judged all the same.

    Returns:
        What docs/results/ keeps of the run.
    """
    words = ["--data", data, "--root", str(root / f"{planned.network}-{planned.data}"), "--profile", "full", "--json"]
    words += ["--set", f"train.seed={planned.seed}"]
    words += ["--set", "train.network=fast"] if planned.network == "fast" else []
    done = subprocess.run([sys.executable, "local_runner.py", *words], cwd=TOP, stdout=subprocess.PIPE, check=False)
    summary = json.loads(done.stdout) if done.stdout.strip() else {}
    if not summary.get("metrics"):
        sys.exit(f"{planned.name} ended with {done.returncode} before its model was judged; its log says why.")
    folder = root / f"{planned.network}-{planned.data}" / "runs" / summary["run"]
    [judgement] = json.loads((folder / "artifacts.json").read_text(encoding="utf-8"))["Judge"]["judgement"]
    return kept(planned, summary, json.loads(Path(judgement, "judgement.json").read_text(encoding="utf-8")))


def kept(planned: Planned, summary: dict[str, Any], judgement: dict[str, Any]) -> dict[str, Any]:
    """The part of a run that the page is made from."""
    return {
        "network": planned.network,
        "data": planned.data,
        "seed": planned.seed,
        "split": judgement["split"],
        "status": summary["status"],
        "rows": summary["data"]["rows"],
        "parameters": summary["model"]["parameters"],
        "digest": summary["model"]["digest"],
        "seconds": {stage["name"]: stage["seconds"] for stage in summary["stages"] if stage["state"] == "ran"},
        "cpu_seconds": {stage["name"]: stage["cpu_seconds"] for stage in summary["stages"] if stage["state"] == "ran"},
        "metrics": judgement["metrics"],
        "f1": {kind: judgement["f1"][kind] for kind in ("clean", "noisy")},
        "intervals": {kind: judgement["intervals"][kind] for kind in ("clean", "noisy")},
        "calibration": {
            kind: {"ece": told["ece"], "band": told["band"]} for kind, told in judgement["calibration"].items()
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


def main() -> None:
    """Runs what is missing; the page is made anew after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kaggle", help="folder of Kaggle's two CSVs")
    parser.add_argument("--patient", help="folder of the DS1 / DS2 CSVs")
    parser.add_argument("--patient-without-202", help="the same, record 202 left out")
    parser.add_argument("--root", type=Path, default=Path("output/reproduce"), help="where the runs go")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="runs to do, such as full-kaggle-1 (default: all)")
    given = parser.parse_args()
    places = {"kaggle": given.kaggle, "patient": given.patient, "patient-without-202": given.patient_without_202}
    asked = [planned for planned in RUNS if given.only is None or planned.name in given.only]
    missing = [planned for planned in asked if not (RESULTS / f"{planned.name}.json").exists()]
    for needed in dict.fromkeys(planned.data for planned in missing):
        if places[needed] is None:
            parser.error(f"--{needed} is needed for {', '.join(p.name for p in missing if p.data == needed)}")
    minutes = sum(MINUTES[planned.network] for planned in missing)
    done = len(asked) - len(missing)
    print(f"{done} of {len(asked)} runs are done; those to do take about {minutes} minutes.", flush=True)
    for planned in missing:
        print(f"{planned.name} ...", flush=True)
        told = run(planned, str(Path(places[planned.data]).absolute()), given.root.absolute())
        RESULTS.mkdir(parents=True, exist_ok=True)
        write_whole(RESULTS / f"{planned.name}.json", json.dumps(told, indent=1) + "\n")
        PAGE.write_text(results_page(RESULTS), encoding="utf-8")


if __name__ == "__main__":
    main()
