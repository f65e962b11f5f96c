"""What a file is, told before anything runs: every kind that is not read has one sentence, for --input and --data."""

import bz2
import gzip
import io
import lzma
import pickle
import re
import sqlite3
import tarfile
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.orc as orc
import pyarrow.parquet as pq
import pytest
import scipy.io
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.errors import DataRefused
from components.ingest.locate import find_inputs
from components.io.shards import plan_sources
from components.io.sources import check_labels, find_sources
from components.io.tfrecord import write_records
from tests.io.refused import sentence_of, sentence_of_data
from tests.io.rows import lines

TEXT, SIGNAL, LABEL = lines(40)
TABLE = pd.DataFrame(np.column_stack([SIGNAL, LABEL]), columns=[*map(str, range(187)), "label"])


def written(write):
    """What a function writes to a file."""
    file = io.BytesIO()
    write(file)
    return file.getvalue()


def zipped(name):
    def write(file):
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(name, TEXT)

    return written(write)


def tarred(file):
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("mitbih_train.csv")
        member.size = len(TEXT)
        archive.addfile(member, io.BytesIO(TEXT))


def arrow_stream(file):
    table = pa.Table.from_pandas(TABLE)
    with pa.ipc.new_stream(file, table.schema) as stream:
        stream.write_table(table)


HTML = b"\n<!DOCTYPE html>\n<html><head><title>Log in</title></head></html>\n"
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:6c97b8a2\nsize 102914292\n"

