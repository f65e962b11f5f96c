from base64 import b64decode, b64encode

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.errors import DataRefused
from components.io.parquet import read_parquet
from tests.score.jobs import expected, probabilities, read_parts, read_rejects, run

SIGNAL = np.random.default_rng(3).random((40, 187), np.float32)
LABEL = np.arange(40) % 5


def spoilt_lists():
    rows = [list(row) for row in SIGNAL]
    rows[1], rows[5], rows[20] = None, rows[5][:-1], []
    rows[8][3], rows[9][4], rows[10][186] = None, 1.5, float("nan")
    return rows


def test_bad_rows_of_a_list_column_are_told_one_by_one(tmp_path):
    label = pa.array([None if row == 30 else 7 if row == 31 else row % 5 for row in range(40)])
    pq.write_table(pa.table({"signal": spoilt_lists(), "label": label}), tmp_path / "a.parquet", row_group_size=7)
    summary = run(tmp_path / "a.parquet", output=tmp_path / "out", budget="20")
    reasons = {each["row"]: each["reason"] for each in read_rejects(tmp_path / "out")}
    assert reasons == {
        1: "it has no samples, expected 187",
        5: "it has 186 samples, expected 187",
        8: "sample 3 is not a number",
        9: "sample 4 is 1.5, outside 0..1",
        10: "sample 186 is not a number",
        20: "it has 0 samples, expected 187",
        30: "it has no label",
        31: "label 7 is not one of 0..4",
    }
    assert all(each["text"] is None for each in read_rejects(tmp_path / "out"))
    table = read_parts(tmp_path / "out")
    kept = [row for row in range(40) if row not in reasons]
    assert table["row"].to_pylist() == kept
    np.testing.assert_allclose(probabilities(table), expected(SIGNAL[kept]), atol=1e-6)
    assert summary.rows["rejected"] == 8


def test_record_and_sample_come_from_columns_of_these_names(tmp_path):
    record = ["100", None] * 20
    sample = pa.array([5, None] * 20, pa.int32())
    columns = {"signal": list(SIGNAL), "label": LABEL, "record": record, "sample": sample, "note": ["x"] * 40}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    run(tmp_path / "a.parquet", output=tmp_path / "out")
    table = read_parts(tmp_path / "out")
    assert table["record"].to_pylist() == record
    assert table["sample"].to_pylist() == [5, None] * 20


def test_shards_are_runs_of_row_groups(tmp_path):
    pq.write_table(pa.table({"signal": list(SIGNAL), "label": LABEL}), tmp_path / "a.parquet", row_group_size=4)
    summary = run(tmp_path / "a.parquet", output=tmp_path / "out", shard_bytes=10 * 4700)
    assert summary.shards["planned"] == 4
    assert read_parts(tmp_path / "out")["row"].to_pylist() == list(range(40))


@pytest.mark.parametrize("name", ["{}", "signal.{}", "c{:03}"])
def test_columns_in_another_order_give_the_answers_of_the_right_one(tmp_path, name):
    """As Spark and other tools write them: 0, 1, 10, 100, ..."""
    columns = {name.format(i): SIGNAL[:, i] for i in sorted(range(187), key=str)}
    pq.write_table(pa.table({"label": LABEL, **columns}), tmp_path / "a.parquet", row_group_size=15)
    run(tmp_path / "a.parquet", output=tmp_path / "out")
    table = read_parts(tmp_path / "out")
    np.testing.assert_allclose(probabilities(table), expected(SIGNAL), atol=1e-6)
    assert table["label"].to_pylist() == LABEL.tolist()


def test_integers_and_187_columns_without_label(tmp_path):
    columns = {f"s{i}": SIGNAL[:, i].round().astype(np.int8) for i in range(187)}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    run(tmp_path / "a.parquet", output=tmp_path / "out", labelled=False)
    table = read_parts(tmp_path / "out")
    assert table["label"].null_count == 40
    np.testing.assert_allclose(probabilities(table), expected(SIGNAL.round()), atol=1e-6)


@pytest.mark.parametrize(
    ("columns", "labelled", "sentence"),
    [
        ({"signal": list(SIGNAL)}, True, "has no label"),
        ({"signal": list(SIGNAL), "label": LABEL}, False, "--no-label says"),
        ({"a": LABEL, "b": LABEL}, True, "0 list columns and 2 columns of numbers"),
        ({"a": list(SIGNAL), "b": list(SIGNAL), "label": LABEL}, True, "2 list columns"),
        ({"signal": list(SIGNAL), "label": ["N"] * 40}, True, "labels of type string in column label, expected"),
    ],
)
def test_columns_that_do_not_fit_are_refused(tmp_path, columns, labelled, sentence):
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    with pytest.raises(DataRefused, match=sentence):
        run(tmp_path / "a.parquet", output=tmp_path / "out", labelled=labelled)


