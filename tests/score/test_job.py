"""A whole job with a loop for a runner and numpy for a model: every row once, in order, or a reject with its reason."""

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest

from components.errors import DataRefused, EnvironmentRefused, UsageError
from components.io.lock import locked
from components.score import columns
from components.score.model import ModelRef
from components.score.run import score
from tests.io.rows import line
from tests.score.jobs import (
    MODEL,
    NumpyModel,
    digests,
    expected,
    loop,
    probabilities,
    read_parts,
    read_rejects,
    request,
    run,
    write_csv,
)


def test_every_row_is_scored_in_order(tmp_path):
    signal, label = write_csv(tmp_path / "a.csv", 100)
    summary = run(tmp_path / "a.csv", output=tmp_path / "out")
    table = read_parts(tmp_path / "out")
    assert summary.shards["planned"] > 3
    assert table["row"].to_pylist() == list(range(100))
    np.testing.assert_allclose(probabilities(table), expected(signal), atol=1e-6)
    predicted = expected(signal).argmax(axis=1)
    np.testing.assert_array_equal(table["predicted"], predicted)
    assert table["symbol"].to_pylist() == ["NSVFQ"[each] for each in predicted]
    np.testing.assert_array_equal(table["label"], label)
    assert set(table["file"].to_pylist()) == {str(tmp_path / "a.csv")}
    assert set(table["model"].to_pylist()) == {"abababababab"}
    assert table["record"].null_count == table["sample"].null_count == 100
    assert (tmp_path / "out" / "_SUCCESS").exists()
    assert summary.exit_code == 0
    assert summary.rows == {"read": 100, "scored": 100, "rejected": 0, "abstained": 0}
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["rows"] == summary.rows


def test_confusion_and_class_counts_are_those_of_the_rows(tmp_path):
    _, label = write_csv(tmp_path / "a.csv", 100)
    summary = run(tmp_path / "a.csv", output=tmp_path / "out")
    predicted = np.array(read_parts(tmp_path / "out")["predicted"])
    counted = np.zeros((5, 5), int)
    np.add.at(counted, (label, predicted), 1)
    assert summary.confusion == counted.tolist()
    assert list(summary.classes.values()) == np.bincount(predicted, minlength=5).tolist()
    assert sum(summary.histogram["counts"]) == 100 * 187


def test_bad_rows_cost_only_themselves_and_are_told_with_their_text(tmp_path):
    write_csv(tmp_path / "good.csv", 30)
    good = (tmp_path / "good.csv").read_text().splitlines()
    bad = {0: line(0, s3="x"), 7: "", 12: line(0, s5="1.5"), 29: "1,2,3"}
    rows = [bad.get(i, text) for i, text in enumerate(good)]
    (tmp_path / "a.csv").write_text("\n".join(rows) + "\n")
    summary = run(tmp_path / "a.csv", output=tmp_path / "out", budget="20%")
    rejects = read_rejects(tmp_path / "out")
    assert [(each["row"], each["text"]) for each in rejects] == list(bad.items())
    assert all(each["reason"] and each["file"] == str(tmp_path / "a.csv") for each in rejects)
    assert read_parts(tmp_path / "out")["row"].to_pylist() == [i for i in range(30) if i not in bad]
    assert (summary.rows["read"], summary.rows["scored"], summary.rows["rejected"]) == (30, 26, 4)
    assert summary.reasons == {
        "empty line": 1, "not a number": 1, "sample outside 0..1": 1, "wrong number of columns": 1,
    }  # fmt: skip


def test_the_budget_is_judged_at_the_end_and_a_larger_one_needs_no_new_scoring(tmp_path):
    write_csv(tmp_path / "a.csv", 20)
    with (tmp_path / "a.csv").open("a") as file:
        file.write("broken\n")
    summary = run(tmp_path / "a.csv", output=tmp_path / "out")
    assert summary.exit_code == 5
    assert summary.rows["scored"] == 20
    assert not (tmp_path / "out" / "_SUCCESS").exists()
    assert "rejects/" in summary.sentences[0]
    assert "1 of 21" in summary.sentences[0]

    again = score(request(tmp_path / "a.csv", output=tmp_path / "out", existing="resume", budget="1"), None)
    assert again.exit_code == 0
    assert again.shards["done_before"] == again.shards["planned"]
    assert (tmp_path / "out" / "_SUCCESS").exists()


