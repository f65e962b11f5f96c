import gzip
import os
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.errors import DataRefused, UsageError
from components.ingest.locate import find_inputs
from components.io import storage, text
from tests.io.rows import line

ROW = line().encode()


def touch(folder, *names):
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_bytes(gzip.compress(ROW) if name.endswith(".gz") else ROW)


def test_both_files_are_found_plain_or_packed_with_their_provenance(tmp_path):
    touch(tmp_path, "mitbih_train.csv", "mitbih_test.csv.gz", "mitbih_train_provenance.csv", "other.csv")
    found = find_inputs(f"{tmp_path}/")
    assert [source.file.path for source in found.train] == [f"{tmp_path}/mitbih_train.csv"]
    assert [source.file.path for source in found.test] == [f"{tmp_path}/mitbih_test.csv.gz"]
    assert found.train[0].provenance.path == f"{tmp_path}/mitbih_train_provenance.csv"
    assert found.test[0].provenance is None
    assert len(found.files) == 3


def test_a_glob_of_folders_gives_several_train_files(tmp_path):
    touch(tmp_path / "a", "mitbih_train.csv", "mitbih_test.csv")
    touch(tmp_path / "b", "mitbih_train.csv")
    assert [source.file.path[-18:] for source in find_inputs(f"{tmp_path}/*").train] == [
        "a/mitbih_train.csv",
        "b/mitbih_train.csv",
    ]


def test_what_is_missing_is_named_with_how_to_get_it(tmp_path):
    with pytest.raises(DataRefused, match=r"has no mitbih_train\.csv and no mitbih_test\.csv .*heartbeat prepare"):
        find_inputs(str(tmp_path / "none"))
    touch(tmp_path, "mitbih_train.csv")
    with pytest.raises(DataRefused, match=r"has no mitbih_test\.csv \(or \.csv\.gz\)"):
        find_inputs(str(tmp_path))


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", gzip.compress(b"")])
def test_files_without_rows_are_refused(tmp_path, content):
    name = "mitbih_train.csv.gz" if content.startswith(b"\x1f") else "mitbih_train.csv"
    touch(tmp_path, name, "mitbih_test.csv")
    assert find_inputs(str(tmp_path))
    (tmp_path / name).write_bytes(content)
    sentence = "{} has no rows, only a byte order mark." if content.startswith(b"\xef") else "There are no rows in {}."
    with pytest.raises(DataRefused, match=f"^{re.escape(sentence.format(tmp_path / name))}$"):
        find_inputs(str(tmp_path))


def test_a_file_is_opened_once(tmp_path, monkeypatch):
    touch(tmp_path, "mitbih_train.csv", "mitbih_test.csv")
    opened, open_range = [], storage.open_range
    for module in (storage, text):
        monkeypatch.setattr(module, "open_range", lambda path, *span: opened.append(path) or open_range(path, *span))
    find_inputs(str(tmp_path))
    assert sorted(opened) == [f"{tmp_path}/mitbih_test.csv", f"{tmp_path}/mitbih_train.csv"]


def test_parquet_without_rows_is_refused(tmp_path):
    table = pa.table({"signal": [[0.5] * 187], "label": [1]})
    for side, part in (("train", table[:0]), ("test", table)):
        pq.write_table(part, tmp_path / f"{side}.parquet")
    with pytest.raises(DataRefused, match=rf"There are no rows in {tmp_path}/train\.parquet\.$"):
        find_inputs(str(tmp_path))


def test_a_file_in_two_forms_is_refused(tmp_path):
    touch(tmp_path, "mitbih_train.csv", "mitbih_train.csv.gz", "mitbih_test.csv")
    with pytest.raises(DataRefused, match="remove one of the two"):
        find_inputs(str(tmp_path))


@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_path_is_not_the_root_of_the_disk(empty):
    with pytest.raises(UsageError, match="The data path is empty: name the folder that holds"):
        find_inputs(empty)


def test_a_folder_whose_name_is_not_utf_8_is_refused(tmp_path):
    touch(folder := tmp_path / os.fsdecode(b"caf\xe9"), "mitbih_train.csv", "mitbih_test.csv")
    with pytest.raises(DataRefused, match=r"/caf\\xe9/mitbih_train\.csv has a name that is not UTF-8: rename it"):
        find_inputs(str(folder))


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_file_in_place_of_its_folder_is_told_so(tmp_path, scheme):
    touch(tmp_path, "mitbih_train.csv", "mitbih_test.csv")
    with pytest.raises(UsageError, match=r"mitbih_train\.csv is a file: give its folder\."):
        find_inputs(f"{scheme}{tmp_path}/mitbih_train.csv")


