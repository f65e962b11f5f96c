import csv
import gzip
import io
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from components.errors import DataRefused
from components.io.provenance import (
    NO_LABEL,
    OriginReader,
    count_records,
    find_provenance,
    provenance_header,
    provenance_text,
)

TEXT = "record,sample,symbol,label\n" + "".join(f'{100 + row // 3},{row * 7},"""",{row % 5}\n' for row in range(10))


@pytest.fixture(params=["x_provenance.csv", "x_provenance.csv.gz"])
def path(request, tmp_path):
    path = tmp_path / request.param
    path.write_bytes(gzip.compress(TEXT.encode()) if path.suffix == ".gz" else TEXT.encode())
    return str(path)


def test_records_are_counted(path):
    assert count_records(path, "x.csv", 10) == {"100": 3, "101": 3, "102": 3, "103": 1}


def test_a_file_with_another_number_of_rows_than_its_csv_is_refused(path):
    with pytest.raises(
        DataRefused, match=r"_provenance.* has 10 rows, x\.csv has 11: they need one line each per beat"
    ):
        count_records(path, "x.csv", 11)


def test_the_origin_of_ever_later_rows_is_read(path):
    reader = OriginReader(path)
    origin = reader.take(np.array([2, 3, 5]))
    assert origin.record.tolist() == ["100", "101", "101"]
    assert origin.sample.tolist() == [14, 21, 35]
    assert origin.label.tolist() == [2, 3, 0]
    assert len(reader.take(np.array([], np.int64)).label) == 0
    assert reader.take(np.array([9])).record.tolist() == ["103"]
    with pytest.raises(DataRefused, match="has 10 rows, expected at least 11"):
        reader.take(np.array([10]))


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
        ("record,sample,symbol,label\n100,,N,0\n", "has 1 row without a sample"),
        ("", "is not a provenance file"),
    ],
)
def test_other_files_are_refused(tmp_path, text, sentence):
    (tmp_path / "x_provenance.csv").write_text(text)
    with pytest.raises(DataRefused, match=sentence):
        count_records(f"{tmp_path}/x_provenance.csv", "x.csv", 1)


def test_a_beat_without_label_is_told_from_one_with(tmp_path):
    (tmp_path / "x_provenance.csv").write_text("record,sample,symbol,label\n100,1,,\n100,2,N,0\n")
    assert OriginReader(f"{tmp_path}/x_provenance.csv").take(np.arange(2)).label.tolist() == [NO_LABEL, 0]


def test_only_a_header_is_a_file_of_no_rows(tmp_path):
    (tmp_path / "x_provenance.csv").write_text("record,sample,symbol,label\n")
    assert count_records(f"{tmp_path}/x_provenance.csv", "x.csv", 0) == {}


def test_provenance_reads_back():
    text = provenance_header() + provenance_text(["100", 'odd,"name'], [7, 9], ["N", ""], [0, ""])
    assert list(csv.DictReader(io.StringIO(text.decode()))) == [
        {"record": "100", "sample": "7", "symbol": "N", "label": "0"},
        {"record": 'odd,"name', "sample": "9", "symbol": "", "label": ""},
    ]


@pytest.mark.slow
def test_a_process_that_refuses_a_file_and_ends_at_once_has_its_own_exit_code(tmp_path: Path) -> None:
    """Arrow's reading thread is then still at work; on Python's memory it aborted a quarter of such processes."""
    (tmp_path / "x_provenance.csv").write_text("a,b,c,d\n" + "100,1,N,0\n" * 300_000)
    (tmp_path / "y_provenance.csv").write_text("record,sample,symbol,label\n100,,N,0\n" + "100,1,N,0\n" * 300_000)
    code = (
        "import sys\n"
        "from components.errors import DataRefused\n"
        "from components.io.provenance import origin_parts\n"
        "try:\n    next(origin_parts(sys.argv[1]))\n"
        "except DataRefused:\n    sys.exit(3)\n"
    )
    for name in ("x_provenance.csv", "y_provenance.csv") * 8:
        done = subprocess.run([sys.executable, "-c", code, str(tmp_path / name)], capture_output=True, check=False)
        assert done.returncode == 3, done.stderr.decode()


@pytest.mark.parametrize("folder", ["components", "pipeline", "bench", "tools"])
def test_threads_of_arrow_are_handed_no_memory_of_pythons(folder):
    for file in (Path(__file__).parents[2] / folder).rglob("*.py"):
        handed = re.findall(r"BufferReader\(([^)]+)", file.read_text())
        assert all(re.match(r"arrow_buffer\(|buffer$", each) for each in handed), file