def test_probabilities_that_are_not_finite_reject_their_row(tmp_path):
    signal, _ = write_csv(tmp_path / "a.csv", 20)

    def spoil(block, answered):
        answered[(block == signal[13]).all(axis=1)] = np.nan
        return answered

    summary = run(tmp_path / "a.csv", output=tmp_path / "out", model=NumpyModel(spoil), budget="1")
    [reject] = read_rejects(tmp_path / "out")
    assert (reject["row"], summary.reasons) == (13, {"probabilities not finite": 1})
    assert reject["text"] is None
    assert 13 not in read_parts(tmp_path / "out")["row"].to_pylist()


def test_a_model_error_fails_its_shard_by_name_and_leaves_the_others(tmp_path):
    write_csv(tmp_path / "a.csv", 20, seed=1)
    signal, _ = write_csv(tmp_path / "b.csv", 20, seed=2)

    def fail(block, answered):
        if (block == signal[0]).all(axis=1).any():
            raise RuntimeError("out of ideas")
        return answered

    inputs = (tmp_path / "a.csv", tmp_path / "b.csv")
    summary = run(*inputs, output=tmp_path / "out", model=NumpyModel(fail))
    assert summary.exit_code == 5
    assert summary.shards["failed"] == 1
    assert "00001-b-00000" in summary.sentences[0]
    assert "out of ideas" in summary.sentences[0]
    assert not (tmp_path / "out" / "_SUCCESS").exists()

    again = run(*inputs, output=tmp_path / "out", existing="resume")
    assert again.exit_code == 0
    assert again.shards["done_before"] == again.shards["planned"] - 1
    run(*inputs, output=tmp_path / "unbroken")
    assert digests(tmp_path / "out") == digests(tmp_path / "unbroken")


@pytest.mark.parametrize("spoilt", ["parts", "rejects", "shards"])
@pytest.mark.parametrize("how", ["cut", "changed", "gone"])
def test_a_broken_shard_is_done_again(tmp_path, spoilt, how):
    write_csv(tmp_path / "a.csv", 60)
    with (tmp_path / "a.csv").open("a") as file:
        file.write("broken\n")
    run(tmp_path / "a.csv", output=tmp_path / "out", budget="2")
    before = digests(tmp_path / "out")
    file = sorted((tmp_path / "out" / spoilt).iterdir())[-1]
    content = file.read_bytes()
    if how == "gone":
        file.unlink()
    else:
        file.write_bytes(content[:-3] if how == "cut" else content[:-2] + b"?" + content[-1:])
    summary = run(tmp_path / "a.csv", output=tmp_path / "out", existing="resume", budget="2")
    assert summary.exit_code == 0
    assert summary.shards["done_before"] >= summary.shards["planned"] - 1
    assert digests(tmp_path / "out") == before


def test_the_job_says_where_its_model_lay_and_may_find_it_elsewhere(tmp_path):
    write_csv(tmp_path / "a.csv", 20)
    with (tmp_path / "a.csv").open("a") as file:
        file.write("broken\n")
    run(tmp_path / "a.csv", output=tmp_path / "out")
    job = json.loads((tmp_path / "out" / "job.json").read_text())
    assert (job["model_place"], job["model_version"]) == ("/models/1", 1)
    moved = ModelRef("/elsewhere/copy", MODEL.digest)
    again = run(tmp_path / "a.csv", output=tmp_path / "out", existing="resume", ref=moved, budget="1")
    assert (again.exit_code, again.model["place"]) == (0, "/elsewhere/copy")
    assert json.loads((tmp_path / "out" / "job.json").read_text()) == job


def test_a_finished_job_has_nothing_to_do(tmp_path):
    write_csv(tmp_path / "a.csv", 20)
    first = run(tmp_path / "a.csv", output=tmp_path / "out")
    assert score(request(tmp_path / "a.csv", output=tmp_path / "out", existing="resume"), None) == first