def test_what_else_is_in_the_folder_is_named_and_left_alone(tmp_path):
    touch(
        tmp_path, "mitbih_train.csv", "mitbih_test.csv", "mitbih_test_provenance.csv", "prepare.json", "SYNTHETIC.txt"
    )
    assert find_inputs(str(tmp_path)).strays == ()
    strays = (".DS_Store", ".~lock.mitbih_train.csv#", "__MACOSX", "mitbih_train (1).csv", "ptbdb_normal.csv")
    touch(tmp_path, *(name for name in strays if name != "__MACOSX"))
    touch(tmp_path / "__MACOSX", "._mitbih_train.csv")
    found = find_inputs(f"file://{tmp_path}")
    assert found.strays == strays == find_inputs(f"{tmp_path}/").strays
    assert [source.file.path for source in found.train] == [f"{tmp_path}/mitbih_train.csv"]


@pytest.mark.parametrize(
    ("there", "told"),
    [
        (["MITBIH_TRAIN.CSV"], "'MITBIH_TRAIN.CSV': rename what is meant"),
        (["mitbih_train.csv.GZ"], "'mitbih_train.csv.GZ': rename what is meant"),
        (["train.csv", "mitbih_train.csv.txt"], "'mitbih_train.csv.txt', 'train.csv': rename what is meant"),
        (["mitbih_train.csv.zip"], "'mitbih_train.csv.zip': unpack it"),
        (["mitbih_train.csv.crdownload"], "'mitbih_train.csv.crdownload': download it again"),
        (
            ["mitbih_train.csv.ZIP", "mitbih_train.csv.part"],
            "'mitbih_train.csv.ZIP': unpack it. It has 'mitbih_train.csv.part': download it again",
        ),
        (["sub/mitbih_train.csv.gz"], "'sub/mitbih_train.csv.gz': name that folder"),
        (["archive.zip"], "'archive.zip', 'mitbih_test.csv'"),
        ([*"abcd", ".hidden"], "'a', 'b', 'c', 'd' and 1 more"),
        (["a/mitbih_train.csv/part-0.csv"], "'a/mitbih_train.csv': name that folder"),
    ],
)
def test_what_is_there_in_place_of_a_missing_file_is_told_with_what_to_do(tmp_path, there, told):
    touch(tmp_path, "mitbih_test.csv")
    for name in there:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(ROW)
    with pytest.raises(DataRefused) as refused:
        find_inputs(str(tmp_path))
    assert f"has no mitbih_train.csv (or .csv.gz). It has {told}. Get both" in refused.value.sentences[0]


def test_a_link_to_nothing_is_told(tmp_path):
    touch(tmp_path, "mitbih_test.csv")
    (tmp_path / "mitbih_train.csv").symlink_to("nowhere")
    with pytest.raises(DataRefused, match=r"It has 'mitbih_train\.csv': it is a link to nothing\. Get both"):
        find_inputs(str(tmp_path))


def test_a_copy_under_another_name_is_told_where_the_file_is_missing(tmp_path):
    touch(tmp_path, "mitbih_train (1).csv", "mitbih_test.csv", "mitbih_test_provenance.csv")
    with pytest.raises(
        DataRefused, match=r"has no mitbih_train\.csv \(.*It has 'mitbih_train \(1\)\.csv': rename what"
    ):
        find_inputs(str(tmp_path))


def test_a_folder_that_spark_wrote_is_read_in_parts(tmp_path):
    parts = ("part-00000-a.csv", "part-00001-a.csv.gz", "_SUCCESS", ".part-00000-a.csv.crc", "._SUCCESS.crc")
    touch(tmp_path / "mitbih_train.csv", *parts)
    touch(tmp_path, "mitbih_test.csv")
    found = find_inputs(str(tmp_path))
    assert [source.file.path for source in found.train] == [f"{tmp_path}/mitbih_train.csv/{name}" for name in parts[:2]]
    assert found.strays == ()


@pytest.mark.parametrize("name", ["d[1]", "d *#?", "d[!1]"])
def test_glob_characters_in_the_name_of_a_folder_stand_for_themselves(tmp_path, name):
    touch(tmp_path / name, "mitbih_train.csv", "mitbih_test.csv")
    touch(tmp_path / "d1", "mitbih_train.csv", "mitbih_test_provenance.csv", "SYNTHETIC.txt")
    touch(tmp_path / "d x#y", "mitbih_train.csv", "mitbih_test_provenance.csv", "SYNTHETIC.txt")
    found = find_inputs(str(tmp_path / name))
    assert [file.path for file in found.files] == [f"{tmp_path}/{name}/mitbih_{side}.csv" for side in ("train", "test")]
    (tmp_path / name / "mitbih_train.csv").unlink()
    with pytest.raises(DataRefused, match="has no mitbih_train"):
        find_inputs(str(tmp_path / name))
