"""One recording while it is scored: opened, its beats found or read from annotations; its line and answers.

A recording is read twice, in blocks: once to find its beats, or to check that all of it can be read, and once to cut
them. Short ones are read once, and their beats are found and cut together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES
from components.beats.cut import DETECTED, NEAREST_SECONDS, is_one_of
from components.beats.symbols import DEFAULT_MAP
from components.beats.variants import LEAST_BEATS
from components.errors import DataRefused, counted
from components.io.beat_block import BeatBlock, rejects_alone
from components.io.rejects import Reject
from components.recordings.annotation_files import ABSTAINED, REJECTED, Answers
from components.recordings.annotations import Annotations, read_annotations
from components.recordings.detect import LEAST_SECONDS as SHORTEST_SECONDS
from components.recordings.detect import find_beats
from components.recordings.inputs import Recording
from components.recordings.lead import open_lead
from components.recordings.lead_beats import LeadBeats, cut_together
from components.recordings.signal import LeadReader, stretches
from components.score.record import unlike_training
from components.score.recording_lines import RecordingLine, rhythm_fields
from components.score.settings import ScoreSettings
from components.train.served import Answers as ModelAnswers

SAMPLES_TOGETHER: Final = 1 << 16
"""Samples of short recordings, at 360 Hz, whose beats are found and cut together: 18 of ten seconds."""

UNFOLLOWED: Final = "no beat follows"
FLAT: Final = "flat window"
MISSING: Final = "missing samples"
"""Kinds of rejects for beats of recordings."""

AT_SAMPLE: Final = ": sample "
"""Precedes the beat's sample in the reason of its reject."""

UNREAD: Final = -1
"""Stands for the class of a beat that was not scored."""