FOREIGN = {
    "gzip": (gzip.compress(TEXT), "is gzip: give it a name ending in .gz."),
    "zip": (zipped("mitbih_train.csv"), "is a zip archive: unpack it first."),
    "xlsx": (zipped("[Content_Types].xml"), "is an Excel workbook: save it as CSV."),
    "bzip2": (bz2.compress(TEXT), "is bzip2: unpack it with `bzip2 -dc < mitbih_train.csv > beats.csv`."),
    "empty bzip2": (bz2.compress(b""), "is bzip2: unpack it"),
    "xz": (lzma.compress(TEXT), "is xz: unpack it with `xz -dc < mitbih_train.csv > beats.csv`."),
    "zstd": (
        pa.Codec("zstd").compress(TEXT, asbytes=True),
        "is Zstandard: unpack it with `zstd -dc < mitbih_train.csv >",
    ),
    "lz4": (pa.Codec("lz4").compress(TEXT, asbytes=True), "is LZ4: unpack it"),
    "tar": (written(tarred), "is a tar archive: unpack it first."),
    "git-annex pointer": (b"/annex/objects/SHA256E-s1--a.csv\n", "is a git-annex pointer: run git annex get."),
    "LFS pointer": (LFS, "is a Git LFS pointer: run git lfs pull."),
    "web page": (HTML, "is a web page (HTML): download the file itself."),
    "XML": (b"<?xml version='1.0'?>\n<Error><Code>AccessDenied</Code></Error>", "is XML: download the file itself."),
    "UTF-16": (TEXT.decode().encode("utf-16"), "is UTF-16: save it as UTF-8, for instance with `iconv -f UTF-16 "),
    "UTF-16 BE": (b"\xfe\xff" + TEXT.decode().encode("utf-16-be"), "is UTF-16: save it as UTF-8"),
    "UTF-32": (TEXT.decode().encode("utf-32"), "is UTF-32: save it as UTF-8"),
    "npy": (written(lambda file: np.save(file, SIGNAL)), "is a NumPy array (.npy): write its beats as CSV or Parquet."),
    "npz": (written(lambda file: np.savez(file, x=SIGNAL)), "is a NumPy archive (.npz): write its beats"),
    "packed npz": (written(lambda file: np.savez_compressed(file, x=SIGNAL)), "is a NumPy archive (.npz): write"),
    "feather": (written(lambda file: feather.write_feather(TABLE, file)), "is Arrow IPC (Feather): write its table as"),
    "feather 1": (written(lambda file: feather.write_feather(TABLE, file, version=1)), "is Arrow IPC (Feather)"),
    "Arrow stream": (written(arrow_stream), "is Arrow IPC (Feather)"),
    "ORC": (written(lambda file: orc.write_table(pa.Table.from_pandas(TABLE), file)), "is ORC: write its beats"),
    "MATLAB": (written(lambda file: scipy.io.savemat(file, {"x": SIGNAL})), "is a MATLAB file (.mat): write its beats"),
    "pickle": (pickle.dumps(SIGNAL), "is a Python pickle: write its beats"),
    "JSON lines": (TABLE.to_json(orient="records", lines=True).encode(), "is JSON: write its beats as CSV or Parquet."),
    "JSON lists": (TABLE.to_json(orient="values").encode(), "is JSON: write its beats"),
    "JSON": (TABLE.to_json(indent=1).encode(), "is JSON: write its beats"),
    "ARFF": (b"@RELATION ecg\n@ATTRIBUTE x NUMERIC\n@DATA\n", "is ARFF: write its beats"),
    "PDF": (b"%PDF-1.7\n%\xe2\xe3", "is a PDF document: download the file itself."),
    "CR": (TEXT.replace(b"\n", b"\r"), "ends its lines with CR alone: save it with LF or CRLF line ends."),
    "noise": (np.random.default_rng(5).bytes(20_000), "so no CSV of beats: copy or download it again."),
    "text": (
        b"Beats of one patient.\nAsk before use.\n",
        "has 1 column in its rows, expected 188: 187 samples in 0..1",
    ),
    "a word": (b"Not Found", "has 1 column in its rows, expected 188: 187 samples in 0..1"),
    "a comment": (b"# made by hand\n", "has 1 column in its rows, expected 188"),
    "blanks": (b"\r\n \n", "has empty lines only, expected 187 samples in 0..1"),
    "all on one line": (TEXT.replace(b"\n", b","), " columns in its rows, expected 188"),
    "186 columns": (
        b"".join(row.split(b",", 2)[2] + b"\n" for row in TEXT.splitlines()),
        "has 186 columns in its rows",
    ),
    "189 columns": (TEXT.replace(b"\n", b",0.5\n"), "has 189 columns in its rows, expected 188"),
    "words": (
        TEXT.replace(b".0\n", b"N\n"),
        " rows looked at are none, as column 187 is '0N', not a number.",
    ),
    "missing": (
        re.sub(rb"(?m)^(.*?),.*?,", rb"\1,,", TEXT),
        " rows looked at are none, as column 1 is '', not a number.",
    ),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_what_is_no_file_of_beats_has_one_sentence_and_it_is_the_same_in_training(tmp_path, name):
    content, expected = FOREIGN[name]
    sentence = sentence_of(tmp_path / "mitbih_train.csv", content)
    assert expected in sentence
    in_training = sentence_of_data(tmp_path / "data", content)
    assert in_training == sentence.replace(f"{tmp_path}/", f"{tmp_path}/data/")


def test_hdf5_and_sqlite_and_a_marked_web_page(tmp_path):
    assert "is HDF5: write its beats" in sentence_of(tmp_path / "a", b"\x89HDF\r\n\x1a\n" + bytes(100))
    assert "is a web page" in sentence_of(tmp_path / "a", b"\xef\xbb\xbf" + HTML)
    with sqlite3.connect(tmp_path / "b.db") as database:
        database.execute("create table beats (label int)")
    database.close()
    assert "is a SQLite database" in sentence_of(tmp_path / "a", (tmp_path / "b.db").read_bytes())


def test_what_is_within_gzip_is_looked_at_too(tmp_path):
    for content, expected in [
        (LFS, "is a Git LFS pointer"),
        (TEXT, "is not gzip: take .gz off its name."),
        (lzma.compress(TEXT), "is xz: unpack it with `xz -dc < beats.csv.gz > beats.csv`."),
        (gzip.compress(HTML), "is a web page"),
        (gzip.compress(gzip.compress(TEXT)), "is gzip within gzip: unpack it once."),
        (
            gzip.compress(written(lambda file: pq.write_table(pa.Table.from_pandas(TABLE), file))),
            "is Parquet within gzip",
        ),
        (gzip.compress(TEXT.replace(b",", b";")), "has semicolons between its values"),
        (gzip.compress(written(tarred)), "is a tar archive"),
    ]:
        assert expected in sentence_of(tmp_path / "beats.csv.gz", content)


@pytest.mark.parametrize(
    ("scale", "shift", "span"), [(3, -0.5, "-0.5 to 2.5"), (1000, 0, "0 to 1000"), (2, -1, "-1 to 1")]
)
def test_values_that_are_not_scaled_are_told_with_their_range(tmp_path, scale, shift, span):
    values = np.where(np.arange(187) % 50 == 0, 1, np.where(np.arange(187) % 50 == 1, 0, SIGNAL)) * scale + shift
    rows = [",".join([*map(str, row), str(label)]) for row, label in zip(values, LABEL, strict=True)]
    sentence = sentence_of(tmp_path / "a.csv", "\n".join(rows).encode())
    assert f"has samples from {span}, outside 0..1: scale each beat, (x - min) / (max - min)." in sentence
    columns = {str(at): values[:, at].astype(np.int32 if scale == 1000 else np.float64) for at in range(187)}
    pq.write_table(pa.table({**columns, "label": LABEL}), tmp_path / "b.parquet")
    assert f"has samples from {span}, outside" in sentence_of(tmp_path / "c", (tmp_path / "b.parquet").read_bytes())


def parquet_of(columns):
    return written(lambda file: pq.write_table(pa.table(columns), file, row_group_size=25))


WIDE = {str(at): SIGNAL[:, at] for at in range(187)}

PARQUET = {
    "label first": (
        {"0": LABEL, **{str(at + 1): SIGNAL[:, at] for at in range(187)}},
        "has its label in the first col",
    ),
    "row numbers": (
        {"0": np.arange(40), **{str(at + 1): SIGNAL[:, at] for at in range(187)}},
        "has numbers of rows in its",
    ),
    "186 and a label": (
        {**{str(at): SIGNAL[:, at] for at in range(186)}, "186": LABEL},
        "has labels in its last column",
    ),
    "long lists": (
        {"signal": [[*row, kind] for row, kind in zip(SIGNAL, LABEL, strict=True)]},
        "has lists of 188 values in column signal, expected 187 samples: put the label, as it seems to be, into a ",
    ),
    "no numbers": (
        {**WIDE, "5": np.full(40, np.nan), "label": LABEL},
        "40 of 40 rows looked at are none, as sample 5 is not",
    ),
    "no labels": ({"signal": list(SIGNAL), "label": pa.array([None] * 40, pa.int8())}, "are none, as it has no label"),
    "another list": (
        {"context": [[0.5] * 9] * 40, "label": LABEL},
        "has lists of 9 values in column context, expected 187 samples.",
    ),
}


@pytest.mark.parametrize("name", PARQUET)
def test_a_parquet_file_that_would_be_misread_is_refused(tmp_path, name):
    columns, expected = PARQUET[name]
    assert expected in sentence_of(tmp_path / "a.parquet", parquet_of(columns))


def test_folders_named_for_values_of_a_column_are_told_with_the_command_that_mends_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = pa.table({"signal": list(SIGNAL), "label": LABEL})
    pq.write_to_dataset(table, "beats", partition_cols=["label"])
    for inputs in ("beats", "beats/", "beats/*/*", f"{tmp_path}/beats"):
        with pytest.raises(DataRefused, match="has folders named for values of the column label, which") as refused:
            check_labels(find_sources([inputs]), True)
    [command] = re.findall(r"`(.*)`", refused.value.sentences[0])
    eval(command, {"pandas": pd})
    check_labels(find_sources(["beats.parquet"]), True)
    assert sorted(pd.read_parquet("beats.parquet")["label"]) == sorted(LABEL)


def test_files_that_lie_deeper_in_a_folder_are_to_be_named(tmp_path):
    for folder in ("a/b", "c"):
        (tmp_path / "beats" / folder).mkdir(parents=True)
        (tmp_path / "beats" / folder / "x.csv").write_bytes(TEXT)
    for top, depth in (("beats", 1), ("beats/a", 1)):
        with pytest.raises(DataRefused, match="has files in folders only: name them, for instance as") as refused:
            find_sources([f"{tmp_path}/{top}"])
        [pattern] = re.findall("'(.*)'", refused.value.sentences[0])
        assert pattern == f"{tmp_path}/{top}/{'*/' * depth}*"
        assert find_sources([pattern])


def test_folders_named_for_values_of_another_column_may_be_named_by_a_glob(tmp_path):
    table = pa.table({"signal": list(SIGNAL), "label": LABEL, "year": [2020] * 40, "month": [5] * 40})
    pq.write_to_dataset(table, f"{tmp_path}/beats", partition_cols=["year", "month"])
    with pytest.raises(DataRefused, match="the column year, which is not read from there: name the files") as refused:
        find_sources([f"{tmp_path}/beats", f"{tmp_path}/*.csv"])
    named, no_file = refused.value.sentences
    assert "matches no file" in no_file
    [pattern] = re.findall("'(.*)'", named)
    check_labels(find_sources([pattern]), True)


def tfrecord_of(**feature):
    example = tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()
    return written(lambda file: write_records(file, [example] * 20))


def floats(values):
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        ({"ecg": floats(SIGNAL[0])}, "20 of 20 rows looked at are none, as it has no feature signal."),
        ({"signal": floats([*SIGNAL[0], 1])}, "are none, as it has 188 samples, expected 187."),
        (
            {"signal": floats(SIGNAL[0]), "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[5]))},
            "20 of 20 rows looked at are none, as label 5 is not one of 0..4.",
        ),
        ({"signal": floats([-1, 3, *SIGNAL[0, 2:]])}, "has samples from -1 to 3, outside 0..1: scale each beat"),
    ],
)
def test_a_tfrecord_of_something_else_is_refused(tmp_path, feature, expected):
    assert expected in sentence_of(tmp_path / "a.tfrecord", tfrecord_of(**feature))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pieces=st.lists(
        st.sampled_from([b"\r", b"\n", b'"', b",", b";", b"\0", b"0.5", b"\xef\xbb\xbf", b"[", TEXT[:3000]])
        | st.binary(),
        max_size=12,
    ),
    name=st.sampled_from(["a.csv", "a.csv.gz", "a.parquet"]),
)
def test_any_bytes_are_recognised_or_refused_in_words(tmp_path, pieces, name):
    content = b"".join(pieces)
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    try:
        sentences = ()
        find_sources([str(tmp_path / name)])
    except DataRefused as refused:
        sentences = refused.sentences
    assert all(sentence.startswith(f"{tmp_path}/{name} ") for sentence in sentences)


