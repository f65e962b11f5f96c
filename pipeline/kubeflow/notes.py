"""Each step records its state in the object store, because the report task cannot query Kubeflow for it.

A step notes that it has begun, and once more how it ended. A stage that Kubeflow takes from its cache starts no step,
and so notes nothing: its outputs are found through the notes of the steps that read it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Literal

import absl.logging

from components.errors import HeartbeatError
from components.io.storage import list_files, read_whole, write_whole
from components.verdict import Verdict, read_verdict
from pipeline.kubeflow.uris import LOGS_OUTPUT, Json, RunFolder, remote_uri, run_folder_of
from pipeline.refusal import refusal_behind

SUFFIX: Final = ".json"

READERS: Final = 16
"""Objects of the store that are read at once: each takes a round trip, and next to no work."""

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
        outputs: what it wrote, if it ran to its end.
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
def noted(stage: str | None, executor_input: Json) -> Iterator[None]:
    """Note a step's begin, and its end whatever way that comes.

    A note that cannot be written is reported in the step's log, and changes nothing else.

    Args:
        stage: its stage, or None for a step that is not noted.
        executor_input: as Kubeflow sent it.
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
    with ThreadPoolExecutor(READERS) as pool:
        for text in pool.map(read_whole, files):
            fields = json.loads(text)
            notes[fields["stage"]] = StepNote(**fields | {"verdict": read_verdict(fields["verdict"])})
    return notes
