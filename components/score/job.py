"""What a scoring directory is for: the job's fingerprint and shards, in job.json, which is written first."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from components.errors import UsageError
from components.recordings.annotation_files import annotation_file_name
from components.score.inputs import Input, JobShard, parse_input, parse_shards, shards_json
from components.score.recordings import RecordingShard
from components.score.settings import ScoreSettings

JOB_FILE: Final = "job.json"


@dataclass(frozen=True)
class ShardTask:
    """One shard, as an element of the job."""

    job: str  # fingerprint of the job
    shard: JobShard
    output: str
    settings: ScoreSettings

    @property
    def record_name(self) -> str:
        """Return the name of the shard's record in the scoring directory."""
        return f"shards/{self.shard.stem}.json"

    @property
    def parts_name(self) -> str:
        """Return the name of the file of its scored rows."""
        return f"parts/{self.shard.stem}.{self.settings.format}"

    @property
    def rejects_name(self) -> str:
        """Return the name of the file of its rejects."""
        return f"rejects/{self.shard.stem}.jsonl"

    @property
    def lines_name(self) -> str:
        """Return the name of the file with a line for each recording, if it is a shard of recordings."""
        return f"recordings/{self.shard.stem}.parquet"

    def annotations_name(self, record: str) -> str:
        """Return the name of a recording's annotation file."""
        return f"annotations/{annotation_file_name(self.settings.annotations or '', record)}"

    def result_names(self) -> list[str]:
        """Return the names of all files that the shard may leave."""
        names = [self.record_name, self.parts_name, self.rejects_name]
        if isinstance(self.shard, RecordingShard):
            names.append(self.lines_name)
            if self.settings.annotations is not None:
                names += [self.annotations_name(recording.name) for recording in self.shard.recordings]
        return names


@dataclass(frozen=True)
class Fingerprint:
    """Everything that the bytes of the results depend on."""

    model: str  # 64 hex digits of the model's digest
    settings: ScoreSettings
    inputs: tuple[Input, ...]  # in order: files of beats, or recordings

    def to_json(self, **more: Any) -> str:
        """Return the fingerprint and `more` as JSON; an input is written as its fields."""
        fields = {"model": self.model, "settings": self.settings.model_dump(), "inputs": self.inputs, **more}
        return json.dumps(fields, default=vars, sort_keys=True)

    @property
    def digest(self) -> str:
        """Return 16 hex digits that identify the job."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Job:
    """A fingerprint and the shards that were planned for it."""

    fingerprint: Fingerprint
    shards: tuple[JobShard, ...]  # all of them, in the order of the inputs
    model_uri: str  # where the model was when the job began; it may be resumed with the same model from elsewhere

    def tasks(self, output: str) -> list[ShardTask]:
        """Return a task for each shard, in order, with results in a scoring directory."""
        digest, settings = self.fingerprint.digest, self.fingerprint.settings
        return [ShardTask(digest, shard, output, settings) for shard in self.shards]

    @property
    def model_version(self) -> int | None:
        """Return the version number under which the model was pushed; None if it was not."""
        name = self.model_uri.rstrip("/").rpartition("/")[2]
        return int(name) if name.isdecimal() else None

    def to_json(self) -> str:
        """Return what job.json holds."""
        shards = shards_json(self.fingerprint.inputs, self.shards)
        place, version = self.model_uri, self.model_version
        return self.fingerprint.to_json(model_place=place, model_version=version, shards=shards) + "\n"

    @staticmethod
    def from_json(text: bytes, directory: str, remedy: str = "Choose another --output, or --overwrite it.") -> Job:
        """Read the job.json of a scoring directory; `remedy` says what to do if that fails.

        Raises:
            UsageError: it was not written by this version.
        """
        try:
            fields = json.loads(text)
            inputs = tuple(parse_input(each) for each in fields["inputs"])
            settings = ScoreSettings.model_validate(fields["settings"])
            shards = parse_shards(inputs, fields["shards"])
            return Job(Fingerprint(fields["model"], settings, inputs), shards, str(fields["model_place"]))
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"{directory}/{JOB_FILE} is not a job that this version wrote ({type(error).__name__}: {error}). "
                + remedy
            ) from error


def differences(known: Job, now: Fingerprint, ignored: Collection[str] = ()) -> list[str]:
    """Return clauses that say how a job differs from the request, except in some settings; none if it does not."""
    clauses, before = [], known.fingerprint
    if before.model != now.model:
        clauses.append(
            f"it was begun with model {before.model[:12]} from {known.model_uri}, now it is {now.model[:12]}"
        )
    for name in ScoreSettings.model_fields:
        old, new = getattr(before.settings, name), getattr(now.settings, name)
        if old != new and name not in ignored:
            clauses.append(f"{name} was {old}, now it is {new}")
    return clauses + _input_differences(before.inputs, now.inputs)


def _input_differences(before: Sequence[Input], now: Sequence[Input]) -> list[str]:
    old, new = ({each.file.path: each for each in inputs} for inputs in (before, now))
    clauses = [f"{path} is no longer an input" for path in old if path not in new]
    clauses += [f"{path} was not an input" for path in new if path not in old]
    clauses += [
        f"{path} or a file that belongs to it has changed" for path in old.keys() & new.keys() if old[path] != new[path]
    ]
    if not clauses and before != now:
        clauses.append("the inputs are in another order")
    return sorted(clauses)
