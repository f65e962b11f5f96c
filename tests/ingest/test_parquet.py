"""Ingest of the Parquet form of a data folder: the same examples as of the CSVs, whatever the rows are."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.beats import kaggle
from components.beats.context import CONTEXT_NAMES, CONTEXT_VERSION
from components.errors import DataRefused
from components.ingest.locate import find_inputs
from components.ingest.report import gate_ingest, read_ingest_report
from components.ingest.run import ingest
from components.ingest.settings import DataSettings
from components.ingest.split import SPLITS
from components.io import parquet
from components.io.shards import plan_sources
from components.io.sources import check_labels
from components.io.storage import list_files, storage_at
from tests.ingest.folder import (
    TEST,
    TEST_LABEL,
    TEST_SIGNAL,
    TRAIN_LABEL,
    TRAIN_SIGNAL,
    provenance,
    rejects,
    run,
    run_all,
    split_of,
)
from tests.memory_bucket import MemoryBucket

TEN_A_RECORD = [str(100 + row // 10) for row in range(200)]


def table(signal=TRAIN_SIGNAL, label=TRAIN_LABEL, **columns):
    return pa.table({"signal": [list(row) for row in signal], "label": label, **columns})


def test_table(**columns):
    return table(TEST_SIGNAL, TEST_LABEL, **columns)


test_table.__test__ = False


def fill_tables(data, train=None, test=None, group=64):
    data.mkdir(parents=True, exist_ok=True)
    pq.write_table(table() if train is None else train, data / "train.parquet", row_group_size=group)
    pq.write_table(test_table() if test is None else test, data / "test.parquet", row_group_size=group)
    return str(data)


def test_files_are_opened_twice_before_their_shards_are_read(tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(
        parquet, "open_parquet", lambda path, real=parquet.open_parquet: opened.append(path) or real(path)
    )
    inputs = find_inputs(fill_tables(tmp_path / "data"))
    check_labels(inputs.sources, True)
    assert sum(shard.rows for shard in plan_sources(inputs.sources)) == 200 + len(TEST_LABEL)
    assert len(opened) == 2 * len(set(opened)) == 4


def run_tables(folder, run_jobs=run_all, settings=DataSettings(), **tables):
    """Fills a folder with Parquet and ingests it."""
    data = fill_tables(folder / "data", **tables)
    summary = ingest(find_inputs(data), settings, f"{folder}/examples", f"{folder}/report", run_jobs)
    assert read_ingest_report(f"{folder}/report") == summary
    return summary


def examples(folder):
    """Split -> the bytes of its TFRecords, one file after another."""
    return {
        split: b"".join(path.read_bytes() for path in sorted((folder / "examples" / f"Split-{split}").iterdir()))
        for split in SPLITS
    }


def test_without_records_the_examples_are_those_of_the_csvs(tmp_path):
    text, tables = run(tmp_path / "csv"), run_tables(tmp_path / "parquet")
    assert examples(tmp_path / "csv") == examples(tmp_path / "parquet")
    assert (tables.split, tables.rows, tables.classes) == ("unknown", text.rows, text.classes)
    assert [(file.into, file.rows, file.examples) for file in tables.files] == [("train", 200, 200), ("test", 40, 40)]
    assert gate_ingest(tables, DataSettings()) == []


def test_with_records_the_examples_are_those_of_the_csvs_with_provenance(tmp_path):
    text = run(
        tmp_path / "csv",
        mitbih_train_provenance__csv=provenance(TRAIN_LABEL, lambda row: 100 + row // 10),
        mitbih_test_provenance__csv=provenance(TEST_LABEL, lambda row: 200),
    )
    tables = run_tables(
        tmp_path / "parquet", train=table(record=TEN_A_RECORD), test=test_table(record=["200"] * 40, sample=range(40))
    )
    assert (text.split, text.rows, text.classes) == (tables.split, tables.rows, tables.classes)
    assert tables.split == "patient"
    assert set(split_of(tmp_path / "parquet", "test").record) == {"200"}
    assert examples(tmp_path / "csv") == examples(tmp_path / "parquet")


@pytest.mark.parametrize(
    ("train", "test", "known"),
    [
        (TEN_A_RECORD, ["100"] * 40, True),
        ([None, *TEN_A_RECORD[1:]], ["200"] * 40, False),
        (TEN_A_RECORD, None, True),
    ],
)
def test_a_record_on_both_sides_or_a_row_without_one_makes_the_split_unknown(tmp_path, train, test, known):
    test = test_table() if test is None else test_table(record=test)
    summary = run_tables(tmp_path, train=table(record=pa.array(train, pa.string())), test=test)
    assert summary.split == "unknown"
    assert (split_of(tmp_path, "train").record is not None) == known
    assert summary.rows["train"] + summary.rows["eval"] == 200


def test_many_shards_of_row_groups_in_any_order_give_the_same_beats(tmp_path, monkeypatch):
    one = run_tables(tmp_path / "one", group=16)
    monkeypatch.setattr("components.ingest.run.plan_sources", lambda sources, _: plan_sources(sources, 20 * 4700))
    many = run_tables(tmp_path / "many", lambda jobs: run_all(reversed(jobs)), group=16)
    assert len([*(tmp_path / "many" / "examples" / "Split-train").iterdir()]) == 7
    assert examples(tmp_path / "one") == examples(tmp_path / "many")
    assert (many.rows, many.classes) == (one.rows, one.classes)


def test_bad_rows_are_rejects_with_their_number_and_reason(tmp_path):
    rows = [list(row) for row in TRAIN_SIGNAL]
    rows[1], rows[5], rows[8][3], rows[9][4] = None, rows[5][:-1], float("nan"), 1.5
    label = pa.array([None if row == 70 else 7 if row == 71 else TRAIN_LABEL[row] for row in range(200)], pa.int64())
    record = pa.array([str(row) for row in range(200)])
    summary = run_tables(
        tmp_path, train=pa.table({"signal": rows, "label": label, "record": record}), test=test_table(record=["x"] * 40)
    )
    assert summary.rows["rejects"] == 6
    assert {each["row"]: each["reason"] for each in rejects(tmp_path)} == {
        1: "it has no samples, expected 187",
        5: "it has 186 samples, expected 187",
        8: "sample 3 is not a number",
        9: "sample 4 is 1.5, outside 0..1",
        70: "it has no label",
        71: "label 7 is not one of 0..4",
    }
    origin = {row.tobytes(): str(number) for number, row in enumerate(TRAIN_SIGNAL)}
    for split in ("train", "eval"):
        beats = split_of(tmp_path, split)
        assert [origin[row.tobytes()] for row in beats.signal] == list(beats.record)
    with pytest.raises(
        DataRefused, match=r"6 of 200 rows are not beats .*First: row 1: it has no samples, expected"
    ) as e:
        gate_ingest(summary, DataSettings())
    assert "None" not in str(e.value)
    assert "Dropped: " in gate_ingest(summary, DataSettings(reject_budget=6))[0].sentence


def test_kaggles_test_beats_are_known_by_their_values_in_their_order(tmp_path, monkeypatch):
    values = np.column_stack([TEST_SIGNAL, TEST_LABEL]).astype("<f4")
    monkeypatch.setattr(kaggle, "TEST_ROWS", 40)
    monkeypatch.setattr(kaggle, "TEST_CONTENT_SHA256", hashlib.sha256(values.tobytes()).hexdigest())
    records = {"train": table(record=TEN_A_RECORD), "test": test_table(record=["200"] * 40)}
    summary = run_tables(tmp_path / "same", **records)
    assert summary.split == "kaggle"
    assert summary.digests["test"] == hashlib.sha256(values.tobytes()).hexdigest()
    assert (
        run_tables(tmp_path / "order", **records | {"test": records["test"].take([*range(39, -1, -1)])}).split
        == "patient"
    )
    assert run_tables(tmp_path / "fewer", **records | {"test": records["test"].slice(1)}).split == "patient"


def test_a_folder_that_says_it_is_simulated_is_reported_so(tmp_path):
    data = Path(fill_tables(tmp_path))
    (data / "SYNTHETIC.txt").write_text("SYNTHETIC")
    found = find_inputs(str(data))
    assert found.synthetic
    assert {Path(file.path).name for file in found.files} == {"train.parquet", "test.parquet", "SYNTHETIC.txt"}


def test_a_folder_in_both_forms_is_refused_in_one_sentence_that_names_the_files(tmp_path):
    fill_tables(tmp_path)
    (tmp_path / "mitbih_test.csv").write_bytes(TEST)
    with pytest.raises(DataRefused) as refused:
        find_inputs(str(tmp_path))
    assert list(refused.value.sentences) == [
        f"{tmp_path} holds beats in two forms, mitbih_test.csv, train.parquet, test.parquet: keep one, CSV or Parquet."
    ]


def test_what_is_missing_without_labels_or_no_parquet_is_refused(tmp_path):
    data = Path(fill_tables(tmp_path / "data", train=table().drop(["label"])))
    with pytest.raises(DataRefused, match=r"train\.parquet has no column of labels, `label`"):
        find_inputs(str(data))
    (data / "train.parquet").write_bytes(TEST)
    with pytest.raises(DataRefused, match=r"train\.parquet is CSV, expected Parquet\."):
        find_inputs(str(data))
    (data / "train.parquet").unlink()
    with pytest.raises(DataRefused, match=r"has no train\.parquet\. It has 'test\.parquet'\. Get both files"):
        find_inputs(str(data))


def test_what_else_is_in_the_folder_is_named_and_spark_s_parts_are_read(tmp_path):
    fill_tables(tmp_path)
    assert find_inputs(str(tmp_path)).strays == ()
    (tmp_path / "train.parquet").rename(tmp_path / "part")
    (tmp_path / "train.parquet").mkdir()
    (tmp_path / "part").rename(tmp_path / "train.parquet" / "part-00000.zstd.parquet")
    (tmp_path / "train.parquet" / "_SUCCESS").touch()
    (tmp_path / "beats.parquet").touch()
    found = find_inputs(f"file://{tmp_path}")
    assert [Path(source.file.path).name for source in found.train] == ["part-00000.zstd.parquet"]
    assert found.strays == ("beats.parquet",)


def test_another_file_is_another_fingerprint(tmp_path):
    data = fill_tables(tmp_path)
    before = [file.version for file in find_inputs(data).files]
    fill_tables(tmp_path, train=table(signal=TRAIN_SIGNAL[::-1]))
    assert before != [file.version for file in find_inputs(data).files]
    assert list_files(f"{data}/train.parquet")[0] in find_inputs(data).files


def test_tables_on_a_store_give_the_examples_of_local_ones(tmp_path, monkeypatch):
    records = {"train": table(record=TEN_A_RECORD), "test": test_table(record=["200"] * 40)}
    local = run_tables(tmp_path / "local", **records)
    bucket, store = MemoryBucket(), storage_at("s3://bucket/beats")
    monkeypatch.setattr("components.io.object_stores.bucket_of", lambda scheme, name: bucket)
    for name in ("train.parquet", "test.parquet"):
        store.write(name, (tmp_path / "local" / "data" / name).read_bytes())
    found = find_inputs("s3://bucket/beats")
    remote = ingest(found, DataSettings(), f"{tmp_path}/remote/examples", f"{tmp_path}/remote/report", run_all)
    assert (remote.split, remote.rows, remote.digests) == ("patient", local.rows, local.digests)
    assert examples(tmp_path / "remote") == examples(tmp_path / "local")


BROKEN = [float("inf"), *[7.0] * (len(CONTEXT_NAMES) - 1)]


def with_context(beats, version=CONTEXT_VERSION, **changed):
    """The table with a context that counts the rows; a keyword names the row whose context is another."""
    rows = {f"row{row}": [float(row)] * len(CONTEXT_NAMES) for row in range(len(beats))} | changed
    form = json.dumps({"version": version, "names": CONTEXT_NAMES})
    column = pa.array(list(rows.values()), pa.list_(pa.float32()))
    return beats.append_column("context", column).replace_schema_metadata({"heartbeat.context": form})


def test_each_example_carries_the_context_of_its_beat(tmp_path):
    train = with_context(table(record=TEN_A_RECORD), row3=None, row7=BROKEN, row150=[1.0])
    settings = DataSettings(context=True)
    summary = run_tables(tmp_path, settings=settings, train=train, test=with_context(test_table(record=["9"] * 40)))
    assert [reject["reason"] for reject in rejects(tmp_path)] == [
        f"its context has 0 numbers, expected {len(CONTEXT_NAMES)}",
        "its context has a number that is not finite",
        f"its context has 1 numbers, expected {len(CONTEXT_NAMES)}",
    ]
    assert (summary.split, sum(summary.rows.values())) == ("patient", 240)
    rows = []
    for name in ("train", "eval"):
        split = split_of(tmp_path, name)
        assert (split.context == split.context[:, :1]).all()
        rows += split.context[:, 0].astype(int).tolist()
        np.testing.assert_array_equal(split.signal, TRAIN_SIGNAL[split.context[:, 0].astype(int)])
    assert sorted(rows) == sorted(set(range(200)) - {3, 7, 150})


def test_context_that_nobody_asks_for_is_left_out(tmp_path):
    run_tables(tmp_path / "with", train=with_context(table()), test=with_context(test_table()))
    run_tables(tmp_path / "without")
    assert examples(tmp_path / "with") == examples(tmp_path / "without")


def test_files_without_context_or_with_another_one_are_refused(tmp_path):
    settings = DataSettings(context=True)
    with pytest.raises(DataRefused) as refused:
        run_tables(tmp_path, settings=settings, train=with_context(table(), version=CONTEXT_VERSION + 1))
    ours = f"version {CONTEXT_VERSION} ({len(CONTEXT_NAMES)} numbers)"
    how = "make it from the recordings: `heartbeat prepare --format parquet`."
    assert [sentence.partition("data/")[2] for sentence in refused.value.sentences] == [
        f"train.parquet has context of version {CONTEXT_VERSION + 1} ({len(CONTEXT_NAMES)} numbers), needed is {ours}: "
        f"{how}",
        f"test.parquet has no context of its beats: {how}",
    ]


def test_a_file_whose_metadata_are_damaged_is_refused(tmp_path):
    with pytest.raises(DataRefused, match="says of its context what cannot be read"):
        run_tables(tmp_path, train=with_context(table()).replace_schema_metadata({"heartbeat.context": "{"}))


@pytest.mark.parametrize("records", [TEN_A_RECORD, None])
def test_variants_are_trained_on_but_for_those_of_beats_that_are_held_out(tmp_path, records):
    columns = {"record": records} if records else {}
    made = with_context(table(**columns))
    changed = pa.array([[-1.0] * len(CONTEXT_NAMES)] * 200, pa.list_(pa.float32()))
    made = made.set_column(made.schema.get_field_index("context"), "context", changed)
    data = tmp_path / "data"
    data.mkdir()
    pq.write_table(made, data / "variants.parquet")
    train, test = (
        with_context(table(**columns)),
        with_context(test_table(**({"record": ["9"] * 40} if records else {}))),
    )
    summary = run_tables(tmp_path, settings=DataSettings(context=True), train=train, test=test)
    held_out = summary.rows["eval"]
    assert 0 < held_out < 100
    assert summary.rows["train"] == 2 * (200 - held_out)
    [variants] = [file for file in summary.files if file.file.endswith("variants.parquet")]
    assert (variants.rows, variants.examples, variants.left_out) == (200, 200 - held_out, held_out)
    assert (split_of(tmp_path, "eval").context >= 0).all()
    assert (split_of(tmp_path, "train").context == -1).all(axis=1).sum() == 200 - held_out
    assert summary.strays == []
    without = run_tables(tmp_path / "plain", train=train, test=test)
    pq.write_table(made, tmp_path / "plain" / "data" / "variants.parquet")
    again = run_tables(tmp_path / "plain", train=train, test=test)
    assert again.rows == without.rows
