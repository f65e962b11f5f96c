"""Sources of the pages: a run's folder, artifacts and beats; a scoring directory and its model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES, Beats
from components.errors import DataRefused, HeartbeatError, UsageError, counted
from components.ingest.report import IngestSummary, read_ingest_report
from components.io.artifact_files import JUDGEMENT, PREDICTIONS, SIDECAR_DIR, SPLIT_STATISTICS
from components.io.examples import read_beats
from components.io.parquet import open_parquet
from components.io.serving import HISTOGRAM, STATISTICS
from components.io.shards import stem_of
from components.io.storage import Storage, absolute_path, ask_all, is_remote, read_whole, storage_at
from components.report.survey import Survey, rows_of, survey
from components.score.job import JOB_FILE, Job, ShardTask
from components.score.model import is_synthetic, model_place
from components.score.record import Outcome, ShardRecord, Written
from components.score.recording_lines import RecordingLine, read_lines
from components.score.recordings import RecordingShard
from components.score.resume import RESULT_FOLDERS, read_outcomes
from components.score.summary import SUMMARY_FILE, ScoreSummary, add_up
from components.verdict import Verdict, read_verdict

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatistics


REPORT_DIR: Final = "report"
"""Folder of the pages, in that of a run or of a scoring job."""

SUMMARY_KEYS: Final = {"data", "run", "stages", "status", "verdict"}
"""Fields of the summary that the page of a run reads wherever the run ended."""

RECORDING_PAGES: Final = "recordings"
"""Folder of the pages of recordings, in that of the pages."""

NAMED_FAULTS: Final = 5
"""Maximum damaged result files to name."""


class NotReachedError(HeartbeatError):
    """The run or the job ended before the subject of a section."""


@dataclass(frozen=True)
class RunMaterial:
    """A run, finished or not."""

    folder: Path  # ROOT/runs/<run id>
    summary: Mapping[str, Any]
    settings: Mapping[str, Any]
    artifacts: Mapping[str, Mapping[str, list[str]]]  # stage -> output key -> URIs, of each that finished or was cached

    def uri(self, stage: str, key: str) -> str:
        """Return the URI of a stage's artifact.

        Raises:
            NotReachedError: the run ended before the stage did.
        """
        uris = self.artifacts.get(stage, {}).get(key, [])
        if not uris:
            raise NotReachedError(f"The run ended before {stage} finished.")
        return uris[0]

    def reached(self, stage: str) -> bool:
        """Return whether a stage ran to its end or was cached."""
        return stage in self.artifacts

    def read_json(self, stage: str, key: str, name: str) -> Any:
        """Read a JSON file of an artifact.

        Raises:
            NotReachedError: the run ended before the stage did.
            OSError: the file does not exist any more.
            DataRefused: it is damaged.
        """
        return _read_json(Path(self.uri(stage, key), name))

    @property
    def synthetic(self) -> bool:
        """Whether the beats are simulated."""
        return bool(self.summary["data"].get("synthetic"))

    @property
    def reads_context(self) -> bool:
        """Whether the networks read the context of beats instead of their samples."""
        return bool(self.settings["train"]["network"]["name"] == "context")

    @property
    def split(self) -> str | None:
        """How train and test beats were split: `kaggle`, `patient`, `unknown`; None before it was known."""
        split: str | None = self.summary["data"].get("split")
        return split

    @property
    def stopped_at(self) -> str | None:
        """The stage that failed or refused; None if none stopped the run."""
        return next((stage["name"] for stage in self.summary["stages"] if stage["state"] == "failed"), None)

    @cached_property
    def verdict(self) -> Sequence[Verdict]:
        """The gates' remarks and why the run stopped; each sentence once."""
        return list(dict.fromkeys(read_verdict(self.summary["verdict"])))

    @cached_property
    def ingest(self) -> IngestSummary:
        """The outcome of the input files' rows."""
        return read_ingest_report(self.uri("ExampleGen", "report"))

    @cached_property
    def judgement(self) -> Mapping[str, Any]:
        """The Judge's measurements."""
        judgement: Mapping[str, Any] = self.read_json("Judge", "judgement", JUDGEMENT)
        return judgement

    @cached_property
    def predictions(self) -> Mapping[str, npt.NDArray[Any]]:
        """`label` int64[n], and probabilities float32[n, 5] of each model on the clean test beats, in their order."""
        with np.load(Path(self.uri("Judge", "judgement"), PREDICTIONS)) as arrays:
            return dict(arrays)

    @cached_property
    def train(self) -> Survey:
        """A survey of the first beats of the train split."""
        return survey(read_beats(f"{self.uri('ExampleGen', 'examples')}/Split-train"))

    def test_beats(self, rows: npt.NDArray[np.int64]) -> Beats:
        """Read these rows of the test split, in their order."""
        return rows_of(read_beats(f"{self.uri('ExampleGen', 'examples')}/Split-test"), rows)

    def statistics(self, split: str) -> DatasetFeatureStatistics:
        """Read StatisticsGen's statistics of a split.

        Raises:
            NotReachedError: the run ended before its statistics.
            OSError: the file does not exist any more.
        """
        folder = self.uri("StatisticsGen", "statistics")
        return _parsed_statistics(Path(folder, f"Split-{split}", SPLIT_STATISTICS).read_bytes())


