import gzip

import pytest

from components.errors import DataRefused
from components.io.provenance import NO_LABEL, count_records, find_provenance, read_origin

TEXT = "record,sample,symbol,label\n" + "".join(f'{100 + row // 3},{row * 7},"""",{row % 5}\n' for row in range(10))


@pytest.fixture(params=["x_provenance.csv", "x_provenance.csv.gz"])
def path(request, tmp_path):
    path = tmp_path / request.param
    path.write_bytes(gzip.compress(TEXT.encode()) if path.suffix == ".gz" else TEXT.encode())
    return str(path)


def test_records_are_counted(path):
    assert count_records(path) == {"100": 3, "101": 3, "102": 3, "103": 1}


def test_the_origin_of_any_rows_is_read(path):
    origin = read_origin(path, 2, 5)
    assert origin.record.tolist() == ["100", "101", "101", "101", "102"]
    assert origin.sample.tolist() == [14, 21, 28, 35, 42]
    assert origin.label.tolist() == [2, 3, 4, 0, 1]
    assert len(read_origin(path, 10, 0).label) == 0
    with pytest.raises(DataRefused, match="has 10 rows, expected at least 11"):
        read_origin(path, 9, 2)


def test_a_csv_finds_the_provenance_beside_it(path, tmp_path):
    assert find_provenance(f"{tmp_path}/x.csv").path == path
    assert find_provenance(f"{tmp_path}/x.csv.gz").path == path
    assert find_provenance(f"{tmp_path}/y.csv") is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("record,label\n100,0\n", "begins with record,label, expected record,sample,symbol,label"),
        ("record,sample,symbol,label\n100,a,N,0\n", "is not a provenance file"),
        ("record,sample,symbol,label\n100,1,N\n", "is not a provenance file"),
        ("record,sample,symbol,label\n100,,N,0\n", "has 1 rows without sample"),
        ("", "is not a provenance file"),
    ],
)
def test_other_files_are_refused(tmp_path, text, sentence):
    (tmp_path / "x_provenance.csv").write_text(text)
    with pytest.raises(DataRefused, match=sentence):
        count_records(f"{tmp_path}/x_provenance.csv")


def test_a_beat_without_label_is_told_from_one_with(tmp_path):
    (tmp_path / "x_provenance.csv").write_text("record,sample,symbol,label\n100,1,,\n100,2,N,0\n")
    assert read_origin(f"{tmp_path}/x_provenance.csv", 0, 2).label.tolist() == [NO_LABEL, 0]


def test_only_a_header_is_a_file_of_no_rows(tmp_path):
    (tmp_path / "x_provenance.csv").write_text("record,sample,symbol,label\n")
    assert count_records(f"{tmp_path}/x_provenance.csv") == {}