def test_a_file_that_is_cut_off_is_refused(tmp_path):
    pq.write_table(pa.table({"signal": list(SIGNAL), "label": LABEL}), tmp_path / "a.parquet")
    (tmp_path / "a.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:-20])
    with pytest.raises(DataRefused, match="not a whole Parquet file"):
        run(tmp_path / "a.parquet", output=tmp_path / "out")


def test_a_name_of_a_column_that_is_no_text_is_refused(tmp_path):
    table = pa.table({"signal": list(SIGNAL), "label": LABEL, "wrong": LABEL})
    pq.write_table(table, tmp_path / "a.parquet")
    content = (tmp_path / "a.parquet").read_bytes()
    assert b"wrong" in content
    (tmp_path / "a.parquet").write_bytes(content.replace(b"wrong", b"\xb6rong"))
    with pytest.raises(DataRefused, match="not a whole Parquet file"):
        run(tmp_path / "a.parquet", output=tmp_path / "out")


def test_a_type_that_arrow_does_not_have_is_refused(tmp_path):
    """A flipped bit in the schema that Arrow keeps in the file: integers of 124 bits."""
    pq.write_table(pa.table({"signal": list(SIGNAL), "label": LABEL}), tmp_path / "a.parquet")
    content = (tmp_path / "a.parquet").read_bytes()
    schema = pq.read_metadata(tmp_path / "a.parquet").metadata[b"ARROW:schema"]
    before, after = b64decode(schema).rsplit(b"\x40\0\0\0", 1)
    wider = b64encode(before + b"\x7c\0\0\0" + after)
    assert schema in content
    assert wider != schema
    (tmp_path / "a.parquet").write_bytes(content.replace(schema, wider))
    with pytest.raises(DataRefused, match=r"not a whole Parquet file \(Integers with more than 64 bits"):
        run(tmp_path / "a.parquet", output=tmp_path / "out")


def test_a_record_that_is_no_text_fails_its_shard_in_words(tmp_path):
    names = pa.array([b"\xff\xfe"] * 40, pa.binary()).view(pa.string())
    pq.write_table(pa.table({"signal": list(SIGNAL), "label": LABEL, "record": names}), tmp_path / "a.parquet")
    summary = run(tmp_path / "a.parquet", output=tmp_path / "out")
    assert summary.exit_code
    assert "cannot be read on from row 0" in " ".join(summary.sentences)


def test_a_column_that_ends_before_the_others_is_refused_before_arrow_ends_the_process(tmp_path):
    table = pa.table({f"s{i}": SIGNAL[:, i] for i in range(187)})
    pq.write_table(table, tmp_path / "a.parquet", use_dictionary=False, compression="none")
    content = (tmp_path / "a.parquet").read_bytes()
    of_40, of_24 = b"\x2c\x15\x50\x15\x00", b"\x2c\x15\x30\x15\x00"  # values of a page, in its header
    assert content.count(of_40) == 187
    (tmp_path / "a.parquet").write_bytes(content.replace(of_40, of_24, 1))
    with pytest.raises(DataRefused, match=r"cannot be read \(.*column.*\): make it again"):
        run(tmp_path / "a.parquet", output=tmp_path / "out", labelled=False)
    with pytest.raises(DataRefused, match=r"from row 16 \(.*column.*\)"):
        list(read_parquet(str(tmp_path / "a.parquet"), 0, 1, 0, block_rows=16))


def test_a_column_with_a_dictionary_is_read_where_its_row_groups_end(tmp_path):
    record = pa.array([f"r{row % 3}" for row in range(40)]).dictionary_encode()
    table = pa.table({"signal": list(SIGNAL), "label": LABEL, "record": record})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=15)
    assert not run(tmp_path / "a.parquet", output=tmp_path / "out").sentences
    assert read_parts(tmp_path / "out")["record"].to_pylist() == record.to_pylist()


def test_only_columns_of_few_values_have_dictionaries(tmp_path):
    pq.write_table(pa.table({"signal": list(SIGNAL), "label": LABEL}), tmp_path / "a.parquet")
    run(tmp_path / "a.parquet", output=tmp_path / "out")
    (part,) = (tmp_path / "out" / "parts").iterdir()
    group = pq.read_metadata(part).row_group(0)
    columns = [group.column(i) for i in range(group.num_columns)]
    dictionaries = {column.path_in_schema for column in columns if column.has_dictionary_page}
    assert dictionaries == {"file", "record", "label", "predicted", "symbol", "model"}