class OpenRecording:
    """One recording while it is scored.

    Args:
        recording: from the plan.
        stem: its path, as `open_lead` takes it.
        settings: the job's.
        with_context: whether the beats get their context.
        advance: called now and then; may raise to stop.

    Attributes:
        length: samples at 360 Hz.
        doubled: annotated beats at the same sample as one that is kept.
        near: beats nearer to the one before than beats of a heart can be.
        short: whether it is in memory, and its beats are found and cut together with those of others.

    Raises:
        DataRefused: the recording cannot be used.
    """

    def __init__(
        self,
        recording: Recording,
        stem: Path,
        settings: ScoreSettings,
        with_context: bool,
        advance: Callable[[], object],
    ) -> None:
        self.recording, self._advance = recording, advance
        lead = open_lead(stem, settings.lead)
        if lead.length < SHORTEST_SECONDS * lead.fs:
            raise DataRefused(f"it lasts {float(lead.length / lead.fs):.2g} s, less than {SHORTEST_SECONDS} s.")
        self._lead, self._reader, self._with_context = lead, LeadReader(lead), with_context
        self._labelled, self.length = settings.annotator is not None, self._reader.length
        self.short = self.length <= SAMPLES_TOGETHER and next(self._reader.blocks()) == (0, self.length)
        if settings.annotator is not None:
            self._take(*_annotated(stem, settings.annotator, self._reader, advance))
        elif self.short:
            self._reader.read(0, lead.length)
        else:
            self._find([self])
        self._reader.finish()
        if recording.frames and lead.sig_len != recording.frames and not lead.notes:
            raise DataRefused(f"it has {lead.sig_len:,} samples now, its header said {recording.frames:,} before.")

    @staticmethod
    def _find(recordings: Sequence[OpenRecording]) -> None:
        """Find the beats of recordings of one length."""
        found = find_beats([each._reader for each in recordings], lambda share: recordings[0]._advance())
        for recording, (beats, silent) in zip(recordings, found, strict=True):
            recording._take(beats, silent)

    def _take(self, annotations: Annotations, silent: npt.NDArray[np.float64]) -> None:
        """Take the recording's beats, and the times without an ECG, float64[m, 2] in seconds."""
        self._silent = silent
        self._beats = LeadBeats(self._reader, annotations, DEFAULT_MAP)
        beats = is_one_of(annotations.symbol, {DETECTED, *DEFAULT_MAP})
        beats[self._beats.windows.doubled] = False
        self._beat = np.flatnonzero(beats)  # annotation of each row
        self.doubled = len(self._beats.windows.doubled)
        self.near = self._beats.near if self._labelled else 0  # detected beats are further apart
        self._sample = annotations.sample[self._beat]
        self._context = self._beats.context()[self._beat] if self._with_context else None
        self._label = np.full(len(self._beat), UNREAD, np.int8)
        self._abstain = np.zeros(len(self._beat), bool)

    @staticmethod
    def blocks(recordings: Sequence[OpenRecording]) -> Iterator[tuple[OpenRecording, BeatBlock]]:
        """Yield the beats of one recording, or of short ones of one length, a block at a time.

        Raises:
            DataRefused: a recording cannot be read to its end.
        """
        first = recordings[0]
        if not first.short:
            yield from ((first, block) for block in first._blocks(cut[1:] for cut in first._beats.cut()))
            return
        if not first._labelled:
            OpenRecording._find(recordings)
        for recording, cut in zip(recordings, cut_together([each._beats for each in recordings]), strict=True):
            yield from ((recording, block) for block in recording._blocks([cut]))

    def _blocks(self, cuts: Iterable[tuple[npt.NDArray, npt.NDArray, npt.NDArray]]) -> Iterator[BeatBlock]:
        """Make blocks of the cut beats; the last block has the rejects. Row numbers count the beats."""
        rejects: dict[int, tuple[str, str]] = {}
        for index, values, spread in cuts:
            self._advance()
            rows, usable = np.searchsorted(self._beat, index), spread > 0
            rejects |= {int(row): (FLAT, "its window is flat") for row in rows[spread == 0]}
            rejects |= {int(row): (MISSING, "its window holds missing samples") for row in rows[np.isnan(spread)]}
            yield self._block(rows[usable], values[usable])
        followed = np.zeros(len(self._beat), bool)
        followed[np.searchsorted(self._beat, self._beats.windows.beat)] = True
        rest = np.flatnonzero(~followed)
        rejects |= {int(row): (UNFOLLOWED, "no beat follows it, so that its window has no end") for row in rest}
        del self._beats, self._reader  # with the samples of a short one
        yield rejects_alone(
            Reject(row, kind, f"{reason}{AT_SAMPLE}{self._sample[row]}", None)
            for row, (kind, reason) in sorted(rejects.items())
        )

    def _block(self, rows: npt.NDArray[np.int64], values: npt.NDArray[np.float32]) -> BeatBlock:
        sample = self._sample[rows]
        return BeatBlock(
            signal=values,
            label=self._beats.labels(self._beat[rows]) if self._labelled else None,
            rows=rows,
            rejects=(),
            record=np.full(len(rows), self.recording.name, object),
            sample=sample,
            context=None if self._context is None else self._context[rows],
            seconds=sample / float(self._lead.fs),
        )

    def add(self, rows: npt.NDArray[np.int64], answers: ModelAnswers) -> None:
        """Record the model's answers for these beats, int64[n]."""
        self._label[rows] = answers.predicted
        self._abstain[rows] = answers.abstain

    def line(self) -> RecordingLine:
        """Return the recording's line, after all its beats were scored."""
        lead, seconds = self._lead, self._lead.length / float(self._lead.fs)
        scored = self._label[self._label >= 0]
        silent = float(np.diff(self._silent).sum())
        counts = np.bincount(scored, minlength=len(CLASSES)).tolist()
        rhythm = rhythm_fields(self._sample / float(lead.fs), self._label, self._silent, seconds - silent)
        return RecordingLine(
            file=self.recording.file.path,
            record=self.recording.name,
            lead=lead.sig_name,
            fs=float(lead.fs),
            seconds=seconds,
            seconds_read=seconds - silent,
            beats=len(self._label),
            scored=len(scored),
            rejected=len(self._label) - len(scored),
            **{f"n_{symbol}": count for symbol, count in zip(CLASSES, counts, strict=True)},
            abstained=int(self._abstain.sum()),
            **rhythm,  # type: ignore[arg-type]
            noise=silent / seconds,
            unlike=self._few_beats() or unlike_training(int(self._abstain.sum()), len(scored)),
            notes=" ".join([*lead.notes, *self._beats_together()]) or None,
        )

    def _beats_together(self) -> list[str]:
        """Say how many beats lie at one sample, or nearer than beats of a heart can."""
        doubled, near = counted(self.doubled, "annotated beat"), counted(self.near, "beat")
        notes = [f"{doubled} at one sample with another: the first with a class stands for them."] * bool(self.doubled)
        return notes + [f"{near} within {NEAREST_SECONDS} s of the one before."] * bool(self.near)

    def _few_beats(self) -> str | None:
        """Say that the recording is shorter than any that a model of context was trained on."""
        if self._context is None or not 0 < len(self._label) < LEAST_BEATS:
            return None
        return f"the context of its beats is made of {len(self._label)}; the model learnt from {LEAST_BEATS} and more"

    def answers(self, comment: str) -> Answers:
        """Return the answers as annotations, `|` for beats that were rejected and `?` if the model abstained."""
        symbols = np.array([*CLASSES, REJECTED])[self._label]
        return Answers(
            record=self.recording.name,
            fs=self._lead.fs,
            length=self._lead.length,
            sample=self._sample,
            symbol=np.where(self._abstain, ABSTAINED, symbols),
            comment=comment,
            start=self._lead.start,
        )


def _annotated(
    stem: Path, annotator: str, reader: LeadReader, advance: Callable[[], object]
) -> tuple[Annotations, npt.NDArray[np.float64]]:
    """Return the annotations of a record, and the times of missing samples, float64[m, 2] in seconds."""
    annotations = read_annotations(stem, annotator, reader.lead)
    gaps = [np.zeros((0, 2), np.int64)]
    for first, last in reader.own_blocks():
        advance()
        gaps.append(stretches(np.isnan(reader.read(first, last))) + first)
    return annotations, np.concatenate(gaps) / float(reader.lead.fs)
