"""Data folders for tests, ingested as plain functions."""

import json

from components.ingest.locate import find_inputs
from components.ingest.report import read_ingest_report
from components.ingest.run import ingest
from components.ingest.settings import DataSettings
from components.ingest.shard import attempt_shard
from components.io.examples import read_split
from tests.io.rows import lines

TRAIN, TRAIN_SIGNAL, TRAIN_LABEL = lines(200, seed=1)
TEST, TEST_SIGNAL, TEST_LABEL = lines(40, seed=2)


def provenance(labels, record_of):
    rows = (f"{record_of(row)},{row * 100},N,{label}\n" for row, label in enumerate(labels))
    return ("record,sample,symbol,label\n" + "".join(rows)).encode()


def run_all(jobs):
    for job in jobs:
        attempt_shard(job)


def fill(data, **files):
    """Makes a data folder; a keyword names a file, `__` standing for a dot."""
    data.mkdir(parents=True, exist_ok=True)
    for name, text in ({"mitbih_train__csv": TRAIN, "mitbih_test__csv": TEST} | files).items():
        if text is not None:
            (data / name.replace("__", ".")).write_bytes(text)
    return str(data)


def run(folder, run_jobs=run_all, **files):
    """Fills a folder and ingests it."""
    uris = f"{folder}/examples", f"{folder}/report"
    summary = ingest(find_inputs(fill(folder / "data", **files)), DataSettings(), *uris, run_jobs)
    assert read_ingest_report(uris[1]) == summary
    return summary


def rejects(folder):
    return [json.loads(each) for each in (folder / "report" / "rejects.jsonl").read_text().splitlines()]


def split_of(folder, name):
    return read_split(f"{folder}/examples/Split-{name}")