def load_run(folder: Path) -> RunMaterial:
    """Read the folder of a run, `ROOT/runs/<run id>`.

    Raises:
        UsageError: the folder is not that of a run.
        DataRefused: a file in it is damaged.
    """
    try:
        summary, settings = _read_json(folder / "summary.json"), _read_json(folder / "settings.json")
        artifacts_file = folder / "artifacts.json"
        artifacts = _read_json(artifacts_file) if artifacts_file.exists() else {}
        for name, content, keys in (("summary", summary, SUMMARY_KEYS), ("settings", settings, {"profile", "train"})):
            if not isinstance(content, dict) or keys - content.keys():
                raise DataRefused(f"{folder / name}.json is damaged (it lacks some of {', '.join(sorted(keys))}).")
    except DataRefused as error:
        raise DataRefused(f"{error} Run it again: what is finished comes from the cache.") from error
    except OSError as error:
        raise UsageError(
            f"{folder} is not the folder of a run: {error}. Name one below ROOT/runs; it holds summary.json."
        ) from error
    return RunMaterial(folder, summary, settings, artifacts)


def _read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataRefused(f"{file} is damaged ({error}).") from error


def _parsed_statistics(content: bytes) -> DatasetFeatureStatistics:
    from tensorflow_metadata.proto.v0 import statistics_pb2

    return statistics_pb2.DatasetFeatureStatisticsList.FromString(content).datasets[0]


def value_counts(statistics: DatasetFeatureStatistics, name: str) -> dict[str, int]:
    """Return how many examples have each value of a string or categorical feature; empty without the feature."""
    return {
        bucket.label: round(bucket.sample_count)
        for feature in statistics.features
        if name in (feature.name, *feature.path.step)
        for bucket in feature.string_stats.rank_histogram.buckets
    }


