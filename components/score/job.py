"""What a scoring directory is about: the job's fingerprint and its shards, in job.json, which is written first."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from components.errors import UsageError
from components.io.shards import Shard, SourceShard, stem_of
from components.io.sources import Source
from components.io.storage import InputFile
from components.score.settings import ScoreSettings

JOB_FILE: Final = "job.json"


@dataclass(frozen=True)
class Fingerprint:
    """Everything that the bytes of the results depend on.

    Attributes:
        model: 64 hex digits of the model's digest.
        settings: of the job.
        sources: the inputs, in order.
    """

    model: str
    settings: ScoreSettings
    sources: tuple[Source, ...]

    def to_dict(self) -> dict[str, Any]:
        """The fingerprint as plain values."""
        return {
            "model": self.model,
            "settings": self.settings.model_dump(),
            "inputs": [asdict(source) for source in self.sources],
        }

    @property
    def digest(self) -> str:
        """16 hex digits that name the job."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Job:
    """A fingerprint and the shards that were planned for it.

    Attributes:
        fingerprint: what the results depend on.
        pieces: the shards.
        model_place: where the model lay when the job began; it may be resumed with the same model from elsewhere.
    """

    fingerprint: Fingerprint
    pieces: tuple[SourceShard, ...]
    model_place: str

    @property
    def model_version(self) -> int | None:
        """The number under which the model was pushed; None for one that was not."""
        name = self.model_place.rstrip("/").rpartition("/")[2]
        return int(name) if name.isdecimal() else None

    def to_json(self) -> str:
        """What job.json holds; shards by input as [start, end, first row, rows]."""
        shards: list[list[list[int]]] = [[] for _ in self.fingerprint.sources]
        for piece in self.pieces:
            shard = piece.shard
            shards[piece.input_index].append([shard.start, shard.end, shard.first_row, shard.rows])
        model = {"model_place": self.model_place, "model_version": self.model_version}
        return json.dumps({**self.fingerprint.to_dict(), **model, "shards": shards}) + "\n"

    @staticmethod
    def from_json(text: bytes, place: str) -> Job:
        """Read job.json.

        Raises:
            UsageError: it is not one of this version's.
        """
        try:
            told = json.loads(text)
            sources = tuple(_source(each) for each in told["inputs"])
            settings = ScoreSettings.model_validate(told["settings"])
            pieces = tuple(
                SourceShard(source, Shard(source.file.path, at, *numbers), index, stem_of(index, source.file.path, at))
                for index, (source, shards) in enumerate(zip(sources, told["shards"], strict=True))
                for at, numbers in enumerate(shards)
            )
            return Job(Fingerprint(told["model"], settings, sources), pieces, str(told["model_place"]))
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"{place}/{JOB_FILE} is not a job that this version wrote ({type(error).__name__}: {error}). Choose "
                "another --output, or --overwrite it."
            ) from error


def _source(told: dict[str, Any]) -> Source:
    beside = told["provenance"]
    return Source(InputFile(**told["file"]), told["kind"], None if beside is None else InputFile(**beside))


def differences(known: Job, now: Fingerprint) -> list[str]:
    """Clauses that say in what a job differs from what is asked for; none for one and the same."""
    found, was = [], known.fingerprint
    if was.model != now.model:
        found.append(f"it was begun with model {was.model[:12]} from {known.model_place}, now it is {now.model[:12]}")
    for name in ScoreSettings.model_fields:
        before, after = getattr(was.settings, name), getattr(now.settings, name)
        if before != after:
            found.append(f"{name} was {before}, now it is {after}")
    found += _input_differences(was.sources, now.sources)
    return found


def _input_differences(was: Sequence[Source], now: Sequence[Source]) -> list[str]:
    before, after = ({source.file.path: source for source in sources} for sources in (was, now))
    found = [f"{path} is no longer an input" for path in before if path not in after]
    found += [f"{path} was not an input" for path in after if path not in before]
    for path in before.keys() & after.keys():
        if before[path] != after[path]:
            found.append(f"{path} or its provenance file has changed")
    if not found and was != now:
        found.append("the inputs are in another order")
    return sorted(found)
