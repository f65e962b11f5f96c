"""How a run ended: the gates' sentences, requirements next to results, stages, digests, settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from components.beat import CLASSES
from components.evaluate.settings import GateSettings
from components.report.content import Block, Bullets, Code, Folded, Table, Tone, Words
from components.report.material import NotReachedError, RunMaterial
from components.report.wording import UNKNOWN, count, number, percent, seconds, state_of
from components.settings import flatten

ENDINGS: Final[Mapping[str, tuple[str, Tone, str]]] = {
    "done": ("Yes: done", "good", "The run is done: every stage ran or was taken from the cache."),
    "data_refused": ("No: data refused", "bad", "The data was refused: nothing was trained on it."),
    "model_refused": (
        "No: model refused",
        "bad",
        "The model was refused: it was trained and judged, but not pushed.",
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
        blocks.append(Words("The model passed its gate." if gate else "No model was judged."))
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
    """Tabulate the stages: which ran, which were cached, how long each took; a failed one in capitals."""
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


def run_origin(material: RunMaterial) -> list[Block]:
    """Tabulate digests, versions and settings of a run."""
    try:
        digests = [[f"{side} data", digest] for side, digest in material.ingest.digests.items()]
    except NotReachedError:
        digests = [["data", "not read"]]
    digests.append(["model", material.summary["model"].get("digest") or UNKNOWN])
    settings = [[name, _setting(value)] for name, value in flatten(material.settings)]
    return [
        Table("SHA-256 digests", ["of", "digest"], digests, left=(0, 1)),
        *_versions(material),
        Folded(
            f"All {len(settings)} settings of the run",
            [Table("Settings of the run", ["setting", "value"], settings, left=(0, 1))],
        ),
    ]


def _versions(material: RunMaterial) -> list[Block]:
    versions = material.summary.get("versions")
    if not versions:
        return [Words("This run did not record its versions.")]
    blocks: list[Block] = [
        Table("Versions that the run was made with", ["of", "version"], [*versions.items()], left=(0, 1)),
        Words("The same data, settings and versions on the same kind of machine give the same model."),
    ]
    if any(stage["state"] == "cached" for stage in material.summary["stages"]):
        blocks.append(Words("Stages from the cache were run earlier, perhaps with other versions."))
    return blocks


def _setting(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return str(value) or "none"


def study_notes(material: RunMaterial) -> list[Block]:
    """List what to know when comparing a run with the study."""
    policy = material.settings["train"]["policy"]
    return [
        Bullets(
            [
                "The study validates on its test set and keeps the best epoch there, so its figures are for an "
                "epoch chosen on the test beats. Here validation beats are cut from the train file.",
                "The study's confusion matrices carry class names in the wrong order. Here every matrix, table and "
                "colour takes its order from one place: N, S, V, F, Q.",
                f"The study balances its classes before training; this run's policy is {policy}.",
                "The study's accuracy under noise is on its training set; here all figures are on test beats.",
                "Its time axes count samples; here they are in ms, at 120 Hz.",
                "95 % intervals: Wilson's for recall and precision, a bootstrap over beats for the others. They cover "
                "chance in the choice of test beats, not in another training or other patients.",
            ]
        )
    ]
