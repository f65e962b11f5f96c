"""Recordings as inputs of a job: rows, lines, annotations, rejects; the same bytes whatever happens."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import wfdb

from components.errors import DataRefused, UsageError
from components.io.storage import storage_at
from components.score.inputs import find_inputs
from components.score.model import ModelRef
from components.score.recording_lines import rhythm_fields
from components.score.run import score
from components.score.settings import ScoreSettings
from components.train.served import Answers
from tests.recordings import preparing
from tests.recordings.archives import edit_header, simulated, write_archive, write_record
from tests.recordings.edf_files import EdfSignal, write_edf
from tests.s3_server import s3_server
from tests.score.jobs import NumpyModel, digests, expected, loop, read_parts, read_rejects, request, run

DATA_RECORDS = ("p1", "p2", "p3")


@pytest.fixture
def archive(tmp_path):
    return write_archive(tmp_path / "archive", DATA_RECORDS)


def lines(output):
    tables = [pq.read_table(path) for path in sorted((output / "recordings").iterdir())]
    return [line for table in tables for line in table.to_pylist()]


def test_every_beat_of_a_recording_is_scored_or_rejected_and_its_line_adds_up(archive, tmp_path):
    summary = run(archive, output=tmp_path / "out", annotations="pred", block_rows=1000)
    assert summary.exit_code == 0
    table, rejects, by_record = read_parts(tmp_path / "out"), read_rejects(tmp_path / "out"), lines(tmp_path / "out")
    assert [line["record"] for line in by_record] == list(DATA_RECORDS)
    for line in by_record:
        rows = table.filter(np.array(table["record"].to_pylist()) == line["record"])
        rejected = [reject for reject in rejects if reject["file"] == line["file"]]
        assert line["beats"] == line["scored"] + line["rejected"]
        assert (len(rows), len(rejected)) == (line["scored"], line["rejected"])
        assert sorted([*rows["row"].to_pylist(), *(reject["row"] for reject in rejected)]) == list(range(line["beats"]))
        assert sum(line[f"n_{symbol}"] for symbol in "NSVFQ") == line["scored"]
        assert np.allclose(rows["seconds"].to_numpy(), rows["sample"].to_numpy() / 360)
        assert line["beats"] >= 30
        header = wfdb.rdheader(str(archive / line["record"]))
        assert line["seconds"] == pytest.approx(header.sig_len / 360)
    assert summary.rows["read"] == sum(line["beats"] for line in by_record)
    assert summary.recordings["planned"] == summary.recordings["used"] == 3
    assert [reject["reason"].split(":")[0] for reject in rejects] == [
        "no beat follows it, so that its window has no end"
    ] * 3


def test_annotated_beats_keep_their_places_and_classes(archive, tmp_path):
    run(archive / "p2.hea", output=tmp_path / "out", annotator="atr", annotations="pred")
    table, reference = read_parts(tmp_path / "out"), wfdb.rdann(str(archive / "p2"), "atr")
    assert table["sample"].to_pylist() == reference.sample[:-1].tolist()
    classes = {"N": 0, "A": 1, "V": 2, "F": 3, "/": 4}
    assert table["label"].to_pylist() == [classes[symbol] for symbol in reference.symbol[:-1]]
    answers = wfdb.rdann(str(tmp_path / "out" / "annotations" / "p2"), "pred")
    beats = [(sample, symbol) for sample, symbol in zip(answers.sample, answers.symbol, strict=True) if symbol != '"']
    assert beats[-1] == (reference.sample[-1], "|")
    assert beats[:-1] == list(zip(table["sample"].to_pylist(), table["symbol"].to_pylist(), strict=True))
    assert "ababababab" in next(note for note in answers.aux_note if note)


def test_the_model_is_asked_about_the_rows_that_prepare_cuts(archive, tmp_path):
    """The same windows in training and in scoring: the probabilities are those of prepare's rows."""
    marks = wfdb.rdann(str(archive / "p2"), "atr")
    sample, symbol = np.append(marks.sample, marks.sample[[5, 9, 12]] + 60), [*marks.symbol, "!", "+", "~"]
    order = np.argsort(sample)
    wfdb.wrann("p2", "atr", sample[order], symbol=np.array(symbol)[order].tolist(), write_dir=str(archive))
    preparing.run(archive, tmp_path / "csv", split="none")
    rows = np.loadtxt(tmp_path / "csv" / "beats.csv", delimiter=",", dtype=np.float32, ndmin=2)
    run(archive, output=tmp_path / "out", annotator="atr", lead="0")
    table = read_parts(tmp_path / "out")
    answers = np.stack([table[f"p_{symbol}"].to_numpy() for symbol in "NSVFQ"], axis=1)
    assert np.allclose(answers, expected(rows[:, :-1]), atol=1e-6)
    assert table["label"].to_pylist() == rows[:, -1].astype(int).tolist()


