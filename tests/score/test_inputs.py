import gzip
import io
import json
import os

import pytest

from components.errors import DataRefused, UsageError
from components.io.shards import stem_of
from components.io.sources import find_sources
from components.score.settings import RejectBudget
from pipeline.commands.score import show_summary
from tests.io.rows import line, lines
from tests.memory_bucket import MemoryBucket
from tests.score.inputs import write_formats
from tests.score.jobs import read_parts, run, write_csv
from tests.score.test_parquet import LABEL, SIGNAL


def test_formats_are_told_by_content_not_by_name(tmp_path):
    for name, path in write_formats(tmp_path, SIGNAL, LABEL).items():
        renamed = tmp_path / f"{name.replace('.', '-')}{'.gz' if name.endswith('.gz') else '.data'}"
        path.rename(renamed)
        [source] = find_sources([str(renamed)])
        assert source.kind == name.split(".")[1]


def test_a_file_matched_twice_is_scored_once_and_provenance_not_at_all(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("b.csv", "a.csv", "a_provenance.csv", "lone_provenance.csv"):
        (tmp_path / name).write_text(line())
    sources = find_sources([str(tmp_path / "b.csv"), "./b.csv", str(tmp_path / "*.csv"), "*.csv"])
    assert [source.file.path.rsplit("/")[-1] for source in sources] == ["b.csv", "a.csv", "lone_provenance.csv"]
    assert sources[1].provenance.path == str(tmp_path / "a_provenance.csv")


@pytest.mark.parametrize("ask", ["{}", "{}/", "{}/*", "{}/part-*", "*.csv", "*.c[s]v/*.csv", "."])
def test_a_folder_that_spark_or_prepare_wrote_is_read_with_or_without_a_glob(tmp_path, monkeypatch, ask):
    folder = tmp_path / "spark" / "beats.csv"
    folder.mkdir(parents=True)
    for number in range(3):
        write_csv(folder / f"part-0000{number}-8d5f-c000.csv", 5, number)
    for name in (
        "_SUCCESS",
        "_committed_123",
        "_started_123",
        "._SUCCESS.crc",
        ".part-00000-8d5f-c000.csv.crc",
        "x.crc",
        "prepare.json",
    ):
        (folder / name).write_bytes(b"crc\0" if name.endswith("crc") else b"{}")
    monkeypatch.chdir(folder if ask == "." else folder.parent)
    summary = run(ask.format(folder), output=tmp_path / "out")
    assert [file["scored"] for file in summary.files] == [5, 5, 5]
    assert summary.exit_code == 0


def test_a_spark_folder_on_a_store_is_read_without_a_glob(tmp_path, monkeypatch):
    memory = MemoryBucket()
    monkeypatch.setattr("components.io.object_stores.bucket_of", lambda scheme, name: memory)
    names = ("part-0.csv", "part-1.csv", "_SUCCESS", ".part-0.csv.crc", "")
    for name in names:
        memory.put(f"a #[1]/beats/{name}", io.BytesIO(lines(5)[0] if name.startswith("part") else b""))
    for ask in ("beats", "beats/", "beats/*", "be*s", "**"):
        sources = find_sources([f"s3://bucket/a #[1]/{ask}" if ask != "**" else "s3://bucket/**"])
        assert [source.file.path.rpartition("/")[2] for source in sources] == ["part-0.csv", "part-1.csv"], ask


@pytest.mark.parametrize("name", ["a[1].csv", "a b.csv", "a#b.csv", "what?.csv", "[ab]*.csv", "a'b\".csv"])
def test_a_name_that_exists_is_scored_whatever_is_in_it(tmp_path, monkeypatch, name):
    for each in ("a1.csv", "b.csv", "whats.csv", "b_provenance.csv"):
        (tmp_path / each).write_text("no beats\nat all\n")
    write_csv(tmp_path / name, 5)
    monkeypatch.chdir(tmp_path)
    for ask, output in ((tmp_path / name, "out"), (name, "again")):
        summary = run(ask, output=tmp_path / output)
        assert [(file["file"], file["scored"]) for file in summary.files] == [(str(ask), 5)]


def test_nothing_found_and_gzip_in_disguise_are_told(tmp_path):
    with pytest.raises(DataRefused, match="matches no file"):
        find_sources([str(tmp_path / "*.csv")])
    (tmp_path / "a.csv").write_bytes(gzip.compress(b"x"))
    with pytest.raises(DataRefused, match=r"give it a name ending in \.gz"):
        find_sources([str(tmp_path / "a.csv")])


@pytest.mark.parametrize("ask", ["{}", "{}/*.csv", "{}/caf\udce9.csv"])
def test_a_name_that_is_not_utf_8_is_refused_before_the_job(tmp_path, ask):
    for name in ("ok.csv", os.fsdecode(b"caf\xe9.csv")):
        write_csv(tmp_path / name, 5)
    with pytest.raises(DataRefused, match=r"/caf\\xe9\.csv has a name that is not UTF-8: rename it"):
        run(ask.format(tmp_path), output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_a_byte_order_mark_costs_no_row(tmp_path, name):
    text = b"\xef\xbb\xbf" + lines(10)[0]
    (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    summary = run(tmp_path / name, output=tmp_path / "out", budget="0")
    assert (summary.exit_code, summary.rows["scored"]) == (0, 10)
    assert read_parts(tmp_path / "out")["row"].to_pylist() == [*range(10)]


def test_empty_files_alone_are_refused_but_beside_others_are_not(tmp_path):
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(DataRefused, match="no rows"):
        run(tmp_path / "empty.csv", output=tmp_path / "out")
    write_csv(tmp_path / "a.csv", 5)
    summary = run(tmp_path / "a.csv", tmp_path / "empty.csv", output=tmp_path / "out")
    assert [file["scored"] for file in summary.files] == [5, 0]


def unlabelled(count):
    return "".join(line(0).rsplit(",", 1)[0] + "\n" for _ in range(count))


def test_187_columns_need_to_be_asked_for(tmp_path):
    (tmp_path / "a.csv").write_text(unlabelled(20))
    with pytest.raises(DataRefused, match=r"187 columns .* --no-label"):
        run(tmp_path / "a.csv", output=tmp_path / "out")
    assert not (tmp_path / "out" / "job.json").exists()
    run(tmp_path / "a.csv", output=tmp_path / "out", labelled=False)
    assert read_parts(tmp_path / "out")["label"].null_count == 20


def test_188_columns_with_no_label_are_refused(tmp_path):
    write_csv(tmp_path / "a.csv", 20)
    with pytest.raises(DataRefused, match="Leave --no-label out"):
        run(tmp_path / "a.csv", output=tmp_path / "out", labelled=False)


def test_the_first_well_formed_row_decides_and_others_are_rejects(tmp_path):
    (tmp_path / "a.csv").write_text("no,beat\n\n" + line(1) + "\n" + unlabelled(2) + line(2) + "\n")
    summary = run(tmp_path / "a.csv", output=tmp_path / "out", budget="4")
    assert read_parts(tmp_path / "out")["row"].to_pylist() == [2, 5]
    assert summary.rows["rejected"] == 4


@pytest.mark.parametrize(
    ("path", "stem"),
    [
        ("/a/mitbih_test.csv", "00003-mitbih_test-00012"),
        ("s3://b/x.csv.gz", "00003-x-00012"),
        ("data_tfrecord-00000-of-00001.gz", "00003-data_tfrecord-00000-of-00001-00012"),
        ("/a/b c#d.parquet", "00003-b_c_d-00012"),
        ("/a/" + "x" * 250 + ".csv", "00003-" + "x" * 100 + "-00012"),
    ],
)
def test_names_of_parts(path, stem):
    assert stem_of(3, path, 12) == stem


@pytest.mark.parametrize(
    ("text", "rows", "allowed"),
    [("0", 1000, 0), ("7", 3, 7), ("1%", 1000, 10), ("1%", 99, 0), ("0.1%", 10_000, 10), ("100%", 5, 5)],
)
def test_budgets(text, rows, allowed):
    assert RejectBudget(text).allowed(rows) == allowed


@pytest.mark.parametrize("text", ["", "x", "-1", "1 %", "101%", "1.5", "%"])
def test_budgets_that_are_none(text):
    with pytest.raises(UsageError, match="--reject-budget"):
        RejectBudget(text)


@pytest.mark.parametrize(
    ("labels", "hint"), [("1", True), ("12345", True), ("1234", True), ("234", False), ("01", False)]
)
def test_labels_that_seem_to_count_from_1_are_a_remark(tmp_path, capsys, labels, hint):
    rows = lines(40)[0].decode().splitlines()
    text = "".join(f"{row[:-3]}{labels[number % len(labels)]}.0\n" for number, row in enumerate(rows))
    (tmp_path / "a.csv").write_text(text)
    summary = run(tmp_path / "a.csv", output=tmp_path / "out", budget="50%")
    assert summary.exit_code == 0
    assert [remark.partition(":")[0] for remark in summary.remarks] == (
        [f"No beat of the input has label 0 (N), and {text.count(',1.0')} have label 1"] if hint else []
    )
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["remarks"] == summary.remarks
    show_summary(summary)
    assert ("do the labels count from 1?" in capsys.readouterr().err) == hint
