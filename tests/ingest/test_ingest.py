"""Whole ingests as plain functions: what becomes of good folders."""

import gzip
import hashlib
import json
from dataclasses import replace
from itertools import chain

import numpy as np
import pytest

from components.beats import kaggle
from components.errors import DataRefused, EnvironmentRefused, HeartbeatError
from components.ingest.locate import find_inputs
from components.ingest.report import gate_ingest
from components.ingest.run import finish_ingest, plan_ingest, summarise
from components.ingest.settings import DataSettings
from components.ingest.shard import ShardRecord
from components.io.shards import plan_sources
from components.io.storage import read_whole
from tests.ingest.folder import (
    TEST,
    TEST_LABEL,
    TEST_SIGNAL,
    TRAIN,
    TRAIN_LABEL,
    TRAIN_SIGNAL,
    fill,
    provenance,
    rejects,
    run,
    run_all,
    split_of,
)


def in_order(beats):
    order = np.lexsort(beats.signal.T)
    return beats.signal[order], beats.label[order]


def test_every_row_is_an_example_of_one_split_with_its_values(tmp_path):
    summary = run(tmp_path)
    assert summary.split == "unknown"
    assert not summary.synthetic
    assert summary.rows["test"] == 40
    assert summary.rows["train"] + summary.rows["eval"] == 200
    assert 5 < summary.rows["eval"] < 40
    assert summary.rows["rejects"] == 0
    assert [sum(summary.classes[name]) for name in ("train", "eval", "test")] == [
        summary.rows[name] for name in ("train", "eval", "test")
    ]
    train, held_out, test = (split_of(tmp_path, name) for name in ("train", "eval", "test"))
    np.testing.assert_array_equal(test.signal, TEST_SIGNAL)
    np.testing.assert_array_equal(test.label, TEST_LABEL)
    both = np.concatenate([train.signal, held_out.signal]), np.concatenate([train.label, held_out.label])
    order, expected = np.lexsort(both[0].T), np.lexsort(TRAIN_SIGNAL.T)
    np.testing.assert_array_equal(both[0][order], TRAIN_SIGNAL[expected])
    np.testing.assert_array_equal(both[1][order], TRAIN_LABEL[expected])
    assert rejects(tmp_path) == []
    assert gate_ingest(summary, DataSettings()) == []


def test_the_cut_does_not_depend_on_order_line_ends_or_packing(tmp_path):
    shuffled = b"".join(np.random.default_rng(0).permutation(TRAIN.splitlines(keepends=True)).tolist())
    packed = {"mitbih_train__csv": None, "mitbih_train__csv__gz": gzip.compress(shuffled.removesuffix(b"\n"))}
    summaries = [
        run(tmp_path / "plain"),
        run(tmp_path / "crlf", mitbih_train__csv=shuffled.replace(b"\n", b"\r\n")),
        run(tmp_path / "packed", **packed),
    ]
    assert [summary.rows for summary in summaries] == [summaries[0].rows] * 3
    for name in ("train", "eval"):
        signal, label = in_order(split_of(tmp_path / "plain", name))
        for variant in ("crlf", "packed"):
            other_signal, other_label = in_order(split_of(tmp_path / variant, name))
            np.testing.assert_array_equal(other_signal, signal)
            np.testing.assert_array_equal(other_label, label)


def test_many_shards_in_any_order_give_the_same_rows_in_the_same_order(tmp_path, monkeypatch):
    files = {"mitbih_train__csv": TRAIN.replace(b"\n", b"\nbad\n", 3), "mitbih_test__csv": b"x\n" + TEST}
    one = run(tmp_path / "one", **files)
    monkeypatch.setattr("components.ingest.run.plan_sources", lambda listed, _: plan_sources(listed, 20_000))
    many = run(tmp_path / "many", run_jobs=lambda jobs: run_all(reversed(jobs)), **files)
    assert len([*(tmp_path / "many" / "examples" / "Split-train").iterdir()]) > 10
    assert many.rows == one.rows
    assert many.classes == one.classes
    for name in ("train", "eval", "test"):
        ours, theirs = split_of(tmp_path / "one", name), split_of(tmp_path / "many", name)
        np.testing.assert_array_equal(ours.signal, theirs.signal)
        np.testing.assert_array_equal(ours.label, theirs.label)
    found = [[(each["row"], each["text"]) for each in rejects(tmp_path / name)] for name in ("one", "many")]
    assert found[0] == found[1] == [(1, "bad"), (3, "bad"), (5, "bad"), (0, "x")]


def test_digests_are_of_the_text_and_tell_the_kaggle_file(tmp_path, monkeypatch):
    monkeypatch.setattr(kaggle, "TEST_BYTES", len(TEST))
    monkeypatch.setattr(kaggle, "TEST_SHA256", hashlib.sha256(TEST).hexdigest())
    known = provenance(TRAIN_LABEL, lambda row: 100), provenance(TEST_LABEL, lambda row: 200)
    summary = run(tmp_path, mitbih_train_provenance__csv=known[0], mitbih_test_provenance__csv=known[1])
    assert summary.split == "kaggle"
    assert summary.digests == {"train": hashlib.sha256(TRAIN).hexdigest(), "test": hashlib.sha256(TEST).hexdigest()}


