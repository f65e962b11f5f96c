"""Dataflow: the Beam options of a job, checked before anything is sent."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from components.errors import UsageError
from components.score.beam_private import dataflow_faults, unknown_options
from components.score.engines.engine import Session, check_visible, option, with_defaults

REQUIRED: Final = {
    "project": "the Google Cloud project that pays",
    "region": "where the workers are, best that of the buckets",
    "temp_location": "gs:// prefix for what Dataflow keeps while the job runs",
    "sdk_container_image": "image with heartbeat and Beam's boot program, see docs/dataflow.md",
}
"""Beam options that a job cannot do without, and what each is."""

REGION: Final = re.compile(r"[a-z]+-[a-z]+[0-9]+")

BUCKET: Final = re.compile(r"gs://[a-z0-9][a-z0-9._-]+[a-z0-9](/.*)?")

THREADS: Final = "1"
"""Of a worker's process: it scores one shard at a time, and there is a process for each core."""


@dataclass(frozen=True)
class Dataflow:
    """Google's Dataflow."""

    options: Sequence[str]  # the user's Beam options
    workers: int | None  # most machines; None leaves it to Dataflow

    def check_paths(self, inputs: Sequence[str], output: str, model: str) -> None:
        """Refuse local paths: Dataflow's machines mount nothing of ours."""
        check_visible(inputs, output, model, assume_shared=False)

    def beam_options(self, shards: int) -> list[str]:
        """Return all Beam options; refuse those that are missing, malformed or unknown."""
        missing = [f"--{name} ({what})" for name, what in REQUIRED.items() if not option(self.options, name)]
        if missing:
            raise UsageError(f"--on dataflow needs, after `--`: {', '.join(missing)}.")
        defaults = {"number_of_worker_harness_threads": THREADS, "job_name": f"heartbeat-score-{uuid.uuid4().hex[:8]}"}
        if self.workers is not None:
            defaults["max_num_workers"] = str(self.workers)
        options = ["--runner=DataflowRunner", *with_defaults(defaults, self.options), *self.options]
        faults = [f"{word} is not one that Beam knows." for word in unknown_options(options)]  # it would be ignored
        faults += _malformed(options)
        if faults:
            raise UsageError([f"Options for Dataflow: {fault}" for fault in faults])
        return options

    @contextmanager
    def session(self, shards: int) -> Iterator[Session]:
        """Give the options: Dataflow is Google's to start and Beam's to stop."""
        yield Session(self.beam_options(shards))


def _malformed(options: Sequence[str]) -> list[str]:
    faults = []
    region, *locations = (option(options, name) or "" for name in ("region", "temp_location", "staging_location"))
    if not REGION.fullmatch(region):
        faults.append(f"--region={region} is no region, such as europe-west4.")
    faults += [f"{uri} is no gs:// bucket or prefix." for uri in locations if uri and not BUCKET.fullmatch(uri)]
    return faults or dataflow_faults(options)  # Beam's check would make a bucket of its own in place of a wrong one
