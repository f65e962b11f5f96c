"""Runs in the worker image: a job by a worker that a pool starts, and the same job in this process.

Usage: score_job.py SOURCE PRECISION MODEL. Prints, as JSON, of each the sentences and the digests of what was scored.
"""

import hashlib
import json
import sys
from pathlib import Path

from beam_job import OPTIONS, services

from components.score.engines.engine import BeamRunner
from components.score.model import find_model
from components.score.run import ScoreRequest, score
from components.score.runner import EngineRunner
from components.score.settings import RejectBudget, ScoreSettings


def scored(output, runner):
    model, settings = find_model(sys.argv[3], ""), ScoreSettings(precision=sys.argv[2])
    summary = score(
        ScoreRequest((sys.argv[1],), output, model, settings, "overwrite", RejectBudget("5%")), EngineRunner(runner)
    )
    return summary.sentences, [hashlib.sha256(path.read_bytes()).hexdigest() for path in Path(output).glob("parts/*")]


def main():
    with services():
        told = [scored("/tmp/by_pool", BeamRunner(None, OPTIONS, assume_shared=True))]
    told.append(scored("/tmp/here", BeamRunner(1, [])))
    print(json.dumps(told))  # noqa: T201 - what the test reads


if __name__ == "__main__":
    main()
