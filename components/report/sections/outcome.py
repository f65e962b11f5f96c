"""How the run ended, in the gates' own sentences, and the gate's thresholds beside what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.beat import CLASSES
from components.evaluate.settings import GateSettings
from components.report.content import Block, Bullets, Code, Folded, Table, Words
from components.report.material import RunMaterial
from components.report.wording import UNKNOWN, number, percent

ENDED = {
    "done": "The run is done: every stage ran or was taken from the cache.",
    "data_refused": "The data was refused: nothing was trained on it.",
    "model_refused": "The model was refused: it was trained and judged, and is not pushed.",
    "failed": "The run failed.",
    "interrupted": "The run was interrupted.",
}

LOG_LINES = 40
"""Last lines of the log that a failed run's page shows."""


def outcome(material: RunMaterial) -> list[Block]:
    """Say how the run ended and why."""
    summary = material.summary
    blocks: list[Block] = [Words(f"{ENDED[summary['status']]} Exit code {summary['exit_code']}.")]
    if summary["status"] == "done":
        judged = "The model passed its gate." if material.reached("ModelGate") else "No model was judged in it."
        blocks.append(Words(judged))
    failed = [stage["name"] for stage in summary["stages"] if stage["state"] == "failed"]
    if failed:
        blocks.append(Words(f"It stopped at {failed[0]}."))
    if material.verdict:
        blocks.append(Bullets([each.sentence for each in material.verdict]))
    if summary["model"]["pushed"]:
        blocks.append(Code("The model was pushed to", str(summary["model"]["pushed"])))
    if summary["metrics"]:
        blocks.append(_thresholds(material, summary["metrics"]))
    if summary["status"] == "failed":
        blocks.append(Folded("End of the log", [Code("log.txt", _end_of(material.folder / "log.txt"))]))
    return blocks


def _thresholds(material: RunMaterial, metrics: Mapping[str, Any]) -> Table:
    gate = GateSettings.model_validate(material.settings["gate"])
    split: Any = material.split
    required = gate.for_data(split, material.synthetic)
    rows = []
    for kind in ("clean", "noisy"):
        for name, words, shown in (("accuracy", "accuracy", percent), ("macro_f1", "macro-F1", number)):
            value, floor = metrics[kind][name], getattr(required, f"{kind}_{name}")
            rows.append([f"{words}, {kind} beats", shown(value), shown(floor), _reaches(value, floor)])
    for index, symbol in enumerate(CLASSES):
        value, floor = metrics["clean"]["recall"][index], getattr(required.recall, symbol)
        asked = number(floor) if floor else "none"
        rows.append([f"recall of {symbol}, clean beats", number(value), asked, _reaches(value, floor)])
    return Table("What the gate requires of this data", ["figure", "measured", "required", "reached"], rows)


def _reaches(value: float | None, floor: float) -> str:
    if value is None or not floor:
        return UNKNOWN
    return "yes" if value >= floor else "NO"


def _end_of(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="backslashreplace").splitlines()
    return "\n".join(lines[-LOG_LINES:])