def test_a_recording_that_cannot_be_used_costs_no_other(archive, tmp_path):
    (archive / "p1.dat").write_bytes(b"short")
    edit_header(archive / "p3", " MLII", " MLII\nmore")
    summary = run(archive, output=tmp_path / "out", annotations="pred")
    assert summary.exit_code == 5
    assert "2 of 3 recordings were rejected (unusable recording: 2)" in summary.sentences[0]
    assert any("p1.hea" in remark and "truncated" in remark for remark in summary.remarks)
    first, second, third = lines(tmp_path / "out")
    assert "truncated" in first["refused"]
    assert second["scored"] > 25
    assert third["refused"]
    assert [path.name for path in (tmp_path / "out" / "annotations").iterdir()] == ["p2.pred"]
    rejects = [reject for reject in read_rejects(tmp_path / "out") if not reject["file"].endswith("p2.hea")]
    assert [(reject["file"].rpartition("/")[2], reject["row"]) for reject in rejects] == [("p1.hea", 0), ("p3.hea", 0)]
    allowed = run(archive, output=tmp_path / "out", annotations="pred", existing="resume", budget="70%")
    assert allowed.exit_code == 0
    assert allowed.shards["done_before"] == allowed.shards["planned"]


def test_a_recording_of_less_than_a_second_is_refused_as_too_short(tmp_path):
    write_record(tmp_path / "archive", "tiny", simulated(1)[0][:300, None])
    run(tmp_path / "archive", output=tmp_path / "out")
    assert lines(tmp_path / "out")[0]["refused"] == "it lasts 0.83 s, less than 1 s."


def test_a_checksum_that_fails_is_found_before_a_row_is_written(archive, tmp_path):
    samples = bytearray((archive / "p1.dat").read_bytes())
    samples[3000] ^= 0xFF
    (archive / "p1.dat").write_bytes(samples)
    run(archive / "p1.hea", output=tmp_path / "out", budget="100%", annotator="atr")
    assert read_parts(tmp_path / "out").num_rows == 0
    assert "checksum" in read_rejects(tmp_path / "out")[0]["reason"]


def test_seconds_without_an_ecg_are_told_and_no_interval_reaches_over_them(tmp_path):
    signal, _, _ = simulated(3, 120, "sinus")
    silent = np.full(30 * 360, 1024, signal.dtype)
    write_record(tmp_path, "off", np.concatenate([signal, silent, signal]))
    run(tmp_path / "off", output=tmp_path / "out")
    (line,) = lines(tmp_path / "out")
    assert line["seconds"] - line["seconds_read"] == pytest.approx(30, abs=11)
    assert line["noise"] == pytest.approx(1 - line["seconds_read"] / line["seconds"])
    assert line["longest_rr"] < 3


def test_a_killed_job_resumes_to_the_bytes_of_an_unbroken_one(archive, tmp_path):
    run(archive, output=tmp_path / "whole", annotations="pred", shard_bytes=1)

    def killed(tasks, ref, follow):
        loop()(tasks[:1], ref, follow)
        raise KeyboardInterrupt

    options = {"annotations": "pred", "shard_bytes": 1}
    with pytest.raises(KeyboardInterrupt):
        score(request(archive, output=tmp_path / "out", **options), killed)
    (tmp_path / "out" / "annotations" / "stray.pred").write_bytes(b"")
    summary = run(archive, output=tmp_path / "out", existing="resume", **options)
    assert (summary.exit_code, summary.shards["done_before"]) == (0, 1)
    assert digests(tmp_path / "out") == digests(tmp_path / "whole")
    (tmp_path / "out" / "annotations" / "p1.pred").write_bytes(b"damaged")
    (tmp_path / "out" / "_SUCCESS").unlink()
    run(archive, output=tmp_path / "out", existing="resume", **options)
    assert digests(tmp_path / "out") == digests(tmp_path / "whole")


