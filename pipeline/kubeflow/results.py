"""What became of each stage of a run and where its outputs are, from the notes of its steps and of earlier runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from components.verdict import Verdict
from pipeline.kubeflow.notes import StepNote, Uris, read_notes
from pipeline.kubeflow.uris import RunFolder, run_folder_of
from pipeline.summary import State

KILLED = (
    "{stage} was killed before it could report an error: most likely by its memory limit, or with its node. The events "
    "of its pod say which; the settings cluster.*.memory_gb raise the limit."
)
NOT_STARTED = "{stage} was not started: Kubeflow's page of the run says why (its image, its node, its inputs)."


@dataclass(frozen=True)
class Task:
    """What the compiled pipeline says of a stage.

    Attributes:
        upstream: stages that it waits for.
        cached: whether Kubeflow may take it from its cache.
    """

    upstream: tuple[str, ...]
    cached: bool


@dataclass(frozen=True)
class StageResult:
    """What became of a stage: its state, its step's note where it has one, and why it failed."""

    state: State
    note: StepNote | None
    verdict: tuple[Verdict, ...] = ()


def stage_results(tasks: Mapping[str, Task], notes: Mapping[str, StepNote]) -> dict[str, StageResult]:
    """Derive what became of each stage.

    A stage without a note was skipped if one before it failed. Otherwise a stage that may be cached was taken from the
    cache, and any other could not be started.

    Args:
        tasks: the pipeline, in an order in which a stage stands behind all that it waits for.
        notes: of the run's steps.
    """
    results: dict[str, StageResult] = {}
    for stage, task in tasks.items():
        note = notes.get(stage)
        if note is not None:
            results[stage] = _noted(stage, note)
        elif any(results[before].state in ("failed", "skipped") for before in task.upstream):
            results[stage] = StageResult("skipped", None)
        elif task.cached:
            results[stage] = StageResult("cached", None)
        else:
            results[stage] = StageResult("failed", None, _refusal("not_started", NOT_STARTED, stage))
    return results


def _noted(stage: str, note: StepNote) -> StageResult:
    if note.state == "begun":
        return StageResult("failed", note, _refusal("killed", KILLED, stage))
    state: Literal["ran", "failed"] = "ran" if note.state == "ran" else "failed"
    return StageResult(state, note, tuple(note.verdict))


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