def test_records_known_and_apart_are_held_out_whole(tmp_path):
    summary = run(
        tmp_path,
        mitbih_train_provenance__csv=provenance(TRAIN_LABEL, lambda row: 100 + row // 10),
        mitbih_test_provenance__csv=provenance(TEST_LABEL, lambda row: 200),
    )
    train, held_out, test = (split_of(tmp_path, name) for name in ("train", "eval", "test"))
    assert summary.split == "patient"
    assert summary.rows["eval"] == 20
    assert len(set(held_out.record)) == 2
    assert not set(held_out.record) & set(train.record)
    assert set(test.record) == {"200"}
    origin = {row.tobytes(): str(100 + number // 10) for number, row in enumerate(TRAIN_SIGNAL)}
    for beats in (train, held_out):
        assert [origin[row.tobytes()] for row in beats.signal] == list(beats.record)


def test_a_record_on_both_sides_makes_the_split_unknown(tmp_path):
    summary = run(
        tmp_path,
        mitbih_train_provenance__csv=provenance(TRAIN_LABEL, lambda row: 100 + row // 10),
        mitbih_test_provenance__csv=provenance(TEST_LABEL, lambda row: 100),
    )
    assert summary.split == "unknown"
    assert set(split_of(tmp_path, "test").record) == {"100"}


def test_a_rejected_row_does_not_shift_the_records_of_the_next(tmp_path):
    run(
        tmp_path,
        mitbih_train__csv=b"bad\n" + TRAIN,
        mitbih_train_provenance__csv=provenance([0, *TRAIN_LABEL], lambda row: row),
    )
    train, held_out = split_of(tmp_path, "train"), split_of(tmp_path, "eval")
    origin = {row.tobytes(): str(number + 1) for number, row in enumerate(TRAIN_SIGNAL)}
    for beats in (train, held_out):
        assert [origin[row.tobytes()] for row in beats.signal] == list(beats.record)


def test_counts_that_do_not_add_up_are_an_error_of_the_program(tmp_path):
    planned = plan_ingest(find_inputs(fill(tmp_path)), DataSettings(), f"{tmp_path}/examples", f"{tmp_path}/report")
    run_all(planned.jobs)
    records = [ShardRecord.from_json(read_whole(job.record)) for job in planned.jobs]
    assert summarise(planned, records).rows["test"] == 40
    records[1].reasons = {"empty line": 1}
    words = (
        r"Rows of .*mitbih_test\.csv, shard 0, do not add up: 40 planned, 40 became examples, 1 reject, 0 left out\."
    )
    with pytest.raises(HeartbeatError, match=words) as error:
        summarise(planned, records)
    assert error.value.exit_code == 1


def test_a_shard_that_cannot_be_done_is_told_in_its_own_words(tmp_path):
    data = tmp_path / "data"
    inputs, report = find_inputs(fill(data)), f"{tmp_path}/report"
    planned = plan_ingest(inputs, DataSettings(), f"{tmp_path}/examples", report)
    (data / "mitbih_test.csv").write_bytes(TEST[:1000])
    run_all(planned.jobs)
    with pytest.raises(DataRefused, match=r"mitbih_test\.csv is 1000 bytes long, expected .*: it changed"):
        finish_ingest(planned, report)


def test_a_shard_whose_files_cannot_be_written_is_told_as_the_environment(tmp_path):
    inputs, report = find_inputs(fill(tmp_path / "data")), f"{tmp_path}/report"
    planned = plan_ingest(inputs, DataSettings(), f"{tmp_path}/taken/x", report)
    (tmp_path / "taken").write_text("")
    run_all(planned.jobs)
    words = r"Cannot write .*/taken/x/.*: (Not a directory|File exists)\. Check"
    with pytest.raises(EnvironmentRefused, match=words):
        finish_ingest(planned, report)
    with pytest.raises(EnvironmentRefused, match=words):
        run_all([replace(planned.jobs[0], report_uri=f"{tmp_path}/taken/x/report")])


def test_rows_that_appear_after_planning_are_noticed(tmp_path):
    inputs, report = find_inputs(fill(tmp_path)), f"{tmp_path}/report"
    planned = plan_ingest(inputs, DataSettings(), f"{tmp_path}/examples", report)
    (tmp_path / "mitbih_test.csv").write_bytes(TEST.replace(b",", b"\n", 1))
    run_all(planned.jobs)
    with pytest.raises(HeartbeatError, match="shard 0, do not add up: 40 planned, 39 became examples, 2 rejects"):
        finish_ingest(planned, report)


def test_the_report_has_the_agreed_form(tmp_path):
    run(tmp_path, mitbih_train__csv=TRAIN + b"\n")
    report = json.loads((tmp_path / "report" / "ingest.json").read_text())
    assert set(report) >= {"split", "synthetic", "rows", "files", "digests"}
    assert set(report["rows"]) == {"train", "eval", "test", "rejects"}
    keys = {"file", "into", "rows", "examples", "rejects", "reasons", "sentences"}
    assert [set(each) >= keys for each in report["files"]] == [True, True]
    assert [each["into"] for each in report["files"]] == ["train", "test"]
    assert [*chain(*(each["reasons"] for each in report["files"]))] == ["empty line"]


def test_a_folder_that_says_it_is_simulated_is_reported_so_and_its_word_is_part_of_the_fingerprint(tmp_path):
    assert run(tmp_path / "a", SYNTHETIC__txt=b"SYNTHETIC").synthetic
    assert not run(tmp_path / "b").synthetic
    with_word, without = (find_inputs(f"{tmp_path}/{name}/data") for name in "ab")
    assert len(with_word.files) == len(without.files) + 1
