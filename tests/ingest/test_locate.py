import gzip

import pytest

from components.errors import DataRefused, UsageError
from components.ingest.locate import find_inputs


def touch(folder, *names):
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_bytes(gzip.compress(b"") if name.endswith(".gz") else b"")


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


def test_a_file_in_two_forms_is_refused(tmp_path):
    touch(tmp_path, "mitbih_train.csv", "mitbih_train.csv.gz", "mitbih_test.csv")
    with pytest.raises(DataRefused, match="remove one of the two"):
        find_inputs(str(tmp_path))


@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_path_is_not_the_root_of_the_disk(empty):
    with pytest.raises(UsageError, match="The data path is empty: name the folder that holds"):
        find_inputs(empty)


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_file_in_place_of_its_folder_is_told_so(tmp_path, scheme):
    touch(tmp_path, "mitbih_train.csv", "mitbih_test.csv")
    with pytest.raises(UsageError, match=r"mitbih_train\.csv is a file: give its folder\."):
        find_inputs(f"{scheme}{tmp_path}/mitbih_train.csv")
