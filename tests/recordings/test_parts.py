"""The two forms of what `prepare` writes: the same beats, labels and places, whichever form is asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from components.beat import ContextForm
from components.beats.context import CONTEXT_NAMES, CONTEXT_VERSION, beat_context
from components.errors import UsageError
from components.io import parquet_writer
from components.io.csv_numbers import kaggle_text
from components.io.parquet_layout import layout_of
from components.io.shards import plan_sources, read_shard
from components.io.sources import find_sources
from components.recordings import parts
from components.recordings import signal as signal_module
from components.recordings.detect import find_beats
from components.recordings.lead import open_lead
from components.recordings.signal import LeadReader
from components.recordings.splits import MITDB_SIG_LEN, KaggleRows
from tests.recordings.archives import at_rate, simulated, write_archive, write_record
from tests.recordings.preparing import provenance, run


def blocks(path: Path, *, labelled: bool = True) -> list:
    """What the scorer reads of a file of beats."""
    (shard,) = plan_sources(find_sources([str(path)]))
    return list(read_shard(shard, labelled=labelled, block_rows=4096))


def assert_same_beats(text: Path, table: Path, *, labelled: bool = True) -> None:
    """The scorer reads the same beats of both, and the columns hold the provenance file."""
    (ours,), (theirs,) = blocks(table, labelled=labelled), blocks(text, labelled=labelled)
    assert len(ours.rejects) == len(theirs.rejects) == 0
    np.testing.assert_array_equal(ours.signal.view(np.uint32), theirs.signal.view(np.uint32))
    if labelled:
        np.testing.assert_array_equal(ours.label, theirs.label)
    assert ours.record.tolist() == theirs.record.tolist()
    assert ours.sample.tolist() == theirs.sample.tolist()
    lines = provenance(text.with_name(f"{text.stem}_provenance.csv"))
    columns = pq.read_table(table).to_pydict()
    assert [(line["record"], int(line["sample"]), line["symbol"] or None) for line in lines] == list(
        zip(columns["record"], columns["sample"], columns["symbol"], strict=True)
    )


def test_both_forms_hold_the_same_beats_in_the_same_order(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive")
    reports = {form: run(archive, tmp_path / form, split="record:0.3", format=form) for form in ("csv", "parquet")}
    for side in ("train", "test"):
        assert_same_beats(tmp_path / "csv" / f"mitbih_{side}.csv", tmp_path / "parquet" / f"{side}.parquet")
    assert sorted(path.name for path in (tmp_path / "parquet").iterdir()) == [
        "prepare.json",
        "test.parquet",
        "train.parquet",
    ]
    assert [file.classes for file in reports["csv"].files] == [file.classes for file in reports["parquet"].files]
    assert [file.name for file in reports["parquet"].files] == ["train.parquet", "test.parquet"]
    assert pq.read_schema(tmp_path / "parquet" / "train.parquet").names == [
        "signal",
        "label",
        "record",
        "sample",
        "symbol",
        "lead",
        "archive",
        "context",
    ]


@pytest.mark.parametrize("options", [{"split": "none"}, {"detect": True}])
def test_without_a_split_there_is_one_file_and_without_labels_no_column_of_them(
    tmp_path: Path, options: dict[str, object]
) -> None:
    archive, labelled = write_archive(tmp_path / "archive"), "detect" not in options
    for form in ("csv", "parquet"):
        run(archive, tmp_path / form, format=form, **options)
    assert_same_beats(tmp_path / "csv" / "beats.csv", tmp_path / "parquet" / "beats.parquet", labelled=labelled)
    assert sorted(path.name for path in (tmp_path / "parquet").iterdir()) == ["beats.parquet", "prepare.json"]
    assert ("label" in pq.read_schema(tmp_path / "parquet" / "beats.parquet").names) == labelled


def test_any_number_of_processes_and_blocks_gives_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = write_archive(tmp_path / "archive")
    run(archive, tmp_path / "one", split="record:0.3", format="parquet")
    run(archive, tmp_path / "two", split="record:0.3", format="parquet", workers=2)
    monkeypatch.setattr(signal_module, "BLOCK_SECONDS", 5)
    run(archive, tmp_path / "blocks", split="record:0.3", format="parquet")
    one, two, in_blocks = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two", "blocks")
    )
    assert one == two == in_blocks


@pytest.mark.parametrize(("fs", "options"), [(360, {}), (250, {}), (360, {"detect": True})])
def test_the_context_is_that_of_all_annotated_beats_and_says_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fs: int, options: dict[str, object]
) -> None:
    signal, positions, symbols = simulated(seed=6, beats=60)
    symbols[20], symbols[30] = "Q", "+"  # a beat whose class is left out, and a mark that is no beat
    moved = np.rint(positions * fs / 360).astype(int)
    stem = write_record(tmp_path / "archive", "a", at_rate(signal, fs), moved, symbols, fs=fs, fmt="16")
    monkeypatch.setattr(signal_module, "BLOCK_SECONDS", 5)
    more: dict[str, object] = options or {"split": "none", "map": "Q=-"}
    run(tmp_path / "archive", tmp_path / "out", format="parquet", **more)
    reader = LeadReader(open_lead(stem, "0"))
    beats = find_beats([reader])[0][0].sample if options else np.delete(moved, 30)
    resampled = reader.resampled_millivolts(0, reader.length)
    expected = beat_context(resampled, reader.rate.positions(beats, reader.lead.length), 360)
    table = pq.read_table(tmp_path / "out" / "beats.parquet")
    rows = np.searchsorted(beats, table.column("sample").to_numpy())
    written = np.array(table.column("context").to_pylist(), np.float32)
    assert len(rows) > 50
    np.testing.assert_allclose(written, expected[rows], rtol=0, atol=2e-3)
    assert layout_of("file", table.schema).context == ContextForm(CONTEXT_VERSION, CONTEXT_NAMES)


def test_row_groups_are_of_one_size_whatever_a_record_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = write_archive(tmp_path / "archive")
    monkeypatch.setattr(parquet_writer, "GROUP_ROWS", 50)
    run(archive, tmp_path / "out", split="none", format="parquet")
    file = pq.ParquetFile(tmp_path / "out" / "beats.parquet").metadata
    assert [file.row_group(number).num_rows for number in range(file.num_row_groups)] == [50, 50, 17]


def test_kaggles_test_rows_are_in_kaggles_order_in_both_forms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    signal, positions, symbols = simulated(seed=6, beats=60)
    signal = np.resize(signal, MITDB_SIG_LEN)
    for name in ("100", "101"):
        write_record(tmp_path / "archive", name, signal, positions, symbols)
    order = np.random.default_rng(2).permutation(20)
    listed = KaggleRows(("100", "101"), order % 2, positions[order], dict.fromkeys(("100", "101"), b""))
    for module in ("parts", "splits", "report"):
        monkeypatch.setattr(f"components.recordings.{module}.kaggle_rows", lambda: listed)
    for form in ("csv", "parquet"):
        report = run(tmp_path / "archive", tmp_path / form, format=form, exclude=(), skip_bad=True)
    assert_same_beats(tmp_path / "csv" / "mitbih_test.csv", tmp_path / "parquet" / "test.parquet")
    expected = [(listed.names[number % 2], int(positions[number])) for number in order]
    columns = pq.read_table(tmp_path / "parquet" / "test.parquet").to_pydict()
    assert list(zip(columns["record"], columns["sample"], strict=True)) == expected
    assert "test.parquet does not hold the rows of Kaggle's mitbih_test.csv." in report.sentences


def test_the_other_form_in_the_folder_is_refused(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive")
    for old, form in (("train.parquet", "csv"), ("mitbih_test.csv", "parquet"), ("beats.csv", "parquet")):
        (tmp_path / old).mkdir()
        (tmp_path / old / old).touch()
        with pytest.raises(UsageError, match=f"{old} would be taken for a part of the result: remove it"):
            run(archive, tmp_path / old, split="record:0.3", format=form)
        assert [path.name for path in (tmp_path / old).iterdir()] == [old]


def test_a_text_of_the_values_read_back_is_the_csv(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive")
    for form in ("csv", "parquet"):
        run(archive, tmp_path / form, split="none", format=form)
    (block,) = blocks(tmp_path / "parquet" / "beats.parquet")
    assert kaggle_text(block.signal, block.label).tobytes() == (tmp_path / "csv" / "beats.csv").read_bytes()


def test_every_form_has_files_for_every_side() -> None:
    assert set(parts.FILES["csv"]) == {"train", "test", "beats"}
    assert set(parts.FILES["parquet"]) == {"train", "test", "beats", "variants"}
    assert not {*sum(parts.FILES["csv"].values(), ())} & {*sum(parts.FILES["parquet"].values(), ())}


def test_records_of_several_archives_stay_apart_and_keep_their_lead_and_archive(tmp_path: Path) -> None:
    one, two = write_archive(tmp_path / "one", ("p1", "p2")), write_archive(tmp_path / "two", ("p2", "p3"), beats=30)
    for form in ("csv", "parquet"):
        report = run((one, two), tmp_path / form, split="patient:fold=2/2", format=form)
        assert len(report.counts_of) == 4
    sides = {side: pq.read_table(tmp_path / "parquet" / f"{side}.parquet").to_pydict() for side in ("train", "test")}
    records = {side: set(columns["record"]) for side, columns in sides.items()}
    assert records["train"] | records["test"] == {"one/p1", "one/p2", "two/p2", "two/p3"}
    assert not records["train"] & records["test"]
    for columns in sides.values():
        assert [name.split("/")[0] for name in columns["record"]] == columns["archive"]
        assert set(columns["lead"]) == {"MLII"}
    for side in ("train", "test"):
        assert_same_beats(tmp_path / "csv" / f"mitbih_{side}.csv", tmp_path / "parquet" / f"{side}.parquet")
    run((one, two), tmp_path / "without", split="none", exclude=("p2", "two/p3"))
    assert {line["record"] for line in provenance(tmp_path / "without" / "beats_provenance.csv")} == {"one/p1"}


def test_variants_are_made_of_the_training_records_alone(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive", ("p1", "p2", "p3"), beats=150)
    options = {"split": "record:0.3", "format": "parquet", "variants": True}
    report = run(archive, tmp_path / "out", **options)
    assert [file.name for file in report.files] == ["train.parquet", "test.parquet", "variants.parquet"]
    train, made = (pq.read_table(tmp_path / "out" / f"{name}.parquet").to_pydict() for name in ("train", "variants"))
    assert set(made["record"]) == set(train["record"])
    rows = {key: row for row, key in enumerate(zip(train["record"], train["sample"], strict=True))}
    of = [rows[key] for key in zip(made["record"], made["sample"], strict=True)]
    assert made["signal"] == [train["signal"][row] for row in of]
    assert sum(made["context"][i] != train["context"][row] for i, row in enumerate(of)) > len(of) / 2
    assert len(of) > len(rows)
    run(archive, tmp_path / "two", **options, workers=2)
    assert (tmp_path / "two" / "variants.parquet").read_bytes() == (tmp_path / "out" / "variants.parquet").read_bytes()
    run(archive, tmp_path / "out", split="record:0.3", format="parquet")
    assert not (tmp_path / "out" / "variants.parquet").exists()
    report = run(archive, tmp_path / "whole", split="none", format="parquet", variants=True)
    assert [file.name for file in report.files] == ["beats.parquet", "variants.parquet"]
    assert set(pq.read_table(tmp_path / "whole" / "variants.parquet")["record"].to_pylist()) > set(made["record"])


@pytest.mark.parametrize("options", [{"split": "record:0.3"}, {"detect": True, "format": "parquet"}])
def test_variants_need_classes_and_parquet(tmp_path: Path, options: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="--variants makes rows"):
        run(write_archive(tmp_path / "archive"), tmp_path / "out", variants=True, **options)


def test_two_archives_of_one_name_are_refused(tmp_path: Path) -> None:
    folders = (write_archive(tmp_path / "a" / "db"), write_archive(tmp_path / "b" / "db"))
    with pytest.raises(UsageError, match="Two folders of --wfdb are called db"):
        run(folders, tmp_path / "out", split="none")
