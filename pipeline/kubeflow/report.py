"""A run's page and summary, in the form of a local run's, from what its steps noted and left in the object store."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from components.io.object_stores import ObjectStore
from components.io.storage import ask_all, write_whole
from components.report.pages import write_run_report
from components.verdict import Verdict
from pipeline.kubeflow.notes import RunNotes, StageResult, Task, find_outputs, read_notes, stage_results
from pipeline.kubeflow.uris import RunFolder, store_uri
from pipeline.outcome import Artifacts, Outcome
from pipeline.refusal import UnexpectedError
from pipeline.settings import RunSettings
from pipeline.summary import StageRecord, Summary, versions_here

NO_LOG = "Kubeflow's page of the run has the log of {stage}.\n"


@dataclass(frozen=True)
class Copies:
    """A local folder in which `<scheme>/<bucket>/<path>` is the copy of `<scheme>://<bucket>/<path>`."""

    top: Path

    def path_of(self, uri: str) -> Path:
        """Return where the copy of an object, or of all objects below a prefix, is."""
        return self.top / store_uri(uri).replace("://", "/", 1)

    def named(self, text: str) -> str:
        """Replace the paths of copies in a text by the URIs of the objects."""
        for scheme in ("s3", "gs"):
            text = text.replace(f"{self.top}/{scheme}/", f"{scheme}://")
        return text

    def fetch(self, uris: Iterable[str]) -> None:
        """Copy objects, and all objects below prefixes, to the folder, side by side; what is not there is left out.

        Raises:
            EnvironmentRefused: the store is not reached, or does not let us read.
        """

        def objects(uri: str) -> list[tuple[ObjectStore, str, Path]]:
            store, copy = ObjectStore(store_uri(uri)), self.path_of(uri)
            names = list(store.sizes()) or ([""] if store.match() else [])
            return [(store, name, copy / name) for name in names]

        listed = [one for several in ask_all(objects, uris) for one in several]
        ask_all(lambda one: one[0].fetch(one[1], one[2]), listed)

    def publish(self, uri: str) -> None:
        """Upload what lies in the copy of a prefix.

        Raises:
            EnvironmentRefused: the store is not reached, or does not let us write.
        """
        folder, target = self.path_of(uri), ObjectStore(store_uri(uri))
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            target.upload(file.relative_to(folder).as_posix(), file)


def report_run(
    run: RunFolder, settings: RunSettings, tasks: Mapping[str, Task], serving: str, page: Path | None = None
) -> Summary:
    """Publish `settings.json`, `summary.json`, `artifacts.json`, `report/index.html` and a failed step's `log.txt`.

    All steps of the run have ended; what is published goes into its folder, and the page also into the file `page`.
    `tasks` are the compiled pipeline's stages, in order.

    Raises:
        EnvironmentRefused: the store is not reached, or does not let us read or write.
        HeartbeatError: the page cannot be made.
    """
    notes = read_notes(run)
    results = stage_results(tasks, notes)
    outputs = find_outputs(results, RunNotes({run: notes}))
    with tempfile.TemporaryDirectory(prefix="heartbeat-report-") as scratch:
        copies = Copies(Path(scratch))
        folder = copies.path_of(run.uri)
        folder.mkdir(parents=True)
        copies.fetch(uri for by_key in outputs.values() for uris in by_key.values() for uri in uris)
        copied = {stage: _copied(by_key, copies) for stage, by_key in outputs.items()}
        artifacts = {stage: by_key for stage, by_key in copied.items() if by_key or not outputs[stage]}
        summary = _summary(run.run, results, artifacts, settings, serving)
        write_whole(folder / "settings.json", settings.model_dump_json(indent=1) + "\n")
        write_whole(folder / "artifacts.json", json.dumps(artifacts, indent=1) + "\n")
        summary.write(folder, folder)
        _keep_log(results, copies, folder)
        made = write_run_report(folder)
        for file in (made, folder / "artifacts.json"):
            write_whole(file, copies.named(file.read_text(encoding="utf-8")))
        copies.publish(run.uri)
        if page is not None:
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_bytes(made.read_bytes())
    return summary


def _copied(by_key: Mapping[str, list[str]], copies: Copies) -> dict[str, list[str]]:
    """Return the local paths of a stage's outputs, without those that are gone from the store."""
    paths = {key: [copies.path_of(uri) for uri in uris] for key, uris in by_key.items()}
    local = {key: [str(path) for path in of_key if path.exists()] for key, of_key in paths.items()}
    return {key: of_key for key, of_key in local.items() if of_key}


def _summary(
    run: str, results: Mapping[str, StageResult], artifacts: Artifacts, settings: RunSettings, serving: str
) -> Summary:
    summary = Summary(run=run, status="done", exit_code=0, versions=versions_here())
    outcome = Outcome(artifacts, settings, serving)
    for stage, result in results.items():
        note = result.note
        times = (note.seconds, note.cpu_seconds) if note else (0.0, 0.0)
        summary.stages.append(StageRecord(stage, result.state, *times))
        if result.state in ("ran", "cached"):
            try:
                summary.take_from(stage, outcome)
            except (KeyError, OSError, ValueError) as error:
                lacking = f"The outputs of {stage} cannot be read ({error!r}): the summary lacks them."
                summary.verdict.append(Verdict("remark", "unreadable", lacking))
        if result.state == "failed" and summary.status == "done":
            noted = note is not None and note.state == "failed"
            summary.status = note.status if note and noted else UnexpectedError.status
            summary.exit_code = note.exit_code if note and noted else UnexpectedError.exit_code
            summary.verdict += result.verdict
    summary.count_rows()
    return summary


def _keep_log(results: Mapping[str, StageResult], copies: Copies, folder: Path) -> None:
    """Keep the log of the first step that failed, which Kubeflow uploads when the step has ended."""
    for stage, result in results.items():
        if result.state == "failed":
            text = NO_LOG.format(stage=stage)
            if result.note and result.note.log:
                copies.fetch([result.note.log])
                log = copies.path_of(result.note.log)
                text = log.read_text(encoding="utf-8", errors="backslashreplace") if log.exists() else text
            write_whole(folder / "log.txt", text)
            return
