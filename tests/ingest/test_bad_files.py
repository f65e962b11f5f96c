"""What the gate says about files that are not, or not wholly, beats."""

import numpy as np
import pytest

from components.errors import DataRefused
from components.ingest.report import gate_ingest
from components.ingest.settings import DataSettings
from tests.ingest.folder import TRAIN, TRAIN_LABEL, fill, provenance, rejects, run
from tests.io.rows import line


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (TRAIN_LABEL[:-1], r"mitbih_train_provenance\.csv has 199 rows, .*mitbih_train\.csv has 200"),
        (np.roll(TRAIN_LABEL, 1), r"disagree on 200 labels: row 0 has label 0, its provenance 4"),
        ([""] * 200, r"disagree on 200 labels: row 0 has label 0, its provenance none"),
        (["N"] * 200, r"mitbih_train_provenance\.csv is not a provenance file"),
    ],
)
def test_a_provenance_file_that_does_not_fit_is_refused_whatever_the_budget(tmp_path, labels, sentence):
    summary = run(tmp_path, mitbih_train_provenance__csv=provenance(labels, lambda row: 100))
    with pytest.raises(DataRefused, match=sentence):
        gate_ingest(summary, DataSettings(reject_budget=1000))


def bad(row, text):
    """The train file with one line replaced."""
    rows = TRAIN.split(b"\n")
    rows[row] = text
    return b"\n".join(rows)


WHOLE_FILE = {
    "cut": (TRAIN[:-300], "is cut off within its last line, row 199"),
}
"""What is wrong with a file is mostly seen before it is read: tests/io/test_recognition.py."""


@pytest.mark.parametrize("name", WHOLE_FILE)
def test_a_file_that_is_bad_as_a_whole_has_its_own_sentence(tmp_path, name):
    text, sentence = WHOLE_FILE[name]
    summary = run(tmp_path, mitbih_train__csv=text)
    with pytest.raises(DataRefused, match=sentence) as refused:
        gate_ingest(summary, DataSettings())
    assert "mitbih_train.csv" in refused.value.sentences[0]
    assert refused.value.exit_code == 3
    assert sum(file.rows for file in summary.files) == sum(summary.rows.values())


def test_a_byte_order_mark_costs_no_row(tmp_path):
    summary = run(tmp_path, mitbih_train__csv=b"\xef\xbb\xbf" + TRAIN)
    assert gate_ingest(summary, DataSettings()) == []
    assert summary.rows == {**run(tmp_path / "plain").rows, "rejects": 0}


SINGLE_ROWS = {
    "wrong width": (b"0.1,0.2,0", "3 columns, expected 188"),
    "not a number": (line(1, s12="abc").encode(), "column 12 is 'abc', not a number"),
    "NaN": (line(1, s12="NaN").encode(), "column 12 is 'NaN', not a number"),
    "inf": (line(1, s12="inf").encode(), "sample 12 is inf, outside 0..1"),
    "out of range": (line(1, s5="1.25").encode(), "sample 5 is 1.25, outside 0..1"),
    "bad label": (line("7.0").encode(), "label 7.0 is not one of 0..4"),
    "binary junk": (bytes(range(11, 256)), "byte 2 is 0x0d|carriage return|byte 0 is 0x0b, not text"),
    "over-long": (b"0.1," * 30_000, "over-long line: more than 65,536 bytes"),
    "empty line": (b"", "empty line"),
}


@pytest.mark.parametrize("name", SINGLE_ROWS)
def test_a_bad_row_is_a_reject_that_the_budget_can_allow(tmp_path, name):
    text, reason = SINGLE_ROWS[name]
    summary = run(tmp_path, mitbih_train__csv=bad(60, text))
    (reject,) = rejects(tmp_path)
    assert set(reject) == {"file", "row", "reason", "text"}
    assert reject["file"] == f"{tmp_path}/data/mitbih_train.csv"
    assert reject["row"] == 60
    assert reject["text"] == text[:8192].decode("utf-8", "backslashreplace")
    with pytest.raises(DataRefused, match=f"1 of 200 rows is not a beat .*row 60: .*({reason})") as refused:
        gate_ingest(summary, DataSettings())
    assert "Rejected rows: 1, allowed: 0" in refused.value.sentences[-1]
    (dropped,) = gate_ingest(summary, DataSettings(reject_budget=1))
    assert (dropped.kind, dropped.code) == ("remark", "dropped")
    assert summary.rows["train"] + summary.rows["eval"] == 199


