"""Each step records its state in the object store, because the report task cannot query Kubeflow for it.

A step notes its start, and later how it ended; these notes tell what became of each stage. A stage that Kubeflow takes
from its cache starts no step and leaves no note: its outputs are found through the notes of the steps that read them
and of earlier runs.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Literal

import absl.logging

from components.errors import HeartbeatError
from components.io.storage import ask_all, list_files, read_whole, write_whole
from components.verdict import Verdict, read_verdict
from pipeline.kubeflow.uris import LOGS_OUTPUT, Json, RunFolder, remote_uri, run_folder_of
from pipeline.refusal import refusal_behind
from pipeline.summary import State

SUFFIX: Final = ".json"

KILLED = (
    "{stage} was killed before it could report an error: most likely by its memory limit, or with its node. The events "
    "of its pod say which; the settings cluster.*.memory_gb raise the limit."
)
NOT_STARTED = "{stage} was not started: Kubeflow's page of the run says why (its image, its node, its inputs)."

Uris = Mapping[str, Sequence[str]]
"""Key of an input or output -> URIs of its artifacts."""


@dataclass(frozen=True)
class StepNote:
    """One step."""

    stage: str
    state: Literal["begun", "ran", "failed"] = "begun"  # a step that stays `begun` was killed
    seconds: float = 0.0  # from start to end, including the imports of TFX
    cpu_seconds: float = 0.0  # of its process and child processes
    status: str = ""  # as a run's, where it failed
    exit_code: int = 0  # what its process ends with
    verdict: Sequence[Verdict] = ()  # why it failed
    inputs: Uris = field(default_factory=dict)  # what it read
    outputs: Uris = field(default_factory=dict)  # what it wrote, if it ran to its end
    log: str | None = None  # URI of its log


@contextmanager
def noted(stage: str | None, executor_input: Json) -> Iterator[None]:
    """Note a step's begin, and its end whatever way that comes; a step without a stage is not noted.

    A note that cannot be written is reported in the step's log, and changes nothing else.
    """
    outputs = _uris(executor_input["outputs"])
    output_file = remote_uri(executor_input["outputs"]["outputFile"])
    # A stage may have no artifacts, and Kubeflow may keep no logs: any output tells the run.
    written = [*(uri for uris in outputs.values() for uri in uris), output_file]
    run = next((folder for uri in written if stage and (folder := run_folder_of(uri, stage))), None)
    logs = outputs.pop(LOGS_OUTPUT, [None])
    if stage is None or run is None:
        yield
        return
    note = StepNote(stage, inputs=_uris(executor_input.get("inputs", {})), outputs=outputs, log=logs[0])
    is_written = _try_to_write(run, note)
    started, cpu = time.perf_counter(), sum(os.times()[:4])
    try:
        yield
    except BaseException as error:
        refusal = refusal_behind(error)
        note = replace(note, status=refusal.status, exit_code=refusal.exit_code, verdict=refusal.verdict)
        note = replace(note, state="failed")
        raise
    else:
        note = replace(note, state="ran")
    finally:
        if is_written:
            took, used = time.perf_counter() - started, sum(os.times()[:4]) - cpu
            _try_to_write(run, replace(note, seconds=round(took, 2), cpu_seconds=round(used, 2)))


def _uris(side: Json) -> dict[str, list[Any]]:
    by_key = side.get("artifacts", {}).items()
    return {key: [artifact["uri"] for artifact in listed.get("artifacts", [])] for key, listed in by_key}


def _try_to_write(run: RunFolder, note: StepNote) -> bool:
    """Write a note over the step's earlier one."""
    try:
        write_whole(f"{run.notes}/{note.stage}{SUFFIX}", json.dumps(asdict(note), indent=1) + "\n")
    except HeartbeatError as error:
        absl.logging.warning("The report will not know of this step. %s", error)
        return False
    return True


def read_notes(run: RunFolder) -> dict[str, StepNote]:
    """Read what a run's steps noted, by stage.

    Raises:
        EnvironmentRefused: the store is not reached, or does not let us read.
    """
    files = [file.path for file in list_files(f"{run.notes}/*{SUFFIX}")]
    notes = {}
    for text in ask_all(read_whole, files):
        fields = json.loads(text)
        notes[fields["stage"]] = StepNote(**fields | {"verdict": read_verdict(fields["verdict"])})
    return notes