def test_without_a_flag_a_directory_with_anything_in_it_is_refused(tmp_path):
    write_csv(tmp_path / "a.csv", 20)
    run(tmp_path / "a.csv", output=tmp_path / "out")
    with pytest.raises(UsageError, match="--resume"):
        run(tmp_path / "a.csv", output=tmp_path / "out")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("dear")
    for existing in ("refuse", "resume", "overwrite"):
        with pytest.raises(UsageError, match=r"no job\.json|no scoring directory"):
            run(tmp_path / "a.csv", output=tmp_path / "other", existing=existing)
    assert (tmp_path / "other" / "letter.txt").read_text() == "dear"


def test_overwrite_replaces_a_job_and_leaves_nothing_of_it(tmp_path):
    write_csv(tmp_path / "a.csv", 60)
    write_csv(tmp_path / "b.csv", 20)
    run(tmp_path / "a.csv", output=tmp_path / "out")
    run(tmp_path / "b.csv", output=tmp_path / "out", existing="overwrite")
    run(tmp_path / "b.csv", output=tmp_path / "new")
    assert digests(tmp_path / "out") == digests(tmp_path / "new")


def test_another_job_is_refused_with_what_differs(tmp_path):
    write_csv(tmp_path / "a.csv", 20)
    write_csv(tmp_path / "b.csv", 20)
    run(tmp_path / "a.csv", output=tmp_path / "out")
    with pytest.raises(UsageError, match=r"a\.csv is no longer an input; .*b\.csv was not an input"):
        run(tmp_path / "b.csv", output=tmp_path / "out", existing="resume")
    with pytest.raises(UsageError, match="format was parquet, now it is csv"):
        run(tmp_path / "a.csv", output=tmp_path / "out", existing="resume", format="csv")
    other = ModelRef("/models/2", "cd" * 32)
    with pytest.raises(UsageError, match="begun with model abababababab from /models/1, now it is cdcdcdcdcdcd"):
        run(tmp_path / "a.csv", output=tmp_path / "out", existing="resume", ref=other)
    write_csv(tmp_path / "a.csv", 20, seed=5)
    with pytest.raises(UsageError, match=r"a\.csv or a file that belongs to it has changed"):
        run(tmp_path / "a.csv", output=tmp_path / "out", existing="resume")


def test_an_input_that_changes_while_it_is_scored_is_noticed(tmp_path):
    write_csv(tmp_path / "a.csv", 60)
    write_csv(tmp_path / "b.csv", 20)

    def touch(block, answered):
        (tmp_path / "a.csv").touch()
        return answered

    summary = run(tmp_path / "a.csv", tmp_path / "b.csv", output=tmp_path / "out", model=NumpyModel(touch))
    assert summary.exit_code == 5
    assert any("a.csv changed" in sentence for sentence in summary.sentences)
    assert not (tmp_path / "out" / "_SUCCESS").exists()


def test_a_second_job_in_one_directory_is_refused(tmp_path):
    write_csv(tmp_path / "a.csv", 20)
    with locked(str(tmp_path / "out")), pytest.raises(EnvironmentRefused, match="Another job"):
        run(tmp_path / "a.csv", output=tmp_path / "out")
    assert run(tmp_path / "a.csv", output=tmp_path / "out").exit_code == 0


class Killed(BaseException):
    """Stands for a kill: nothing in the code under test handles it."""


WRITES = {"rename": (Path, "replace"), "flush": (os, "fsync"), "row group": (columns, "prediction_schema")}


@pytest.mark.parametrize("act", WRITES)
def test_killed_at_any_write_a_job_resumes_to_the_same_bytes(tmp_path, monkeypatch, act):
    write_csv(tmp_path / "a.csv", 45)
    run(tmp_path / "a.csv", output=tmp_path / "unbroken")
    owner, name = WRITES[act]
    real = getattr(owner, name)
    for survived in range(40):
        remaining = [survived]

        def dies(*arguments, remaining=remaining):
            if remaining[0] == 0:
                raise Killed
            remaining[0] -= 1
            return real(*arguments)

        output = tmp_path / f"out{survived}"
        with monkeypatch.context() as patched:
            patched.setattr(owner, name, dies)
            try:
                run(tmp_path / "a.csv", output=output)
            except Killed:
                assert not (output / "_SUCCESS").exists()
            else:
                assert survived >= 5
                return
        assert run(tmp_path / "a.csv", output=output, existing="resume").exit_code == 0
        assert digests(output) == digests(tmp_path / "unbroken")
    pytest.fail("the job never ran to its end")


