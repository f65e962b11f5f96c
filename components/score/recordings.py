"""Recordings as the input of a job: cut into shards by their headers, each read into beats and a summary line.

An unusable recording is one reject, and affects no other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from components.errors import DataRefused
from components.io.beat_block import BeatBlock, rejects_alone
from components.io.rejects import Reject
from components.io.shards import CSV_ROW_BYTES, stem_of
from components.recordings.annotation_files import annotation_bytes
from components.recordings.inputs import Recording, opened_recording
from components.score.blocks import BlockScorer
from components.score.open_recording import SAMPLES_TOGETHER, UNFOLLOWED, OpenRecording
from components.score.record import RecordingTally
from components.score.recording_lines import RecordingLine, lines_content, tally_lines

if TYPE_CHECKING:
    from components.score.job import ShardTask

SECONDS_A_BEAT: Final = 0.8
"""Makes a shard of recordings hold about as many beats as one of CSV."""

LEAST_SECONDS: Final = 60.0
"""A shorter recording is planned as this long: opening it takes time too."""

UNUSABLE: Final = "unusable recording"
"""Kind of the reject for an unusable recording."""


@dataclass(frozen=True)
class RecordingShard:
    """A run of recordings.

    Attributes:
        recordings: in the order of the inputs.
        first: number of the first one among the inputs.
        stem: name of the shard's files, unique among all shards.
    """

    recordings: tuple[Recording, ...]
    first: int
    stem: str

    @property
    def file(self) -> str:
        """The first recording's header or EDF file."""
        return self.recordings[0].file.path

    @property
    def amount(self) -> int:
        """Seconds of recordings."""
        return round(sum(recording.seconds for recording in self.recordings))

    def describe(self) -> str:
        """Describe the shard."""
        last = self.recordings[-1].file.path
        return self.file if len(self.recordings) == 1 else f"{len(self.recordings):,} recordings, {self.file} to {last}"


def plan_recordings(recordings: Sequence[Recording], shard_bytes: int) -> list[RecordingShard]:
    """Cut a job's recordings into shards that hold about as many beats as `shard_bytes` of CSV."""
    wanted = shard_bytes / CSV_ROW_BYTES * SECONDS_A_BEAT
    counts, seconds = list[int](), 0.0
    for recording in recordings:
        longer = max(recording.seconds, LEAST_SECONDS)
        if not counts or seconds + longer > wanted:
            counts.append(0)
            seconds = 0.0
        counts[-1] += 1
        seconds += longer
    return shards_of(recordings, counts)


def shards_of(recordings: Sequence[Recording], counts: Sequence[int]) -> list[RecordingShard]:
    """Return shards of these numbers of recordings."""
    shards, first = [], 0
    for count in counts:
        run = tuple(recordings[first : first + count])
        shards.append(RecordingShard(run, first, stem_of(first, run[0].name, 0)))
        first += count
    return shards


def score_recordings(
    task: ShardTask, shard: RecordingShard, scorer: BlockScorer, advance: Callable[[], object]
) -> tuple[RecordingTally, dict[str, bytes]]:
    """Score a run of recordings.

    Beats of short recordings are collected, so that each model call has many.

    Returns:
        The tally, and the content of each file that is published beside the rows.

    Raises:
        DataRefused: a recording that could be read can no longer be read to its end.
    """
    ended: list[OpenRecording | RecordingLine] = []
    together: list[OpenRecording] = []  # not yet cut
    waiting: list[tuple[OpenRecording | None, str, BeatBlock]] = []
    beats = 0  # of those that wait

    def flush() -> None:
        answered = scorer.score([(file, block) for _, file, block in waiting]) if waiting else []
        for (recording, _, _), (block, answers) in zip(waiting, answered, strict=True):
            if recording is not None:
                recording.add(block.rows, answers)
        waiting.clear()

    def cut() -> None:
        nonlocal beats
        for recording, block in OpenRecording.blocks(together) if together else ():
            waiting.append((recording, recording.recording.file.path, block))
            beats += len(block.rows)
            if beats >= task.settings.block_rows:
                flush()
                beats = 0
        together.clear()

    for planned in shard.recordings:
        file = planned.file.path
        with opened_recording(planned) as stem:
            try:
                recording = OpenRecording(planned, stem, task.settings, scorer.reads_context, advance)
            except DataRefused as refused:
                cut()
                ended.append(RecordingLine(file, planned.name, refused=" ".join(refused.sentences)))
                unusable = Reject(0, UNUSABLE, " ".join(refused.sentences), None)
                waiting.append((None, file, rejects_alone([unusable])))
                continue
            length = recording.length
            if together and (length != together[0].length or length * (len(together) + 1) > SAMPLES_TOGETHER):
                cut()
            together.append(recording)
            ended.append(recording)
            if not recording.short:
                cut()  # while its files are here
    cut()
    flush()
    lines = [each if isinstance(each, RecordingLine) else each.line() for each in ended]
    files = {task.lines_name: lines_content(lines)}
    if task.settings.annotations is not None:
        comment = f"Heartbeat {version('heartbeat')}, model {scorer.model_digest}"
        for each in ended:
            if isinstance(each, OpenRecording):
                name = task.annotations_name(each.recording.name)
                files[name] = annotation_bytes(task.settings.annotations, each.answers(comment))
    opened = [each for each in ended if isinstance(each, OpenRecording)]
    doubled, near = sum(each.doubled for each in opened), sum(each.near for each in opened)
    return tally_lines(lines, scorer.tally.reasons[UNFOLLOWED], doubled, near), files
