"""Whole archives, prepared: what the files hold, and that nothing but the input decides it."""

from __future__ import annotations

import hashlib
import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import wfdb

from components.beat import SAMPLES
from components.beats.cut import cut
from components.beats.synthetic import MARKER
from components.errors import DataRefused, UsageError
from components.io.csv_numbers import kaggle_text
from components.recordings import signal as signal_module
from tests.recordings.archives import at_rate, edit_header, simulated, write_archive, write_record
from tests.recordings.preparing import provenance, run


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_files_hold_what_the_rule_cuts(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive")
    report = run(archive, tmp_path / "out", split="record:0.3", seed=1)
    expected = []
    for name in ("p1", "p2"):
        record = wfdb.rdrecord(str(archive / name), physical=False)
        annotation = wfdb.rdann(str(archive / name), "atr")
        beats, _ = cut(record.d_signal[:, 0], annotation.sample, annotation.symbol)
        expected.append(beats)
    train = (tmp_path / "out" / "mitbih_train.csv").read_bytes()
    assert train == b"".join(kaggle_text(beats.signal, beats.label).tobytes() for beats in expected)
    lines = provenance(tmp_path / "out" / "mitbih_train_provenance.csv")
    assert [int(line["sample"]) for line in lines] == np.concatenate([beats.sample for beats in expected]).tolist()
    assert {line["record"] for line in lines} == {"p1", "p2"}
    assert report.files[0].rows == len(lines) == train.count(b"\n")
    assert report.files[0].sha256 == hashlib.sha256(train).hexdigest()
    test = provenance(tmp_path / "out" / "mitbih_test_provenance.csv")
    assert {line["record"] for line in test} == {"p3"}
    assert report.files[1].classes == tuple(np.bincount([int(line["label"]) for line in test], minlength=5))


def test_any_number_of_processes_and_blocks_gives_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = write_archive(tmp_path / "archive")
    signal, positions, symbols = simulated(seed=8, beats=60)
    write_record(archive, "p2", at_rate(signal, 250), positions * 250 // 360, symbols, fs=250, fmt="16")
    run(archive, tmp_path / "one", split="record:0.3")
    run(archive, tmp_path / "two", split="record:0.3", workers=2)
    monkeypatch.setattr(signal_module, "BLOCK_SECONDS", 5)
    run(archive, tmp_path / "blocks", split="record:0.3")
    assert contents(tmp_path / "one") == contents(tmp_path / "two") == contents(tmp_path / "blocks")


def test_detected_beats_in_blocks_are_those_of_the_whole_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "archive"
    signal, positions, _ = simulated(seed=4, beats=200, kind="sinus")
    write_record(archive, "long", signal)
    report = run(archive, tmp_path / "whole", detect=True)
    monkeypatch.setattr(signal_module, "BLOCK_SECONDS", 40)
    run(archive, tmp_path / "blocks", detect=True)
    assert contents(tmp_path / "whole") == contents(tmp_path / "blocks")
    assert set(contents(tmp_path / "whole")) == {"beats.csv", "beats_provenance.csv", "prepare.json"}
    rows = np.loadtxt(tmp_path / "whole" / "beats.csv", delimiter=",")
    lines = provenance(tmp_path / "whole" / "beats_provenance.csv")
    assert rows.shape == (report.files[0].rows, SAMPLES)
    assert len(lines) == len(rows) > 0.95 * len(positions)
    assert {(line["record"], line["symbol"], line["label"]) for line in lines} == {("long", "", "")}


def test_the_second_lead_is_taken_by_name_or_by_number(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive")
    for option in ("1", "v1"):
        run(archive, tmp_path / option, split="record:0.3", lead=option)
    run(archive, tmp_path / "first", split="record:0.3")
    assert contents(tmp_path / "1") == contents(tmp_path / "v1")
    first, second = contents(tmp_path / "first"), contents(tmp_path / "1")
    assert first["mitbih_train.csv"] != second["mitbih_train.csv"]
    assert first["mitbih_train_provenance.csv"] == second["mitbih_train_provenance.csv"]


@pytest.mark.parametrize(("fs", "fmt"), [(250, "16"), (720, "212"), (128, "16")])
def test_another_sampling_rate_gives_nearly_the_same_beats(tmp_path: Path, fs: int, fmt: str) -> None:
    signal, positions, symbols = simulated(seed=6, beats=60)
    for name in ("a", "b"):
        write_record(tmp_path / "at360", name, signal, positions, symbols)
        moved = np.rint(positions * fs / 360).astype(int)
        write_record(tmp_path / "other", name, at_rate(signal, fs), moved, symbols, fs=fs, fmt=fmt)
    run(tmp_path / "at360", tmp_path / "one", split="record:0.5")
    run(tmp_path / "other", tmp_path / "two", split="record:0.5")
    one = np.loadtxt(tmp_path / "one" / "mitbih_test.csv", delimiter=",")
    two = np.loadtxt(tmp_path / "two" / "mitbih_test.csv", delimiter=",")
    assert one.shape == two.shape
    assert np.median(np.abs(one - two)) < 0.02
    assert (one[:, -1] == two[:, -1]).all()
    lines = provenance(tmp_path / "two" / "mitbih_test_provenance.csv")
    assert [int(line["sample"]) for line in lines] == np.rint(positions * fs / 360).astype(int)[:-1].tolist()


def test_a_lead_with_several_samples_in_a_frame_is_read_at_its_own_rate(tmp_path: Path) -> None:
    signal, positions, symbols = simulated(seed=6, beats=60)
    archive = tmp_path / "frames"
    for name in ("a", "b"):
        write_record(archive, name, signal[: len(signal) // 2 * 2], positions // 2, symbols, fmt="16")
        length = len(signal) // 2 * 2
        edit_header(archive / name, f"1 360 {length}", f"1 180 {length // 2}")
        edit_header(archive / name, ".dat 16 ", ".dat 16x2 ")
    write_record(tmp_path / "plain", "a", signal[:length], positions // 2 * 2, symbols)
    write_record(tmp_path / "plain", "b", signal[:length], positions // 2 * 2, symbols)
    run(archive, tmp_path / "one", split="record:0.5")
    run(tmp_path / "plain", tmp_path / "two", split="record:0.5")
    assert (tmp_path / "one" / "mitbih_test.csv").read_bytes() == (tmp_path / "two" / "mitbih_test.csv").read_bytes()


@pytest.mark.parametrize("fmt", ["16", "24", "32", "516"])
def test_every_signal_format_holds_the_same_beats(tmp_path: Path, fmt: str) -> None:
    signal, positions, symbols = simulated(seed=6, beats=30)
    for name in ("a", "b"):
        write_record(tmp_path / "one", name, signal, positions, symbols)
        write_record(tmp_path / "two", name, signal, positions, symbols, fmt=fmt)
    for archive in ("one", "two"):
        run(tmp_path / archive, tmp_path / f"{archive}_out", split="record:0.5")
    assert contents(tmp_path / "one_out") == contents(tmp_path / "two_out")


def test_differences_are_read_from_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    signal, positions, symbols = simulated(seed=6, beats=30)
    steps = np.diff(signal.astype(int), prepend=1024).clip(-128, 127)
    signal = 1024 + steps.cumsum()
    for name in ("a", "b"):
        write_record(tmp_path / "plain", name, signal, positions, symbols)
        write_record(tmp_path / "steps", name, signal, positions, symbols)
        (tmp_path / "steps" / f"{name}.dat").write_bytes(steps.astype(np.int8).tobytes())
        head = f"{name} 1 360 {len(signal)}\n{name}.dat 8 200(1024)/mV 12 0 1024 {signal.sum() % 65536} 0 MLII\n"
        (tmp_path / "steps" / f"{name}.hea").write_text(head)
    monkeypatch.setattr(signal_module, "BLOCK_SECONDS", 5)
    for archive in ("plain", "steps"):
        run(tmp_path / archive, tmp_path / f"{archive}_out", split="record:0.5")
    assert contents(tmp_path / "plain_out") == contents(tmp_path / "steps_out")


def test_a_record_of_several_segments_is_one_record(tmp_path: Path) -> None:
    signal, positions, symbols = simulated(seed=6, beats=60)
    half = len(signal) // 2
    archive = tmp_path / "segments"
    write_record(archive, "m_1", signal[:half])
    write_record(archive, "m_2", signal[half:])
    (archive / "m.hea").write_text(f"m/3 1 360 {len(signal) + 720}\nm_1 {half}\n~ 720\nm_2 {len(signal) - half}\n")
    moved = np.where(positions < half, positions, positions + 720)
    wfdb.wrann("m", "atr", moved, symbol=symbols, write_dir=str(archive))
    write_record(archive, "other", signal, positions, symbols)
    report = run(archive, tmp_path / "out", split="record:0.5")
    assert len(report.counts_of) == 2
    # the last beat before the gap, and the one whose overhang reaches into it
    assert len(report.counts_of["m"].missing) == 2
    lines = [
        line for name in ("train", "test") for line in provenance(tmp_path / "out" / f"mitbih_{name}_provenance.csv")
    ]
    assert sum(line["record"] == "m" for line in lines) == len(positions) - 3


def test_other_annotators_and_symbols_are_read(tmp_path: Path) -> None:
    signal, positions, _ = simulated(seed=6, beats=60)
    for name in ("a", "b"):
        symbols = ["N", "+", "V"] * (len(positions) // 3)
        write_record(tmp_path / "archive", name, signal, positions[: len(symbols)], symbols, extension="qrs")
    report = run(tmp_path / "archive", tmp_path / "out", split="record:0.5", annotator="qrs")
    assert report.counts.unknown == {"+": 2 * (len(positions) // 3)}
    assert report.files[0].classes == (20, 0, 19, 0, 0)


def test_a_demo_set_is_never_mixed_with_real_beats(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive")
    (tmp_path / MARKER).write_text("SYNTHETIC\n")
    with pytest.raises(UsageError, match="synthetic demo set"):
        run(archive, tmp_path, split="record:0.3")


def test_excluded_records_are_left_out(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive")
    assert run(archive, tmp_path / "out", split="record:0.5", exclude=("p2",)).counts_of.keys() == {"p1", "p3"}
    with pytest.raises(UsageError, match="--exclude names nobody"):
        run(archive, tmp_path / "out", split="record:0.5", exclude=("nobody",))
    with pytest.raises(UsageError, match="Every record is excluded"):
        run(archive, tmp_path / "out", detect=True, exclude=("p1", "p2", "p3"))


def test_a_partial_copy_of_mitbih_says_what_it_lacks(tmp_path: Path) -> None:
    signal, positions, symbols = simulated(seed=3)
    whole = np.resize(signal, 650_000)  # as long as MIT-BIH's records, by which they are known
    for name in ("100", "102"):
        write_record(tmp_path / "archive", name, whole, positions, symbols)
    with pytest.raises(DataRefused, match=r"Record 103: its header 103\.hea is missing"):
        run(tmp_path / "archive", tmp_path / "out")
    for name in ("100", "102"):
        write_record(tmp_path / "other", name, signal, positions, symbols)
    with pytest.raises(UsageError, match="not the records of MIT-BIH"):
        run(tmp_path / "other", tmp_path / "out")


def rows_of(folder: Path, name: str = "beats.csv") -> np.ndarray:
    return np.loadtxt(folder / name, delimiter=",", ndmin=2)


def test_without_a_split_there_is_one_labelled_file_and_how_it_was_made(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive")
    report = run(archive, tmp_path / "one", split="none")
    run(archive, tmp_path / "two", split="record:0.3")
    assert [file.name for file in report.files] == ["beats.csv"]
    assert sorted(contents(tmp_path / "one")) == ["beats.csv", "beats_provenance.csv", "prepare.json"]
    two = contents(tmp_path / "two")
    lines = [line for name in two if name.endswith(("t.csv", "n.csv")) for line in two[name].splitlines()]
    assert sorted(contents(tmp_path / "one")["beats.csv"].splitlines()) == sorted(lines)
    described = json.loads((tmp_path / "one" / "prepare.json").read_text())
    assert (described["split"], described["windows"], described["annotator"]) == ("none", "beat to beat", "atr")
    assert described["map"]["n"] == "N"
    assert described["leads"] == {"p1": "MLII", "p2": "MLII", "p3": "MLII"}
    assert described["files"][0]["sha256"] == report.files[0].sha256


def test_symbols_have_the_classes_that_were_asked_for(tmp_path: Path) -> None:
    signal, positions, _ = simulated(seed=6, beats=60)
    symbols = list("NeBnr?+")
    write_record(tmp_path / "archive", "a", signal, positions[: len(symbols) + 1], [*symbols, "N"])
    for option, classes in ((None, (4, 0, 1, 0, 1)), ("ec57", (2, 2, 1, 0, 1)), ("ec57,B=V,?=-,+=F", (1, 2, 2, 1, 0))):
        report = run(tmp_path / "archive", tmp_path / "out", split="none", map=option)
        assert report.files[0].classes == classes
        assert any(sentence.startswith("Classes: N: N ") for sentence in report.sentences)


def test_annotations_that_mark_no_beats_or_hold_no_labels_are_warned_of(tmp_path: Path) -> None:
    signal, positions, _ = simulated(seed=6, beats=60)
    long = np.tile(signal, 8)
    write_record(tmp_path / "minutes", "a", long, np.arange(1, 8) * 21600, ["N", "A"] * 3 + ["N"], extension="apn")
    with pytest.raises(DataRefused, match=r"apn of 1 of 1 record lie too far apart.* \(median a 60 s\)"):
        run(tmp_path / "minutes", tmp_path / "out", split="none", annotator="apn")
    write_record(tmp_path / "detector", "a", signal, positions, ["N"] * len(positions), extension="qrs")
    report = run(tmp_path / "detector", tmp_path / "out", split="none", annotator="qrs")
    assert "Warning: 100.0% of the beats have the symbol N: if a detector wrote qrs" in " ".join(report.sentences)
    archive = write_archive(tmp_path / "archive")
    assert not any("Warning" in sentence for sentence in run(archive, tmp_path / "out", split="none").sentences)


def test_the_share_of_beats_that_point_down_is_told_for_each_lead(tmp_path: Path) -> None:
    signal, positions, symbols = simulated(seed=6, beats=60, kind="sinus")
    write_record(tmp_path / "archive", "a", signal, positions, symbols)
    write_record(tmp_path / "archive", "b", 2048 - signal, positions, symbols, names=("V1",))
    report = run(tmp_path / "archive", tmp_path / "out", split="none")
    assert "Beats whose QRS points down: 0% of 59 in lead MLII, 100% of 59 in lead V1." in report.sentences


def test_a_negative_gain_turns_the_rows_over(tmp_path: Path) -> None:
    signal, positions, symbols = simulated(seed=6, beats=30)
    for name in ("up", "down"):
        write_record(tmp_path / "archive", name, signal, positions, symbols)
    edit_header(tmp_path / "archive" / "down", "200.0(1024)", "-200.0(1024)")
    run(tmp_path / "archive", tmp_path / "out", split="none")
    rows, lines = rows_of(tmp_path / "out"), provenance(tmp_path / "out" / "beats_provenance.csv")
    down, up = (rows[[line["record"] == name for line in lines], :60] for name in ("down", "up"))
    np.testing.assert_allclose(down, 1 - up, atol=1e-6)


@pytest.mark.parametrize("samps_per_frame", [360, 4])
def test_frames_of_many_samples_change_neither_detected_nor_annotated_beats(
    tmp_path: Path, samps_per_frame: int
) -> None:
    signal, positions, symbols = simulated(seed=6, beats=60)
    signal = signal[: len(signal) // 360 * 360]
    positions, symbols = positions[positions < len(signal)], symbols[: int((positions < len(signal)).sum())]
    note = ["## time resolution: 360"] + [""] * len(positions)
    for folder in ("plain", "frames"):
        write_record(tmp_path / folder, "r", signal, fmt="16")
        wfdb.wrann(
            "r", "atr", np.append(0, positions), symbol=['"', *symbols], aux_note=note, write_dir=str(tmp_path / folder)
        )
    edit_header(
        tmp_path / "frames" / "r", f"360 {len(signal)}", f"{360 // samps_per_frame} {len(signal) // samps_per_frame}"
    )
    edit_header(tmp_path / "frames" / "r", ".dat 16 ", f".dat 16x{samps_per_frame} ")
    for options in ({"detect": True}, {"split": "none"}):
        run(tmp_path / "plain", tmp_path / "one", **options)
        run(tmp_path / "frames", tmp_path / "two", **options)
        assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_marks_that_are_no_beats_cut_no_window_short(tmp_path: Path) -> None:
    signal, positions, symbols = simulated(seed=6, beats=60)
    write_record(tmp_path / "plain", "r", signal, positions, symbols)
    around = np.sort(np.concatenate([positions + shift for shift in (-40, -12, 0, 12, 60, 90)]))
    marks = np.array(["("] * len(around), dtype=object)
    marks[np.searchsorted(around, positions)] = symbols
    write_record(tmp_path / "delineated", "r", signal, around, marks.tolist())
    run(tmp_path / "plain", tmp_path / "one", split="none")
    report = run(tmp_path / "delineated", tmp_path / "two", split="none")
    assert contents(tmp_path / "one")["beats.csv"] == contents(tmp_path / "two")["beats.csv"]
    assert report.counts.unknown == {"(": 5 * len(positions)}


def test_no_window_is_stretched_over_a_stretch_that_nobody_annotated(tmp_path: Path) -> None:
    signal, positions, symbols = simulated(seed=6, beats=60, kind="sinus")
    kept = np.flatnonzero((np.arange(60) < 20) | (np.arange(60) >= 40))
    write_record(tmp_path / "archive", "r", signal, positions, symbols)
    run(tmp_path / "archive", tmp_path / "all", split="none")
    write_record(tmp_path / "archive", "r", signal, positions[kept], [symbols[i] for i in kept])
    report = run(tmp_path / "archive", tmp_path / "out", split="none")
    assert report.counts_of["r"].unfollowed == (positions[19],)
    rows, whole = rows_of(tmp_path / "out"), rows_of(tmp_path / "all")
    assert len(rows) == 38
    assert np.array_equal(rows[:18], whole[:18])
    assert np.abs(rows[18] - whole[18]).max() < 0.1  # its overhang is a fifth of the interval before, not of the gap


def test_codes_that_wfdb_has_no_symbol_for_are_counted_by_number_without_a_warning(tmp_path: Path) -> None:
    signal, positions, _ = simulated(seed=6, beats=12)
    write_record(tmp_path / "archive", "r", signal)
    codes = [1, 42, 1, 43, 42, 1, 1]
    words = [code << 10 | step for code, step in zip(codes, np.diff(positions[:8], prepend=0), strict=False)]
    (tmp_path / "archive" / "r.atr").write_bytes(np.array([*words, 0], "<u2").tobytes())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = run(tmp_path / "archive", tmp_path / "out", split="none")
    assert report.counts.unknown == {"code 42": 2, "code 43": 1}
    assert report.files[0].rows == 3


@pytest.mark.parametrize("fs", [1000, 2000, 250])
def test_beats_are_found_at_any_sampling_rate(tmp_path: Path, fs: int) -> None:
    signal, positions, _ = simulated(seed=5, beats=100, kind="sinus")
    write_record(tmp_path / "archive", "r", at_rate(signal, fs), fs=fs, fmt="16")
    run(tmp_path / "archive", tmp_path / "out", detect=True)
    samples = np.array([int(line["sample"]) for line in provenance(tmp_path / "out" / "beats_provenance.csv")])
    distance = np.abs(samples[:, None] * 360 / fs - positions[None, :]).min(axis=1)
    assert len(samples) > 90
    assert (distance < 36).mean() > 0.97