def test_one_shard_or_many_give_the_same_rows(archive, tmp_path):
    run(archive, output=tmp_path / "one", shard_bytes=1 << 30, block_rows=1000)
    run(archive, output=tmp_path / "many", shard_bytes=1)
    assert read_parts(tmp_path / "one").equals(read_parts(tmp_path / "many"))
    assert lines(tmp_path / "one") == lines(tmp_path / "many")


@pytest.mark.parametrize(
    "named", ["archive", "archive/RECORDS?", "archive/*.hea", "archive/p*", "archive/p1", "file://"]
)
def test_recordings_are_named_by_folder_glob_header_or_record(archive, tmp_path, named, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (archive / "RECORDS").rename(archive / "RECORDS1")
    pattern = f"file://{archive}" if named == "file://" else named
    wanted = ["p1"] if named.endswith("p1") else list(DATA_RECORDS)
    if named.endswith("?"):
        with pytest.raises(DataRefused):
            find_inputs([pattern], ScoreSettings())
        return
    inputs = find_inputs([pattern], ScoreSettings(annotator="atr"))
    assert [each.name for each in inputs] == wanted
    assert find_inputs([pattern, "./archive/p1", f"{archive}/p1.hea"], ScoreSettings(annotator="atr")) == inputs
    assert all({other.path.rpartition(".")[2] for other in each.others} == {"dat", "atr"} for each in inputs)


def test_a_lead_that_no_recording_has_is_refused_before_anything_is_scored(archive, tmp_path):
    with pytest.raises(
        UsageError, match=r"No recording has the lead that --lead aVR names\. .*p1\.hea: it has no lead"
    ):
        run(archive, output=tmp_path / "out", lead="aVR")
    (archive / "p0.hea").write_text("p0 1 360 650000\n")  # which no one can read
    with pytest.raises(UsageError, match=r"No recording has the lead that --lead aVR names"):
        run(archive, output=tmp_path / "out", lead="aVR")
    (archive / "p0.hea").unlink()
    assert not (tmp_path / "out").exists()
    write_record(archive, "p4", simulated(seed=1)[0], names=("aVR",))
    (archive / "RECORDS").unlink(missing_ok=True)
    summary = run(archive, output=tmp_path / "out", lead="aVR", budget="100%")
    assert (summary.recordings["used"], summary.recordings["unusable"]) == (1, 3)


def test_recordings_and_tables_are_not_mixed(archive, tmp_path):
    (tmp_path / "a.csv").write_text("1,2\n")
    with pytest.raises(DataRefused, match=r"a\.csv is not a recording"):
        find_inputs([str(archive), str(tmp_path / "a.csv")], ScoreSettings())
    shutil.copy(tmp_path / "a.csv", archive)
    with pytest.raises(DataRefused, match=r"holds recordings \(.*\) and files of beats \(a\.csv\)"):
        find_inputs([str(archive)], ScoreSettings())
    for flags, said in (
        ({"lead": "II", "annotations": "pred"}, "--lead, --annotations are"),
        ({"lead": "II"}, "--lead is"),
    ):
        with pytest.raises(UsageError, match=f"{said} for recordings"):
            find_inputs([str(tmp_path / "a.csv")], ScoreSettings(**flags))
    (archive / "a.csv").unlink()
    with pytest.raises(UsageError, match="--no-label is for files of beats"):
        find_inputs([str(archive)], ScoreSettings(labelled=False))


def test_a_recording_whose_name_is_not_utf_8_is_refused_before_the_job(archive, tmp_path):
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/r\xe9c")
    shutil.copytree(archive, folder)
    with pytest.raises(DataRefused, match=r"/r\\xe9c/p1\.hea has a name that is not UTF-8: rename it") as refused:
        run(folder, output=tmp_path / "out")
    assert len(refused.value.sentences) == 3
    assert not (tmp_path / "out").exists()


def test_annotation_files_never_replace_each_other(archive, tmp_path):
    shutil.copytree(archive, tmp_path / "other")
    both = [str(archive), str(tmp_path / "other")]
    assert len(find_inputs(both, ScoreSettings())) == 6
    with pytest.raises(UsageError, match="are both named p1"):
        find_inputs(both, ScoreSettings(annotations="pred"))
    assert [each.name for each in find_inputs([str(tmp_path)], ScoreSettings(annotations="pred"))] == [
        f"{folder}/{name}" for folder in ("archive", "other") for name in DATA_RECORDS
    ]


def test_a_recording_that_changes_while_it_is_scored_is_noticed(archive, tmp_path):
    def touch(block, answered):
        (archive / "p1.dat").touch()
        return answered

    summary = run(archive / "p1", output=tmp_path / "out", model=NumpyModel(touch))
    assert summary.exit_code == 5
    assert any("p1.dat changed" in sentence for sentence in summary.sentences)
    job = json.loads((tmp_path / "out" / "job.json").read_text())
    assert [other["path"].rpartition("/")[2] for other in job["inputs"][0]["others"]] == ["p1.dat"]


def test_rhythm_by_hand():
    """Eight intervals of 1 s, a couplet, a run of three at 0.5 s, a gap of 20 s, and one V right behind it."""
    seconds = np.cumsum([0.0] + [1.0] * 8 + [0.6, 0.6] + [1.0, 0.5, 0.5, 0.5, 1.2] + [20.0, 1.0])
    label = np.array([0] * 9 + [2, 2] + [0, 2, 2, 2, 0] + [2, 0], np.int8)
    gap = np.array([[seconds[15] + 1, seconds[16] - 1]])
    line = rhythm_fields(seconds, label, gap, 1800.0)
    assert (line["v_couplets"], line["v_runs"], line["v_longest_run"]) == (1, 1, 3)
    assert line["v_fastest_run"] == pytest.approx(120)
    assert line["v_per_hour"] == pytest.approx(12)
    assert line["longest_rr"] == pytest.approx(1.2)
    assert line["rate_least"] == pytest.approx(60)
    assert line["rate_greatest"] == pytest.approx(60 * 8 / (1 + 1 + 0.6 + 0.6 + 1 + 0.5 + 0.5 + 0.5))
    assert (line["s_runs"], line["s_fastest_run"], line["s_per_hour"]) == (0, None, 0)
    assert rhythm_fields(seconds, label, gap, 599.0)["v_per_hour"] is None
    nothing = rhythm_fields(np.zeros(0), np.zeros(0, np.int8), np.zeros((0, 2)), 0.0)
    assert set(nothing.values()) <= {None, 0}


def test_an_edf_file_is_scored_like_the_record_of_the_same_samples(tmp_path):
    signal, _, _ = simulated(3, 60, "sinus")
    signal = signal[: len(signal) // 360 * 360]
    write_record(tmp_path / "wfdb", "same", signal)
    write_edf(
        tmp_path / "edf" / "same.edf",
        [EdfSignal("ECG II", signal - 1024, 360, "uV", ("-163840", "163835"), ("-32768", "32767"))],
        kind="EDF+C",
    )
    run(tmp_path / "wfdb", output=tmp_path / "a")
    run(tmp_path / "edf", output=tmp_path / "b", annotations="edf")
    first, second = read_parts(tmp_path / "a"), read_parts(tmp_path / "b")
    assert first["sample"].equals(second["sample"])
    assert first["predicted"].equals(second["predicted"])
    assert lines(tmp_path / "b")[0]["record"] == "same.edf"
    assert [path.name for path in (tmp_path / "b" / "annotations").iterdir()] == ["same.edf.edf"]


def test_recordings_on_a_store_leave_the_rows_of_local_ones(archive, tmp_path, monkeypatch):
    signal, _, _ = simulated(7, 60)
    scaled = EdfSignal("II", signal[: len(signal) // 360 * 360] - 1024, 360)
    write_edf(tmp_path / "archive" / "deep" / "e.edf", [scaled])
    (archive / "RECORDS").unlink()
    with s3_server() as server:
        for name, value in server.environ.items():
            monkeypatch.setenv(name, value)
        client = server.client()
        client.create_bucket(Bucket="bucket")
        for path in archive.rglob("*"):
            if path.is_file():
                client.upload_file(str(path), "bucket", f"top/{path.relative_to(archive).as_posix()}")
        options = {"annotations": "pred", "budget": "100%"}
        assert run(archive, output=tmp_path / "local", **options).exit_code == 0
        assert run("s3://bucket/top", output="s3://bucket/out", **options).exit_code == 0
        storage, local = storage_at("s3://bucket/out"), digests(tmp_path / "local")
        for name in local:
            if name.startswith("annotations/"):
                assert storage.read(name) == (tmp_path / "local" / name).read_bytes()
        assert len([name for name in local if name.startswith("annotations/")]) == 4
        job = json.loads(storage.read("job.json"))
        assert [each["name"] for each in job["inputs"]] == ["deep/e.edf", *DATA_RECORDS]
        assert {other["path"] for other in job["inputs"][1]["others"]} == {"s3://bucket/top/p1.dat"}
        for pattern, wanted in (("s3://bucket/top/p[12].hea", ["p1", "p2"]), ("s3://bucket/top/p1", ["p1"])):
            assert [each.name for each in find_inputs([pattern], ScoreSettings())] == wanted


EXAMPLE = Path(__file__).parents[2] / "components" / "recordings" / "example"


def test_the_excerpt_that_ships_is_read_whole_and_its_beats_are_found(tmp_path):
    assert sum(path.stat().st_size for path in EXAMPLE.iterdir()) < 100_000
    assert "Open Data Commons Attribution" in (EXAMPLE / "ATTRIBUTION.md").read_text()
    assert run(EXAMPLE, output=tmp_path / "out", annotations="pred").exit_code == 0
    (line,) = lines(tmp_path / "out")
    assert (line["seconds"], line["seconds_read"], line["lead"]) == (60, 60, "MLII")
    reference = wfdb.rdann(str(EXAMPLE / "223-minute-13"), "atr")
    beats = reference.sample[np.isin(reference.symbol, list("NAaVFR"))]
    found = np.append(read_parts(tmp_path / "out")["sample"].to_numpy(), 0)
    assert sum(np.abs(found - beat).min() <= 54 for beat in beats[:-1]) >= len(beats) - 3


def test_answers_of_a_synthetic_model_are_marked(archive, tmp_path):
    sidecars = tmp_path / "model" / "assets.extra" / "heartbeat"
    sidecars.mkdir(parents=True)
    (sidecars / "metrics.json").write_text('{"synthetic": true}')
    ref = ModelRef(str(tmp_path / "model"), "ab" * 32)
    assert "SYNTHETIC" in run(archive / "p1", output=tmp_path / "a", ref=ref).remarks[0]
    assert run(archive / "p1", output=tmp_path / "b").remarks == []


def test_recordings_unlike_those_of_training_are_flagged(archive, tmp_path):
    class Unsure(NumpyModel):
        def answers(self, *arguments):
            answers = super().answers(*arguments)
            return Answers(answers.probabilities, np.arange(len(answers.abstain)) % 4 == 0)

    summary = run(archive, output=tmp_path / "out", model=Unsure())
    assert {line["unlike"] for line in lines(tmp_path / "out")} == {"the model abstains from 26% of the beats"}
    assert summary.recordings["unlike"] == 3
    assert summary.remarks[-1].startswith("3 of 3 recordings are unlike what the model was trained on")
    sure = run(archive, output=tmp_path / "sure")
    assert {line["unlike"] for line in lines(tmp_path / "sure")} == {None}
    assert (sure.recordings["unlike"], sure.remarks) == (0, [])
