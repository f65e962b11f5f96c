"""Scoring jobs for tests: small inputs, a model in numpy, and a runner that is a loop."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from components.beat import CLASSES, SAMPLES
from components.score.model import ModelRef
from components.score.run import ScoreRequest, score
from components.score.settings import RejectBudget, ScoreSettings
from components.score.shard import attempt_shard
from components.train.served import Answers
from tests.evaluate.tiny_model import answers_of, template_weights
from tests.io.rows import lines

MODEL = ModelRef("/models/1", "ab" * 32)
WEIGHTS = template_weights()


class NumpyModel:
    """softmax(signal @ weights); `spoil` may change the answers."""

    short_digest = MODEL.short_digest
    computing = "numpy"
    reads_context = False

    def __init__(self, spoil=lambda signal, probabilities: probabilities):
        self.spoil = spoil

    def answers(self, signal, batch, context=None):
        probabilities = np.empty((0, len(CLASSES)), np.float32)
        if len(signal):
            probabilities = self.spoil(signal, answers_of(signal, WEIGHTS))
        return Answers(probabilities, np.zeros(len(signal), bool))


def loop(model=None):
    """Runs shards one after another in this process."""

    def run(tasks, ref, follow):
        for task in tasks:
            attempt_shard(task, lambda: model or NumpyModel())
            follow()
        return []

    return run


def request(*inputs, output, existing="refuse", budget="1%", ref=MODEL, **settings):
    chosen = {"shard_bytes": 20_000, "block_rows": 16, "batch": 8, **settings}
    return ScoreRequest(
        tuple(map(str, inputs)), str(output), ref, ScoreSettings(**chosen), existing, RejectBudget(budget)
    )


def run(*inputs, output, model=None, **options):
    return score(request(*inputs, output=output, **options), loop(model), lambda reader: reader.look())


def write_csv(path, count, seed=0):
    """Good rows; returns signal and label."""
    text, signal, label = lines(count, seed)
    path.write_bytes(text)
    return signal, label


def read_parts(output):
    """All scored rows in order of the files' names, as a table."""
    return pq.read_table([str(path) for path in sorted(Path(output, "parts").iterdir())])


def read_rejects(output):
    texts = [path.read_text() for path in sorted(Path(output, "rejects").iterdir())]
    return [json.loads(line) for text in texts for line in text.splitlines()]


def probabilities(table):
    return np.stack([table[f"p_{symbol}"].to_numpy() for symbol in CLASSES], axis=1)


def digests(output):
    """What "the same bytes" is about: every file of results but the shards' records, which hold times."""
    folders = [Path(output, below) for below in ("parts", "rejects", "recordings", "annotations")]
    files = sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(output).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def expected(signal):
    return answers_of(np.ascontiguousarray(signal, np.float32).reshape(-1, SAMPLES), WEIGHTS)
