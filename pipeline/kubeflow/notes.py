"""Each step records its state in the object store, because the report task cannot query Kubeflow for it.

A step notes that it has begun, and once more how it ended. A stage that Kubeflow takes from its cache starts no step,
and so notes nothing: what it left is found through the notes of the steps that read it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Literal

import absl.logging

from components.errors import HeartbeatError
from components.io.storage import list_files, read_whole, write_whole
from components.verdict import Verdict, read_verdict
from pipeline.kubeflow.places import LOGS_OUTPUT, Json, RunPlace, remote_uri, run_place
from pipeline.refusal import refusal_behind

SUFFIX: Final = ".json"

Uris = Mapping[str, Sequence[str]]
"""Key of an input or output -> URIs of its artifacts."""


@dataclass(frozen=True)
class StepNote:
    """One step.

    Attributes:
        stage: its stage.
        state: `begun` until its end; a step that stays so was killed.
        seconds: from its begin to its end, with the imports of TFX.
        cpu_seconds: of its process and that one's children.
        status: as a run's, where it failed.
        exit_code: what its process ends with.
        verdict: why it failed.
        inputs: what it read.
        outputs: what it left, if it ran to its end.
        log: URI of its log, or None.
    """

    stage: str
    state: Literal["begun", "ran", "failed"] = "begun"
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    status: str = ""
    exit_code: int = 0
    verdict: Sequence[Verdict] = ()
    inputs: Uris = field(default_factory=dict)
    outputs: Uris = field(default_factory=dict)
    log: str | None = None


@contextmanager
def noted(stage: str | None, sent: Json) -> Iterator[None]:
    """Note a step's begin, and its end whatever way that comes.

    A note that cannot be written is reported in the step's log, and changes nothing else.

    Args:
        stage: its stage, or None for a step that is not noted.
        sent: the ExecutorInput.
    """
    outputs = _uris(sent["outputs"])
    location = _location(
        stage, [*(uri for uris in outputs.values() for uri in uris), remote_uri(sent["outputs"]["outputFile"])]
    )
    logs = outputs.pop(LOGS_OUTPUT, [None])
    if stage is None or location is None:
        yield
        return
    note = StepNote(stage, inputs=_uris(sent.get("inputs", {})), outputs=outputs, log=logs[0])
    is_written = _try_to_write(location, note)
    started, cpu = time.perf_counter(), sum(os.times()[:4])
    try:
        yield
    except BaseException as error:
        refusal = refusal_behind(error)
        note = replace(
            note,
            state="failed",
            status=refusal.status,
            exit_code=refusal.exit_code,
            verdict=refusal.verdict,
        )
        raise
    else:
        note = replace(note, state="ran")
    finally:
        if is_written:
            took, used = time.perf_counter() - started, sum(os.times()[:4]) - cpu
            _try_to_write(location, replace(note, seconds=round(took, 2), cpu_seconds=round(used, 2)))


def _location(stage: str | None, outputs: Sequence[str]) -> RunPlace | None:
    """Where the run is found: a stage may have no artifacts, and Kubeflow may keep no logs."""
    return next((location for uri in outputs if stage and (location := run_place(uri, stage))), None)


def _uris(side: Json) -> dict[str, list[Any]]:
    by_key = side.get("artifacts", {}).items()
    return {key: [artifact["uri"] for artifact in listed.get("artifacts", [])] for key, listed in by_key}


def _try_to_write(location: RunPlace, note: StepNote) -> bool:
    try:
        write_note(location, note)
    except HeartbeatError as error:
        absl.logging.warning("The report will not know of this step. %s", error)
        return False
    return True


def write_note(location: RunPlace, note: StepNote) -> None:
    """Write what a step notes, over what it noted before.

    Raises:
        EnvironmentRefused: the store is not reached, or does not let us write.
    """
    target = f"{location.notes}/{note.stage}{SUFFIX}"
    write_whole(target, json.dumps(asdict(note), indent=1) + "\n")


def read_notes(location: RunPlace) -> dict[str, StepNote]:
    """Read what a run's steps noted, by stage.

    Raises:
        EnvironmentRefused: the store is not reached, or does not let us read.
    """
    notes = {}
    for file in list_files(f"{location.notes}/*{SUFFIX}"):
        fields = json.loads(read_whole(file.path))
        notes[fields["stage"]] = StepNote(**fields | {"verdict": read_verdict(fields["verdict"])})
    return notes