@dataclass(frozen=True)
class Task:
    """What the compiled pipeline says of a stage."""

    upstream: tuple[str, ...]  # stages that it waits for
    cached: bool  # whether Kubeflow may take it from its cache


@dataclass(frozen=True)
class StageResult:
    """What became of a stage: its state, its step's note where it has one, and why it failed."""

    state: State
    note: StepNote | None
    verdict: tuple[Verdict, ...] = ()


def stage_results(tasks: Mapping[str, Task], notes: Mapping[str, StepNote]) -> dict[str, StageResult]:
    """Derive what became of each stage; it stands in `tasks` behind all that it waits for.

    A stage without a note was skipped if one before it failed. Otherwise a stage that may be cached was taken from the
    cache, and any other could not be started.
    """
    results: dict[str, StageResult] = {}
    for stage, task in tasks.items():
        note = notes.get(stage)
        if note is not None:
            results[stage] = (
                StageResult("failed", note, _refusal("killed", KILLED, stage))
                if note.state == "begun"
                else StageResult(note.state, note, tuple(note.verdict))
            )
        elif any(results[before].state in ("failed", "skipped") for before in task.upstream):
            results[stage] = StageResult("skipped", None)
        elif task.cached:
            results[stage] = StageResult("cached", None)
        else:
            results[stage] = StageResult("failed", None, _refusal("not_started", NOT_STARTED, stage))
    return results


def _refusal(code: str, sentence: str, stage: str) -> tuple[Verdict, ...]:
    return (Verdict("refusal", code, sentence.format(stage=stage)),)


class RunNotes(dict[RunFolder, Mapping[str, StepNote]]):
    """Notes by run and stage. A run's are read when they are first looked up; a run that left none has none.

    Looking up raises EnvironmentRefused where the store is not reached, or does not let us read.
    """

    def __missing__(self, run: RunFolder) -> Mapping[str, StepNote]:
        self[run] = read_notes(run)
        return self[run]


def find_outputs(results: Mapping[str, StageResult], notes: RunNotes) -> dict[str, dict[str, list[str]]]:
    """Find the outputs of each stage that ran or was cached: stage -> output key -> URIs.

    A cached stage's outputs lie with an earlier run. The step that read one noted its URI, which names that run; from
    there that run's notes are read, and so on. A cached stage that no step reads (SchemaGen) is looked for in the runs
    that were read, by its own inputs. What is not found is left out.

    Raises:
        EnvironmentRefused: the store is not reached, or does not let us read.
    """
    outputs_of: dict[str, dict[str, list[str]]] = {}
    unread = [result.note for result in results.values() if result.note]
    for note in unread:
        if note.state == "ran":
            outputs_of[note.stage] = _lists(note.outputs)
    cached = {stage for stage, result in results.items() if result.state == "cached"}
    while unread:
        for uri in _all(unread.pop().inputs):
            stage = _stage_of(uri, cached)
            run = run_folder_of(uri, stage) if stage else None
            if stage is None or run is None or uri in _all(outputs_of.get(stage, {})):
                continue
            outputs_of.setdefault(stage, {})[uri.rpartition("/")[2]] = [uri]
            earlier = notes[run].get(stage)
            if earlier is not None and uri in _all(earlier.outputs):
                outputs_of[stage] = _lists(earlier.outputs)
                unread.append(earlier)
    for stage in sorted(cached - outputs_of.keys()):
        known = {uri for outputs in outputs_of.values() for uri in _all(outputs)}
        for of_run in notes.values():
            earlier = of_run.get(stage)
            if earlier is not None and earlier.state == "ran" and set(_all(earlier.inputs)) <= known:
                outputs_of[stage] = _lists(earlier.outputs)
    return {stage: outputs_of[stage] for stage in results if stage in outputs_of}


def _stage_of(uri: str, stages: Collection[str]) -> str | None:
    """Return which of these stages left an artifact: its name stands before the key, or before one more part."""
    return next((part for part in uri.split("/")[-3:-1] if part in stages), None)


def _all(uris: Uris) -> list[str]:
    return [uri for listed in uris.values() for uri in listed]


def _lists(uris: Uris) -> dict[str, list[str]]:
    return {key: list(listed) for key, listed in uris.items()}
