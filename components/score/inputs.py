"""Inputs of a job: files of beats or recordings, found by the user's paths and cut into shards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from components.beats.context import CONTEXT_FORM
from components.errors import DataRefused, UsageError, refused_together
from components.io.shards import SourceShard, plan_sources, rows_by_file
from components.io.sources import Source, check_labels, check_provenance, context_of, find_sources, input_files
from components.io.storage import InputFile, ask_all, check_name, described, each_once, is_remote
from components.recordings.annotation_files import annotation_file_name
from components.recordings.inputs import Recording, find_recordings, opened_recording
from components.recordings.lead import open_lead
from components.recordings.lead_names import NoSuchLead
from components.score.model import ModelRef
from components.score.recordings import RecordingShard, plan_recordings, shards_of
from components.score.settings import ScoreSettings

Input = Source | Recording
JobShard = SourceShard | RecordingShard


def find_inputs(patterns: Sequence[str], settings: ScoreSettings) -> tuple[Input, ...]:
    """List what paths, globs, folders and URIs match, in the order given, each once: all files, or all recordings.

    Raises:
        DataRefused: a pattern matches nothing, an input cannot be read or has a name that is not UTF-8, or some are
            recordings and some are not.
        UsageError: settings name what the inputs do not have, such as a lead; annotation files cannot have the
            requested extension, or one recording's would replace another's.
    """
    if settings.annotations is not None:
        annotation_file_name(settings.annotations, "")  # refuses what cannot be an extension
        if settings.annotations == settings.annotator:
            raise UsageError(
                f"--annotations {settings.annotations} would give the new annotations the same extension as those "
                "that the beats are taken from: name another, such as pred."
            )
    found = {pattern: find_recordings(pattern, settings.annotator) for pattern in patterns}
    if not any(found.values()):
        names = ("lead", "annotator", "annotations")
        if clashing := [f"--{name}" for name in names if getattr(settings, name) is not None]:
            are = "is" if len(clashing) == 1 else "are"
            raise UsageError(f"{', '.join(clashing)} {are} for recordings, but {', '.join(patterns)} holds none.")
        return tuple(find_sources(patterns))
    if others := [pattern for pattern, recordings in found.items() if not recordings]:
        raise DataRefused(
            f"{', '.join(others)} is not a recording, but other inputs are: score recordings and files of beats in "
            "separate jobs."
        )
    if not settings.labelled:
        raise UsageError("--no-label is for files of beats: recordings have labels only with --annotator.")
    recordings = each_once(chain.from_iterable(found.values()), lambda recording: recording.file.path)
    refused_together(check_name, [recording.file.path for recording in recordings.values()])
    if settings.lead is not None:
        _check_lead(recordings.values(), settings.lead)
    if settings.annotations is not None:
        by_name: dict[str, Recording] = {}
        for recording in recordings.values():
            if (other := by_name.setdefault(recording.name, recording)) is not recording:
                raise UsageError(
                    f"{other.file.path} and {recording.file.path} are both named {recording.name}, so one's "
                    "annotations would replace the other's: name the folder above them, or score them in two jobs."
                )
    return tuple(recordings.values())


def _check_lead(recordings: Iterable[Recording], lead: str) -> None:
    """Refuse a lead that none of the recordings has; those on a store are not checked: that would read all files.

    Raises:
        UsageError: with the error of the first one.
    """
    said = []
    for recording in recordings:
        if is_remote(recording.file.path):
            return
        with opened_recording(recording) as stem:
            try:
                open_lead(stem, lead)
                return
            except NoSuchLead as refused:
                said.append(f"{recording.file.path}: {' '.join(refused.sentences)}")
            except DataRefused:  # its reject will say so
                continue
    if said:
        raise UsageError(f"No recording has the lead that --lead {lead} names. {said[0]}")


def check_context(inputs: Sequence[Input], model: ModelRef) -> None:
    """Refuse inputs that lack the context which a model reads, or have another version of it.

    Raises:
        UsageError: with a sentence for each such file, or one about recordings.
    """
    reads = model.context
    if reads is None:
        return
    faults: list[str] = []
    which, other = ("released model", ", or use a model without context (--model)") if model.released else ("model", "")
    if any(isinstance(each, Recording) for each in inputs) and reads != CONTEXT_FORM:
        faults.append(
            f"The {which} reads context of {reads}, and this version of Heartbeat computes {CONTEXT_FORM}: score "
            "recordings with the version that the model was trained with, or train it again."
        )
    for source in (each for each in inputs if isinstance(each, Source)):
        form = context_of(source)
        if form != reads:
            has = "no context of its beats" if form is None else f"context of {form}"
            faults.append(
                f"{source.file.path} has {has}, but the {which} reads {reads}: score the recordings themselves, or "
                f"make Parquet of them with `heartbeat prepare --format parquet`{other}."
            )
    if faults:
        raise UsageError(faults)


def plan_shards(inputs: Sequence[Input], settings: ScoreSettings) -> tuple[JobShard, ...]:
    """Cut inputs into shards: files by counting their rows, recordings by their headers.

    Raises:
        DataRefused: an input cannot be read, has labels where none are expected or none, or the provenance of another
            file; or there are no rows.
    """
    if recordings := [each for each in inputs if isinstance(each, Recording)]:
        return tuple(plan_recordings(recordings, settings.shard_bytes))
    sources = [each for each in inputs if isinstance(each, Source)]
    check_labels(sources, settings.labelled)
    shards = tuple(plan_sources(sources, settings.shard_bytes))
    rows = rows_by_file(shards)
    if not any(rows.values()):
        raise DataRefused(f"There are no rows in {', '.join(rows)}.")
    check_provenance(sources, rows)
    return shards


def files_named(pattern: str, settings: ScoreSettings) -> list[InputFile]:
    """List the files that a path, a glob, a folder or a URI matches, without reading files of beats.

    Raises:
        DataRefused: as `find_recordings` and `input_files`.
    """
    return files_of(find_recordings(pattern, settings.annotator)) or input_files(pattern)


def files_of(inputs: Sequence[Input]) -> list[InputFile]:
    """Return all files of the inputs."""
    files: list[InputFile] = []
    for each in inputs:
        files.append(each.file)
        files += each.others if isinstance(each, Recording) else [each.provenance] if each.provenance else []
    return files


def changed_files(inputs: Sequence[Input]) -> list[str]:
    """Return the paths of files that were changed, added or removed since they were listed."""
    files = files_of(inputs)
    return [file.path for file, found in zip(files, ask_all(_described, files), strict=True) if found != file]


def _described(file: InputFile) -> InputFile | None:
    try:
        return described(file.path)
    except DataRefused:
        return None


def shards_json(inputs: Sequence[Input], shards: Sequence[JobShard]) -> list[Any]:
    """Return shards as plain values: per file [start, end, first row, rows], or the number of recordings in each."""
    if any(isinstance(each, Recording) for each in inputs):
        return [len(shard.recordings) for shard in shards if isinstance(shard, RecordingShard)]
    by_input: list[list[list[int]]] = [[] for _ in inputs]
    for shard in shards:
        assert isinstance(shard, SourceShard)
        by_input[shard.input_index].append([shard.start, shard.end, shard.first_row, shard.rows])
    return by_input


def parse_shards(inputs: Sequence[Input], planned: Sequence[Any]) -> tuple[JobShard, ...]:
    """Return the shards that `shards_json` wrote.

    Raises:
        ValueError, TypeError: these are not shards of the inputs.
    """
    if recordings := [each for each in inputs if isinstance(each, Recording)]:
        if sum(planned) != len(recordings):
            raise ValueError(f"{sum(planned)} recordings in shards, {len(recordings)} in the job")
        return tuple(shards_of(recordings, planned))
    return tuple(
        SourceShard(source, input_index, index, start, end, first_row, rows)
        for input_index, (source, of_file) in enumerate(zip(inputs, planned, strict=True))
        if isinstance(source, Source)
        for index, (start, end, first_row, rows) in enumerate(of_file)
    )


def parse_input(fields: dict[str, Any]) -> Input:
    """Return the input whose plain values these are, as from `asdict`.

    Raises:
        KeyError, TypeError: this is not an input.
    """
    file = InputFile(**fields["file"])
    if "frames" in fields:
        others = tuple(InputFile(**other) for other in fields["others"])
        return Recording(fields["name"], file, others, fields["frames"], fields["fs"])
    provenance = fields["provenance"]
    return Source(file, fields["kind"], None if provenance is None else InputFile(**provenance))