def test_many_rejects_are_counted_by_kind_and_the_first_quoted(tmp_path):
    train = bad(3, b"").replace(TRAIN.split(b"\n")[9], b"1,2") + b"\n" + line("9").encode()
    summary = run(tmp_path, mitbih_train__csv=train)
    (sentence,) = summary.files[0].sentences
    assert "4 of 202 rows are not beats" in sentence
    assert "empty line: 2" in sentence
    assert "row 3: empty line" in sentence
    assert "row 9: 2 columns, expected 188 ('1,2')" in sentence
    assert summary.files[0].reasons == {"empty line": 2, "wrong number of columns": 1, "unknown label": 1}


def test_empty_splits_are_refused_in_words(tmp_path):
    summary = run(tmp_path, mitbih_train__csv=TRAIN.split(b"\n")[0], mitbih_test__csv=line("7.0").encode())
    with pytest.raises(DataRefused) as refused:
        gate_ingest(summary, DataSettings(reject_budget=5))
    text = "\n".join(refused.value.sentences)
    assert "The test split has no beats." in text
    assert "No beats are left for validation at data.eval_share=0.1" in text or "The train split has no beats" in text
    assert "1 of 1 row is not a beat (unknown label: 1). First: row 0: label 7.0 is not one of 0..4" in text


def test_a_class_that_train_lacks_is_a_warning(tmp_path):
    train = b"".join(row + b"\n" for row in TRAIN.splitlines() if not row.endswith(b"3.0"))
    (warning,) = gate_ingest(run(tmp_path, mitbih_train__csv=train), DataSettings())
    assert warning.sentence == "The train split has no beat of class F (fusion): a model cannot learn it."


def test_files_left_alone_are_a_remark_of_one_line(tmp_path):
    data = tmp_path / "data"
    fill(data, mitbih_train_2__csv=TRAIN)
    (data / "__MACOSX").mkdir()
    (remark,) = gate_ingest(run(tmp_path), DataSettings())
    assert (remark.kind, remark.code) == ("remark", "strays")
    assert remark.sentence == "Left alone beside the files of beats: __MACOSX, mitbih_train_2.csv."
    for number in range(9):
        (data / f"x{number}").touch()
    (remark,) = gate_ingest(run(tmp_path), DataSettings())
    assert remark.sentence.endswith("mitbih_train_2.csv, x0, x1, x2, x3 and 5 more.")


def from_1(text):
    """The same beats, their labels counted from 1."""
    return b"".join(row[:-3] + b"%d.0\n" % (int(row[-3:-2]) + 1) for row in text.splitlines())


def test_labels_that_seem_to_count_from_1_are_a_remark(tmp_path):
    without_q = b"".join(row + b"\n" for row in TRAIN.splitlines() if not row.endswith(b"4.0"))
    remark, *_ = gate_ingest(run(tmp_path, mitbih_train__csv=from_1(without_q)), DataSettings())
    assert (remark.kind, remark.code) == ("remark", "one_based_labels")
    assert remark.sentence.startswith(
        f"No beat of {tmp_path}/data/mitbih_train.csv has label 0 (N), and 40 have label 1: do"
    )


def test_labels_of_1_to_5_are_refused_with_the_hint(tmp_path):
    summary = run(tmp_path, mitbih_train__csv=from_1(TRAIN))
    with pytest.raises(DataRefused, match="unknown label: 40") as refused:
        gate_ingest(summary, DataSettings())
    assert "do the labels count from 1?" in refused.value.sentences[-1]