@dataclass(frozen=True)
class ScoringMaterial:
    """A scoring job, finished or not."""

    folder: Storage
    job: Job
    shards: Mapping[str, Outcome]  # by stem; None if a shard was not finished
    finished: bool
    summary: Mapping[str, Any]  # summary.json, or the same of the shards that are done so far

    @property
    def records(self) -> Sequence[ShardRecord]:
        """The records of the shards that are done."""
        return [record for record in self.shards.values() if isinstance(record, ShardRecord)]

    @cached_property
    def lines(self) -> list[RecordingLine]:
        """The lines of the recordings of shards that are done, in the order of the inputs; none of files of beats.

        Raises:
            HeartbeatError: a file of recordings/ is missing or cannot be read.
        """
        names = [task.lines_name for task in self.done_tasks if isinstance(task.shard, RecordingShard)]
        contents = zip(names, ask_all(self.content, names), strict=True)
        return [line for name, content in contents for line in read_lines(content, self.folder.path(name))]

    def content(self, name: str) -> bytes:
        """Return what a file of the job holds.

        Raises:
            HeartbeatError: it is gone.
        """
        content = self.folder.read(name)
        if content is None:
            raise HeartbeatError(f"{self.folder.path(name)} is gone. Score the job with --resume.")
        return content

    @cached_property
    def damage(self) -> list[str]:
        """A sentence if result files are gone, or are not what their shards' records say: which, and how."""
        sizes = {name: size for below in RESULT_FOLDERS for name, size in self.folder.sizes(below).items()}
        files = [(file, record) for record in self.records for file in record.written]
        faults = [
            fault for file, record in files if (fault := self._fault(file, record, sizes.get(file.name))) is not None
        ]
        if not faults:
            return []
        more = f"; {len(faults) - NAMED_FAULTS:,} more" if len(faults) > NAMED_FAULTS else ""
        are = "is" if len(faults) == 1 else "are"
        return [
            f"{len(faults):,} of {counted(len(files), 'result file')} {are} damaged: "
            f"{'; '.join(faults[:NAMED_FAULTS])}{more}. `heartbeat score --resume` scores their shards again."
        ]

    def _fault(self, file: Written, record: ShardRecord, size: int | None) -> str | None:
        """Say how a file of results is not what the record of its shard says; None where nothing is wrong with it."""
        path = self.folder.path(file.name)
        if size is None:
            return f"{path} is gone"
        if size != file.bytes:
            return f"{path} has {counted(size, 'byte')}, but {file.bytes:,} were written"
        if is_remote(path) or not file.name.endswith(".parquet"):  # an object of a store is whole or not there
            return None
        try:
            with open_parquet(path) as parquet:
                rows = parquet.metadata.num_rows
        except HeartbeatError as error:
            return f"{path} cannot be read as Parquet ({error.__cause__ or error})"
        same = file != record.parts or rows == record.scored
        return None if same else f"{path} has {counted(rows, 'row')}, but {record.scored:,} were scored"

    @property
    def recordings(self) -> Mapping[str, Any] | None:
        """The summary's counts of recordings; None for a job that reads files of beats."""
        counts: Mapping[str, Any] | None = self.summary.get("recordings")
        return counts and {name: value if "seconds" in name else int(value) for name, value in counts.items()}

    def page_of(self, line: RecordingLine) -> str:
        """Return where the page of a recording is, from that of the job: by its number, as names may repeat."""
        return f"{RECORDING_PAGES}/{stem_of(self._numbers[line.file], line.record, 0).rpartition('-')[0]}.html"

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {each.file.path: number for number, each in enumerate(self.job.fingerprint.inputs)}

    @cached_property
    def pages_made(self) -> set[str]:
        """The existing pages of recordings, relative to the job's."""
        below = f"{REPORT_DIR}/{RECORDING_PAGES}"
        return {name.removeprefix(f"{REPORT_DIR}/") for name in self.folder.sizes(below)}

    @property
    def done_tasks(self) -> list[ShardTask]:
        """The shards that are done."""
        return [
            task for task in self.job.tasks(self.folder.root) if isinstance(self.shards[task.shard.stem], ShardRecord)
        ]

    @cached_property
    def synthetic(self) -> bool:
        """Whether the model was trained on simulated beats; False if nothing beside the model says so."""
        return is_synthetic(self.summary["model"]["place"])

    @cached_property
    def training_counts(self) -> list[int]:
        """Training beats of each class, from the statistics beside the model."""
        counts = value_counts(_parsed_statistics(self._sidecar(STATISTICS)), "label")
        if not counts:
            raise UsageError(f"{STATISTICS} beside the model counts no labels, so classes cannot be compared.")
        return [counts.get(str(index), 0) for index in range(len(CLASSES))]

    @cached_property
    def training_histogram(self) -> list[int]:
        """Training samples by value, int[32]."""
        counts: list[int] = json.loads(self._sidecar(HISTOGRAM))["counts"]
        return counts

    def _sidecar(self, name: str) -> bytes:
        model = model_place(self.summary["model"]["place"])
        try:
            return read_whole(f"{model}/{SIDECAR_DIR}/{name}")
        except Exception as error:
            raise UsageError(f"The model in {model} has no {name} beside it: {error}") from error


def load_scoring(directory: str) -> ScoringMaterial:
    """Read a scoring directory or its URI.

    Raises:
        UsageError: there is no scoring job.
        DataRefused: its summary is damaged.
        EnvironmentRefused: the directory cannot be read.
    """
    folder = storage_at(absolute_path(directory))
    planned = folder.read(JOB_FILE)
    if planned is None:
        raise UsageError(f"{directory} is not a scoring directory: it holds no {JOB_FILE}.")
    job = Job.from_json(planned, directory, "`heartbeat score --overwrite` starts the job over.")
    shards = read_outcomes(folder, job.tasks(directory))
    text = folder.read(SUMMARY_FILE)
    summary = add_up(job, shards, directory, job.model_uri) if text is None else ScoreSummary.from_json(text, directory)
    return ScoringMaterial(folder, job, shards, text is not None, summary.to_dict())