def test_a_full_disk_is_told_as_such(tmp_path, monkeypatch):
    write_csv(tmp_path / "a.csv", 20)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(EnvironmentRefused, match="No space left on device"):
        run(tmp_path / "a.csv", output=tmp_path / "out")


def test_provenance_beside_a_csv_gives_record_and_sample(tmp_path):
    write_csv(tmp_path / "a.csv", 30)
    lines = "".join(f"{100 + i // 10},{i * 7},N,0\n" for i in range(30))
    (tmp_path / "a_provenance.csv").write_text("record,sample,symbol,label\n" + lines)
    text = (tmp_path / "a.csv").read_text().splitlines(keepends=True)
    (tmp_path / "a.csv").write_text("".join([*text[:4], "bad\n", *text[5:]]))
    run(str(tmp_path / "*.csv"), output=tmp_path / "out", budget="1")
    table = read_parts(tmp_path / "out")
    rows = [i for i in range(30) if i != 4]
    assert table["record"].to_pylist() == [str(100 + i // 10) for i in rows]
    assert table["sample"].to_pylist() == [i * 7 for i in rows]


def test_provenance_of_another_length_is_refused(tmp_path):
    write_csv(tmp_path / "a.csv", 30)
    (tmp_path / "a_provenance.csv").write_text("record,sample,symbol,label\n100,5,N,0\n")
    with pytest.raises(DataRefused, match=r"1 row, .*a\.csv has 30"):
        run(tmp_path / "a.csv", output=tmp_path / "out")


def test_csv_parts_hold_the_same_rows(tmp_path):
    import pyarrow.csv as csv

    write_csv(tmp_path / "a.csv", 40)
    run(tmp_path / "a.csv", output=tmp_path / "out", format="csv")
    run(tmp_path / "a.csv", output=tmp_path / "parquet")
    tables = [csv.read_csv(path) for path in sorted((tmp_path / "out" / "parts").iterdir())]
    table = read_parts(tmp_path / "parquet")
    rows = [row for part in tables for row in part.to_pylist()]
    for text, row in zip(rows, table.to_pylist(), strict=True):
        probabilities = {name: np.float32(text[name]) for name in text if name.startswith("p_")}
        assert {**text, **probabilities} == row


def test_a_compressed_file_is_one_shard_with_the_same_rows(tmp_path):
    write_csv(tmp_path / "a.csv", 60)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress((tmp_path / "a.csv").read_bytes()))
    summary = run(tmp_path / "a.csv.gz", output=tmp_path / "out")
    run(tmp_path / "a.csv", output=tmp_path / "plain")
    assert summary.shards["planned"] == 1
    assert [path.name for path in (tmp_path / "out" / "parts").iterdir()] == ["00000-a-00000.parquet"]
    np.testing.assert_allclose(
        probabilities(read_parts(tmp_path / "out")), probabilities(read_parts(tmp_path / "plain")), atol=1e-6
    )


def test_the_block_size_does_not_change_what_is_said(tmp_path):
    write_csv(tmp_path / "a.csv", 300)
    run(tmp_path / "a.csv", output=tmp_path / "one", shard_bytes=1 << 30)
    run(tmp_path / "a.csv", output=tmp_path / "two", shard_bytes=1 << 30, block_rows=1 << 20)
    np.testing.assert_allclose(
        probabilities(read_parts(tmp_path / "one")), probabilities(read_parts(tmp_path / "two")), atol=1e-6
    )


def test_progress_is_read_from_the_records(tmp_path):
    write_csv(tmp_path / "a.csv", 60)
    looks = []

    def show(reader):
        reader._folder.poll_seconds = 0
        looks.append(reader.look())

    score(request(tmp_path / "a.csv", output=tmp_path / "out"), loop(), show)
    assert [each.shards[0] for each in looks] == list(range(1, len(looks) + 1))
    assert looks[-1].amount == (60, 60)
    assert looks[-1].seconds_left == 0
    assert looks[0].rate > 0
