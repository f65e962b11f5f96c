"""How a run ended: the gates' own sentences, the gate's thresholds beside what was measured, and its stages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from components.beat import CLASSES
from components.evaluate.settings import GateSettings
from components.report.content import Block, Bullets, Code, Folded, Table, Tone, Words
from components.report.material import RunMaterial
from components.report.wording import UNKNOWN, count, number, percent, seconds, state_of

ENDINGS: Final[Mapping[str, tuple[str, Tone, str]]] = {
    "done": ("Yes: done", "good", "The run is done: every stage ran or was taken from the cache."),
    "data_refused": ("No: data refused", "bad", "The data was refused: nothing was trained on it."),
    "model_refused": (
        "No: model refused",
        "bad",
        "The model was refused: it was trained and judged, and is not pushed.",
    ),
    "failed": ("No: failed", "bad", "The run failed."),
    "interrupted": ("Interrupted", "warn", "The run was interrupted."),
}
"""By the status of a run: whether it worked, the tone of that answer, and the same as a sentence."""

LOG_LINES: Final = 40
"""Last lines of the log that a failed run's page shows."""


def outcome(material: RunMaterial) -> list[Block]:
    """Say how the run ended and why."""
    summary = material.summary
    blocks: list[Block] = [Words(f"{ENDINGS[summary['status']][2]} Exit code {summary['exit_code']}.")]
    if summary["status"] == "done":
        gate = material.reached("ModelGate")
        blocks.append(Words("The model passed its gate." if gate else "No model was judged in it."))
    if stage := material.stopped_at:
        blocks.append(Words(f"It stopped at {stage}."))
    if material.verdict:
        blocks.append(Bullets([each.sentence for each in material.verdict]))
    if pushed := summary["model"]["pushed"]:
        blocks.append(Code("The pushed model is", str(pushed)))
    if summary["metrics"]:
        blocks.append(_thresholds(material, summary["metrics"]))
    if summary["status"] == "failed":
        blocks.append(Folded("End of the log", [Code("log.txt", _end_of(material.folder / "log.txt"))]))
    return blocks


def _thresholds(material: RunMaterial, metrics: Mapping[str, Any]) -> Table:
    split: Any = material.split
    required = GateSettings.model_validate(material.settings["gate"]).for_data(split, material.synthetic)
    rows = []
    for kind in ("clean", "noisy"):
        for name, words, shown in (("accuracy", "accuracy", percent), ("macro_f1", "macro-F1", number)):
            value, least = metrics[kind][name], getattr(required, f"{kind}_{name}")
            rows.append([f"{words}, {kind} beats", shown(value), shown(least), _reached(value, least)])
    for index, symbol in enumerate(CLASSES):
        value, least = metrics["clean"]["recall"][index], getattr(required.recall, symbol)
        requirement = number(least) if least else "none"
        rows.append([f"recall of {symbol}, clean beats", number(value), requirement, _reached(value, least)])
    return Table("What the gate requires of this data", ["figure", "measured", "required", "reached"], rows)


def _reached(value: float | None, least: float) -> str:
    if value is None or not least:
        return UNKNOWN
    return "yes" if value >= least else "NO"


def _end_of(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="backslashreplace").splitlines()
    return "\n".join(lines[-LOG_LINES:])


def stages(material: RunMaterial) -> list[Block]:
    """Tabulate the stages: which ran, which were cached, how long each took; where it stopped is in capitals."""
    summary = material.summary
    rows = []
    for stage in summary["stages"]:
        state = state_of(stage, summary["status"])
        times = [seconds(stage[key]) if state != "skipped" else "" for key in ("seconds", "cpu_seconds")]
        read = "" if stage["rows"] is None else count(stage["rows"])
        rows.append([stage["name"], state.upper() if stage["state"] == "failed" else state, *times, read])
    total = [seconds(sum(stage[key] for stage in summary["stages"])) for key in ("seconds", "cpu_seconds")]
    head = ["stage", "state", "time", "CPU time", "rows read"]
    return [Table("Stages of this run", head, [*rows, ["all", "", *total, ""]], left=(0, 1))]