GOOD = {
    "Kaggle": TEXT,
    "CRLF": TEXT.replace(b"\n", b"\r\n"),
    "one row": TEXT.partition(b"\n")[0],
    "no label": b"".join(row.rsplit(b",", 1)[0] + b"\n" for row in TEXT.splitlines()),
    "blanks": TEXT.replace(b",", b", \t"),
    "integers": "\n".join([",".join([*"10" * 93, "0", str(at % 5)]) for at in range(40)]).encode(),
    "few beats among rejects": b"\n".join([b"x,y", b"", *TEXT.splitlines()[:3], b"?"] * 3),
    "one class": b"".join(row[:-3] + b"0\n" for row in TEXT.splitlines()),
    "all begin with a peak": b"".join(
        b"%d.0,%b0\n" % (at % 2, row.partition(b",")[2][:-3]) for at, row in enumerate(TEXT.splitlines())
    ),
    "all begin with 1": b"".join(b"1.0," + row.partition(b",")[2][:-3] + b"0\n" for row in TEXT.splitlines()),
    "empty": b"",
    "Parquet": parquet_of({**WIDE, "label": LABEL}),
    "TFRecord": tfrecord_of(signal=floats(SIGNAL[0])),
    "lists": parquet_of({"signal": list(SIGNAL), "label": LABEL, "context": [[0.5] * 9] * 40}),
    "no row groups": written(lambda file: pq.ParquetWriter(file, pa.Table.from_pandas(TABLE).schema).close()),
    "no rows": parquet_of({name: values[:0] for name, values in WIDE.items()}),
}


