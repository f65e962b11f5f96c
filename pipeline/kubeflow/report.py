"""A run's page and summary, in the form of a local run's, from what its steps noted and left in the object store."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

from components.io.storage import write_whole
from components.report.pages import write_run_report
from components.verdict import Verdict
from pipeline.kubeflow.copies import Copies
from pipeline.kubeflow.known import Fate, Runs, Task, fates, known_outputs
from pipeline.kubeflow.notes import read_notes
from pipeline.kubeflow.places import RunPlace
from pipeline.outcome import Outcome
from pipeline.refusal import UnexpectedError
from pipeline.settings import RunSettings
from pipeline.summary import StageRecord, Summary

NO_LOG = "Kubeflow's page of the run has the log of {stage}.\n"


def report_run(
    location: RunPlace, settings: RunSettings, tasks: Mapping[str, Task], serving: str, page: Path | None = None
) -> Summary:
    """Publish `settings.json`, `summary.json`, `artifacts.json`, `report/index.html` and a failed step's `log.txt`.

    Args:
        location: the run, all of whose steps have ended; what is published goes into its folder.
        settings: the run's.
        tasks: the compiled pipeline's stages, in order.
        serving: where models are pushed to.
        page: file that gets the page too.

    Returns:
        The summary.

    Raises:
        EnvironmentRefused: the store is not reached, or does not let us read or write.
        HeartbeatError: the page cannot be made.
    """
    notes = read_notes(location)
    by_stage = fates(tasks, notes)
    outputs = known_outputs(by_stage, Runs(location, notes))
    with tempfile.TemporaryDirectory(prefix="heartbeat-report-") as scratch:
        copies = Copies(Path(scratch))
        folder = copies.path_of(location.folder)
        folder.mkdir(parents=True)
        local = _fetched(outputs, copies)
        summary = _summary(location.run, by_stage, local, settings, serving)
        write_whole(folder / "settings.json", settings.model_dump_json(indent=1) + "\n")
        write_whole(folder / "artifacts.json", json.dumps(local, indent=1) + "\n")
        summary.write(folder, folder)
        _keep_log(by_stage, copies, folder)
        made = write_run_report(folder)
        write_whole(made, copies.named(made.read_text(encoding="utf-8")))
        write_whole(folder / "artifacts.json", copies.named(json.dumps(local, indent=1)) + "\n")
        copies.publish(location.folder)
        if page is not None:
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_bytes(made.read_bytes())
    return summary


def _fetched(outputs: Mapping[str, Mapping[str, list[str]]], copies: Copies) -> dict[str, dict[str, list[str]]]:
    """Copy what stages left, and say where the copies are; what is gone from the store is left out."""
    local: dict[str, dict[str, list[str]]] = {}
    for stage, by_key in outputs.items():
        if not by_key:
            local[stage] = {}
        for key, uris in by_key.items():
            found = [str(copy) for uri in uris if (copy := copies.fetch(uri)) is not None]
            if found:
                local.setdefault(stage, {})[key] = found
    return local


def _summary(
    run: str,
    by_stage: Mapping[str, Fate],
    artifacts: Mapping[str, Mapping[str, list[str]]],
    settings: RunSettings,
    serving: str,
) -> Summary:
    summary = Summary(run=run, status="done", exit_code=0)
    summary.data = {"synthetic": False, "split": None, "rows": None}
    outcome = Outcome(artifacts, settings, serving)
    for stage, fate in by_stage.items():
        note = fate.note
        times = (note.seconds, note.cpu_seconds) if note else (0.0, 0.0)
        summary.stages.append(StageRecord(stage, fate.state, *times))
        if fate.state in ("ran", "cached"):
            try:
                summary.take_from(stage, outcome)
            except (KeyError, OSError, ValueError) as error:
                lacking = f"What {stage} left cannot be read ({error!r}): the summary lacks it."
                summary.verdict.append(Verdict("remark", "unreadable", lacking))
        if fate.state == "failed" and summary.status == "done":
            noted = note is not None and note.state == "failed"
            summary.status = note.status if note and noted else UnexpectedError.status
            summary.exit_code = note.exit_code if note and noted else UnexpectedError.exit_code
            summary.verdict += fate.verdict
    summary.count_rows()
    return summary


def _keep_log(by_stage: Mapping[str, Fate], copies: Copies, folder: Path) -> None:
    """Keep the log of the first step that failed, which Kubeflow uploads when the step has ended."""
    for stage, fate in by_stage.items():
        if fate.state == "failed":
            log = copies.fetch(fate.note.log) if fate.note and fate.note.log else None
            text = log.read_text(encoding="utf-8", errors="backslashreplace") if log else NO_LOG.format(stage=stage)
            write_whole(folder / "log.txt", text)
            return
