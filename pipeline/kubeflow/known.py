"""What the stages of a run left, and what became of each: from the notes of its steps, and of the runs before it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from components.verdict import Verdict
from pipeline.kubeflow.notes import StepNote, Uris, read_notes
from pipeline.kubeflow.places import RunPlace, run_place
from pipeline.summary import State

KILLED = (
    "{stage} was killed before it could report an error, most likely by its memory limit. Check the events of its "
    "pod; the settings cluster.*.memory_gb raise the limit."
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
class Fate:
    """What became of a stage.

    Attributes:
        state: as in a summary.
        note: its step's, where it has one.
        verdict: why it failed.
    """

    state: State
    note: StepNote | None
    verdict: tuple[Verdict, ...] = ()


def fates(tasks: Mapping[str, Task], notes: Mapping[str, StepNote]) -> dict[str, Fate]:
    """Say what became of each stage.

    A stage without a note was skipped if one before it failed. Otherwise a stage that may be cached was taken from the
    cache, and any other could not be started.

    Args:
        tasks: the pipeline, in an order in which a stage stands behind all that it waits for.
        notes: of the run's steps.
    """
    by_stage: dict[str, Fate] = {}
    for stage, task in tasks.items():
        note = notes.get(stage)
        if note is not None:
            by_stage[stage] = _noted(stage, note)
        elif any(by_stage[before].state in ("failed", "skipped") for before in task.upstream):
            by_stage[stage] = Fate("skipped", None)
        elif task.cached:
            by_stage[stage] = Fate("cached", None)
        else:
            by_stage[stage] = Fate("failed", None, _refusal("not_started", NOT_STARTED, stage))
    return by_stage


def _noted(stage: str, note: StepNote) -> Fate:
    if note.state == "begun":
        return Fate("failed", note, _refusal("killed", KILLED, stage))
    state: Literal["ran", "failed"] = "ran" if note.state == "ran" else "failed"
    return Fate(state, note, tuple(note.verdict))


def _refusal(code: str, sentence: str, stage: str) -> tuple[Verdict, ...]:
    return (Verdict("refusal", code, sentence.format(stage=stage)),)


class Runs:
    """Notes of this run's steps and of runs before it; a run's are read when they are first asked for."""

    def __init__(self, location: RunPlace, notes: Mapping[str, StepNote]) -> None:
        self._notes = {location: notes}

    def of(self, location: RunPlace) -> Mapping[str, StepNote]:
        """Return the notes of a run, by stage; none where it left none.

        Raises:
            EnvironmentRefused: the store is not reached, or does not let us read.
        """
        if location not in self._notes:
            self._notes[location] = read_notes(location)
        return self._notes[location]

    def asked_for(self) -> list[Mapping[str, StepNote]]:
        """Return the notes of all runs that were asked for, this run's first."""
        return list(self._notes.values())


def known_outputs(by_stage: Mapping[str, Fate], runs: Runs) -> dict[str, dict[str, list[str]]]:
    """Find what each stage left that ran or was cached: stage -> output key -> URIs.

    What a cached stage left lies with an earlier run. The step that read it noted where; from there that run's notes
    are read, and so on. A cached stage that no step reads (SchemaGen) is looked for in the runs that were come to, by
    what it read itself. What is not found is left out.

    Raises:
        EnvironmentRefused: the store is not reached, or does not let us read.
    """
    outputs_of: dict[str, dict[str, list[str]]] = {}
    unread = [fate.note for fate in by_stage.values() if fate.note]
    for note in unread:
        if note.state == "ran":
            outputs_of[note.stage] = _lists(note.outputs)
    cached = {stage for stage, fate in by_stage.items() if fate.state == "cached"}
    while unread:
        for uri in _all(unread.pop().inputs):
            stage = _stage_of(uri, cached)
            location = run_place(uri, stage) if stage else None
            if stage is None or location is None or uri in _all(outputs_of.get(stage, {})):
                continue
            outputs_of.setdefault(stage, {})[uri.rpartition("/")[2]] = [uri]
            earlier = runs.of(location).get(stage)
            if earlier is not None and uri in _all(earlier.outputs):
                outputs_of[stage] = _lists(earlier.outputs)
                unread.append(earlier)
    for stage in sorted(cached - outputs_of.keys()):
        known = {uri for outputs in outputs_of.values() for uri in _all(outputs)}
        for notes in runs.asked_for():
            earlier = notes.get(stage)
            if earlier is not None and earlier.state == "ran" and set(_all(earlier.inputs)) <= known:
                outputs_of[stage] = _lists(earlier.outputs)
    return {stage: outputs_of[stage] for stage in by_stage if stage in outputs_of}


def _stage_of(uri: str, stages: Collection[str]) -> str | None:
    """Which of these stages left an artifact: its name stands before the key, or before one more part."""
    return next((part for part in uri.split("/")[-3:-1] if part in stages), None)


def _all(uris: Uris) -> list[str]:
    return [uri for listed in uris.values() for uri in listed]


def _lists(uris: Uris) -> dict[str, list[str]]:
    return {key: list(listed) for key, listed in uris.items()}
