"""One recording of a scoring job: which one is meant, and the results for its beats."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES
from components.errors import UsageError, counted
from components.recordings.inputs import Recording
from components.report.material import NotReachedError, ScoringMaterial
from components.report.scoring import PROBABILITIES, read_rows
from components.score.job import ShardTask
from components.score.open_recording import AT_SAMPLE, UNREAD
from components.score.recording_lines import RecordingLine, Runs, runs_of
from components.score.recordings import RecordingShard

NAMED: Final = 5
"""Maximum recordings that a sentence names."""


@dataclass(frozen=True)
class RecordingMaterial:
    """One recording of a job, and the results for its n beats, in order."""

    job: ScoringMaterial
    task: ShardTask
    recording: Recording
    line: RecordingLine
    seconds: npt.NDArray[np.float64]  # float64[n], since the start
    label: npt.NDArray[np.int8]  # int8[n], predicted class; UNREAD for a rejected beat
    sure: npt.NDArray[np.float32]  # float32[n], its probability; 0 for a rejected beat
    abstain: npt.NDArray[np.bool_]  # bool[n]
    rejects: Sequence[tuple[str, int]]  # reason and index of each rejected beat

    @cached_property
    def known(self) -> npt.NDArray[np.bool_]:
        """Which of the n - 1 intervals join two beats: those longer than the line's longest are gaps."""
        rr = np.diff(self.seconds)
        return (rr > 0) & (rr <= (self.line.longest_rr or 0.0) + 1e-6)

    @cached_property
    def gaps(self) -> list[tuple[float, float]]:
        """Start and end of gaps without a beat for longer than the longest interval, ends included; longest first."""
        edges = np.concatenate([[0.0], self.seconds, [self.line.seconds or 0.0]])
        longest = self.line.longest_rr or 0.0
        gaps = [(edges[at], edges[at + 1]) for at in np.flatnonzero(np.diff(edges) > longest + 1e-6).tolist()]
        return sorted(gaps, key=lambda gap: gap[0] - gap[1])

    def check_scored(self) -> None:
        """Raise NotReachedError if no beat was scored."""
        if not self.line.scored:
            raise NotReachedError("No beat was scored.")

    def of_class(self, symbol: str) -> npt.NDArray[np.bool_]:
        """Return which beats are of a class."""
        return self.label == CLASSES.index(symbol)

    def runs(self, symbol: str) -> Runs:
        """Return the couplets and runs of a class."""
        return runs_of(self.of_class(symbol), self.seconds, self.known)


def find_line(job: ScoringMaterial, directory: str, name: str) -> RecordingLine:
    """Return the line of the recording that a name stands for: as its line has it, or its header or EDF file.

    Raises:
        UsageError: there is no such recording, or several; or the job's inputs are not recordings.
        HeartbeatError: the lines cannot be read.
    """
    if job.recordings is None:
        raise UsageError(f"{directory} is a job of files of beats: --record is for recordings.")
    found = [line for line in job.lines if name in (line.record, line.file)]
    if len(found) > 1:
        raise UsageError(
            f"{directory} has {counted(len(found), 'recording')} named {name}: name one by its file, "
            f"{', '.join(line.file for line in found[:NAMED])}."
        )
    if not found:
        names = [line.record for line in job.lines]
        there = "it has none yet."
        if near := get_close_matches(name, names, NAMED):
            there = f"did you mean {' or '.join(near)}?"
        elif names:
            more = f", ... ({len(names):,} in all)" if len(names) > NAMED else ""
            there = f"its recordings are {', '.join(names[:NAMED])}{more}."
        raise UsageError(f"{directory} has no recording named {name!r}: {there}")
    return found[0]


def load_recording(job: ScoringMaterial, line: RecordingLine) -> RecordingMaterial:
    """Read the results for a recording's beats from parts and rejects.

    Raises:
        HeartbeatError: they cannot be read.
    """
    import pyarrow.compute as pc

    task, recording = next(
        (task, each)
        for task in job.done_tasks
        if isinstance(task.shard, RecordingShard)
        for each in task.shard.recordings
        if each.file.path == line.file
    )
    names = ["file", "row", "seconds", "predicted", "abstain", *PROBABILITIES]
    table = read_rows(job.content(task.parts_name), job.folder.path(task.parts_name), names)
    table = table.filter(pc.equal(table["file"], line.file))
    row = table["row"].to_numpy().astype(np.int64)
    seconds, sure = np.zeros(line.beats), np.zeros(line.beats, np.float32)
    label, abstain = np.full(line.beats, UNREAD, np.int8), np.zeros(line.beats, bool)
    seconds[row], label[row] = table["seconds"].to_numpy(), table["predicted"].to_numpy()
    sure[row] = np.max([table[name].to_numpy() for name in PROBABILITIES], axis=0)
    abstain[row] = table["abstain"].to_numpy()
    rejects = list[tuple[str, int]]()
    for text in job.content(task.rejects_name).splitlines():
        reject = json.loads(text)
        if reject["file"] == line.file and line.refused is None:
            reason, _, sample = reject["reason"].rpartition(AT_SAMPLE)
            rejects.append((reason, reject["row"]))
            seconds[reject["row"]] = int(sample) / (line.fs or 1.0)
    return RecordingMaterial(job, task, recording, line, seconds, label, sure, abstain, rejects)