@pytest.mark.parametrize("name", GOOD)
def test_beats_and_files_with_single_bad_rows_are_not_refused(tmp_path, name):
    (tmp_path / "a").write_bytes(GOOD[name])
    [source] = find_sources([str(tmp_path / "a")])
    assert source.kind == ("parquet" if GOOD[name].startswith(b"PAR1") else "tfrecord" if name == "TFRecord" else "csv")


def test_gzip_and_the_provenance_beside_it_are_known_by_endings_in_any_case(tmp_path):
    (tmp_path / "A.CSV.GZ").write_bytes(gzip.compress(TEXT))
    (tmp_path / "A_provenance.csv").write_bytes(b"record,sample,symbol,label\n")
    sources = find_sources([f"{tmp_path}/A.CSV.GZ"])
    assert [source.provenance.path for source in sources] == [f"{tmp_path}/A_provenance.csv"]
    assert [(shard.rows, shard.stem) for shard in plan_sources(sources, 1 << 20)] == [(40, "00000-A-00000")]


def test_training_needs_labels(tmp_path):
    sentence = sentence_of_data(tmp_path / "data", GOOD["no label"])
    assert "mitbih_train.csv has 187 columns in its rows, expected 188: 187 samples in 0..1 and then the" in sentence


def test_training_tells_that_it_reads_csv_only(tmp_path):
    assert "is Parquet, expected CSV: 187 samples" in sentence_of_data(tmp_path / "data", GOOD["Parquet"])


def test_every_faulty_file_is_named_at_once(tmp_path):
    (tmp_path / "mitbih_train.csv").write_bytes(LFS)
    (tmp_path / "mitbih_test.csv").write_bytes(HTML)
    for find in (lambda: find_inputs(str(tmp_path)), lambda: find_sources([f"{tmp_path}/*.csv"])):
        with pytest.raises(DataRefused) as refused:
            find()
        assert len(refused.value.sentences) == 2
