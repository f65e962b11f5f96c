"""`heartbeat compare` on annotation files: one record, folders, what is left out, and what is printed."""

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
import wfdb

from pipeline.cli import heartbeat, main

FS = 250
MINUTES = 6


def write_record(folder: Path, name: str, seconds: float = MINUTES * 60, header: bool = True) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if header:
        (folder / f"{name}.hea").write_text(f"{name} 0 {FS} {int(seconds * FS)}\n")


def write_annotations(folder: Path, name: str, extension: str, samples: np.ndarray, symbols=None, fs=None) -> None:
    """Write beats, N unless told otherwise; with `fs` the file notes it."""
    folder.mkdir(parents=True, exist_ok=True)
    symbols = symbols or ["N"] * len(samples)
    notes = [f"## time resolution: {fs}", *[""] * len(samples)] if fs else None
    if fs:
        samples, symbols = np.array([0, *samples]), ['"', *symbols]
    wfdb.wrann(name, extension, samples, symbols, aux_note=notes, write_dir=os.fspath(folder))


def beats(seconds: float = MINUTES * 60, fs: int = FS) -> np.ndarray:
    return np.arange(fs, int(seconds * fs) - 1, fs)


def test_one_record(tmp_path, capsys):
    write_record(tmp_path, "a")
    at = beats()
    symbols = ["N"] * len(at)
    write_annotations(tmp_path, "a", "atr", at, symbols)
    symbols[-1] = "V"
    write_annotations(tmp_path, "a", "pred", at + 5, symbols)
    assert main(heartbeat, ["compare", str(tmp_path / "a.atr"), str(tmp_path / "a.pred")]) == 0
    shown = capsys.readouterr().out
    assert "Beats of 1 record," in shown
    assert "Scored from second 300 of each record; classes of symbols: N: N L R e j B n; S:" in shown
    assert next(line.split() for line in shown.splitlines() if line.startswith("  N ")) == ["N", "59", *"010000"]
    [gross] = [line.split() for line in shown.splitlines() if line.startswith("  Gross")]
    assert gross == ["Gross", "100.00", "100.00", "-", "0.00", "1.667", "-", "-", "0.000", "0.00"]


@pytest.mark.parametrize("empty", ["atr", "pred"])
def test_a_file_without_a_beat_is_compared_with_a_remark(tmp_path, capsys, empty):
    write_record(tmp_path, "a")
    for extension in ("atr", "pred"):
        write_annotations(tmp_path, "a", extension, beats())
    (tmp_path / f"a.{empty}").write_bytes(b"\0\0")
    assert main(heartbeat, ["compare", str(tmp_path / "a.atr"), str(tmp_path / "a.pred")]) == 0
    [remark] = capsys.readouterr().err.splitlines()
    assert remark.startswith(f"{tmp_path}/a.{empty} marks no beat from second 300 on: ")


def test_beats_at_one_sample_are_told(tmp_path, capsys):
    write_record(tmp_path, "a")
    write_annotations(tmp_path, "a", "atr", np.repeat(beats(), 2))
    write_annotations(tmp_path, "a", "pred", beats())
    arguments = ["compare", str(tmp_path / "a.atr"), str(tmp_path / "a.pred"), "--json"]
    assert main(heartbeat, arguments) == 0
    shown = capsys.readouterr()
    [record] = json.loads(shown.out)["records"]
    assert (record["ratios"]["QRS Se"], record["doubled"]) == ([60, 120], {"reference": 60, "test": 0})
    [remark] = shown.err.splitlines()
    assert remark.startswith(f"{tmp_path}/a.atr has 60 beats at the same sample as another: each counts, as in WFDB")


def test_a_folder_with_records_that_cannot_be_compared(tmp_path, capsys):
    reference, test = tmp_path / "reference", tmp_path / "test"
    for name, seconds in (("whole", 400), ("deep/whole", 400), ("brief", 200), ("lonely", 400), ("cut", 400)):
        folder = (reference / name).parent
        write_record(folder, Path(name).name, seconds)
        write_annotations(folder, Path(name).name, "atr", beats(seconds))
        if name != "lonely":
            write_annotations((test / name).parent, Path(name).name, "qrs", beats(seconds)[::2])
    (test / "cut.qrs").write_bytes((test / "cut.qrs").read_bytes()[:-2])
    write_annotations(test, "stranger", "qrs", beats())
    arguments = ["compare", str(reference), str(test)]
    assert main(heartbeat, [*arguments, "--json", "--csv", str(tmp_path / "counts.csv")]) == 0
    result = json.loads(capsys.readouterr().out)
    assert [each["record"] for each in result["records"]] == ["deep/whole", "whole"]
    reasons = {each["record"]: each["reason"] for each in result["skipped"]}
    assert reasons.keys() == {"brief", "lonely", "cut", "stranger"}
    assert reasons["brief"] == "it ends after 200 s, before the first second that is scored"
    assert "cut.qrs are cut short" in reasons["cut"]
    assert result["gross"]["QRS Se"] == result["average"]["QRS Se"] == pytest.approx(0.5, abs=0.01)
    assert result["sum"]["ratios"]["QRS +P"] == [100, 100]
    rows = list(csv.DictReader((tmp_path / "counts.csv").open()))
    assert [(row["record"], row["Nn"], row["No"], row["QRS Se hits"], row["QRS Se of"]) for row in rows] == [
        (name, "50", "50", "50", "100") for name in ("deep/whole", "whole")
    ]
    assert main(heartbeat, [*arguments, "--from", "100"]) == 0
    assert "  brief" in capsys.readouterr().out


def test_what_is_wrong_with_a_record_is_named_before_records_of_one_side(tmp_path, capsys):
    for number in range(30):
        write_record(tmp_path, f"{number:02d}")
        write_annotations(tmp_path, f"{number:02d}", "atr", beats())
    (tmp_path / "25.pred").touch()
    write_annotations(tmp_path, "26", "pred", beats())
    (tmp_path / "SHA256SUMS.txt").touch()
    (tmp_path / "test").mkdir()
    for name in ("25.pred", "26.pred", "SHA256SUMS.txt"):
        (tmp_path / name).rename(tmp_path / "test" / name)
    assert main(heartbeat, ["compare", str(tmp_path), str(tmp_path / "test")]) == 0
    lines = capsys.readouterr().err.splitlines()
    told = "its annotations 25.pred are empty. Copy the file again from where it is whole."
    assert lines[0] == f"Not compared: record 25: {told}"
    assert lines[-1] == "Not compared: 19 more records."
    assert len(lines) == 11


def test_files_of_other_names_are_asked_about_and_a_table_of_counts_may_be_replaced(tmp_path, capsys):
    for name in ("a", "b"):
        write_record(tmp_path, name)
        write_annotations(tmp_path, name, "atr", beats())
    arguments = ["compare", str(tmp_path / "a.atr"), str(tmp_path / "b.atr"), "--csv", str(tmp_path / "counts.csv")]
    for _ in range(2):
        assert main(heartbeat, arguments) == 0
        assert "a.atr and b.atr have different names: are they of one record?" in capsys.readouterr().err


def test_gross_counts_beats_and_average_counts_records(tmp_path, capsys):
    for name, seconds, found in (("long", 1300, 1000), ("short", 400, 0)):
        write_record(tmp_path, name, seconds)
        at = beats(seconds)
        symbols = np.where(at >= 300 * FS, "V", "N").tolist()
        write_annotations(tmp_path, name, "atr", at, symbols)
        write_annotations(tmp_path, name, "pred", at, symbols if found else ["N"] * len(at))
    assert main(heartbeat, ["compare", str(tmp_path), str(tmp_path), "--test-annotator", "pred", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["gross"]["V Se"] == pytest.approx(1000 / 1100, abs=0.001)
    assert result["average"]["V Se"] == pytest.approx(0.5)
    assert result["average"]["V +P"] == pytest.approx(1.0)  # undefined for the record without a V


def test_files_count_in_ticks_of_their_own_and_need_no_header(tmp_path, capsys):
    write_annotations(tmp_path, "a", "atr", beats(), fs=FS)
    write_annotations(tmp_path, "a", "fine", beats(fs=1000), fs=1000)
    arguments = ["compare", str(tmp_path / "a.atr"), str(tmp_path / "a.fine"), "--json"]
    assert main(heartbeat, arguments) == 0
    assert json.loads(capsys.readouterr().out)["gross"]["QRS Se"] == 1
    write_annotations(tmp_path, "b", "atr", beats())
    assert main(heartbeat, ["compare", str(tmp_path / "b.atr"), str(tmp_path / "b.atr")]) == 3
    assert "record b: it has no header, and its annotation files do not say their sampling" in capsys.readouterr().err


def test_the_map_decides_and_is_stored(tmp_path, capsys):
    write_record(tmp_path, "a")
    write_annotations(tmp_path, "a", "atr", beats(), ["j"] * len(beats()))
    write_annotations(tmp_path, "a", "pred", beats(), ["S"] * len(beats()))
    arguments = ["compare", str(tmp_path / "a.atr"), str(tmp_path / "a.pred"), "--json"]
    for flags, of in (([], 0), (["--map", "ec57"], 60)):
        assert main(heartbeat, [*arguments, *flags]) == 0
        result = json.loads(capsys.readouterr().out)
        assert result["sum"]["ratios"]["S Se"] == [of, of]
        assert result["map"]["j"] == (1 if flags else 0)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["refs", "refs/a.atr"], 2, "must both be annotation files, or both folders of them"),
        (["refs", "empty"], 3, "empty holds no annotations of the records"),
        (["refs", "refs"], 2, "refs holds .atr, .pred: name the one to compare with --test-annotator"),
        (
            ["refs", "refs", "--test-annotator", ".pred", "--from", "nan"],
            2,
            "takes a number of seconds, not nan",
        ),
        (
            ["refs", "refs", "--test-annotator", ".pred", "--from", "inf"],
            2,
            "takes a number of seconds, not inf",
        ),
        (["refs/a.atr", "refs/a.pred", "--csv", "refs/a.pred"], 2, "is there and is no table of counts"),
        (["refs/a.atr", "refs/a.hea"], 3, "record a: its annotations a.hea are cut short, or no annotation file"),
        (["refs/a.atr", "empty.pred"], 3, "record a: its annotations empty.pred are empty."),
        (["refs", "refs", "--reference-annotator", "man", "--test-annotator", "pred"], 3, "no annotation file *.man"),
        (["refs", "others", "--test-annotator", "pred"], 3, "have no record in common, such as a"),
        (["refs", "nowhere"], 2, "does not exist"),
        (["refs/a.atr", "refs/a.pred", "--test-annotator", "pred"], 2, "--test-annotator: of use for folders only"),
        (["refs", "refs", "--map", "x"], 2, "--map x is not understood"),
    ],
)
def test_refusals(tmp_path, monkeypatch, capsys, arguments, code, words):
    monkeypatch.chdir(tmp_path)
    write_record(Path("refs"), "a")
    write_annotations(Path("refs"), "a", "atr", beats())
    write_annotations(Path("refs"), "a", "pred", beats())
    write_annotations(Path("others"), "b", "pred", beats())
    Path("empty").mkdir()
    Path("empty.pred").touch()
    before = Path("refs/a.pred").read_bytes()
    assert main(heartbeat, ["compare", *arguments]) == code
    shown = capsys.readouterr()
    assert words in " ".join(shown.err.split())
    assert shown.out == ""
    assert Path("refs/a.pred").read_bytes() == before


def test_many_records_are_compared_side_by_side(tmp_path, capsys):
    for number in range(110):
        write_record(tmp_path, f"{number:03d}", 20)
        write_annotations(tmp_path, f"{number:03d}", "atr", beats(20))
    assert main(heartbeat, ["compare", str(tmp_path), str(tmp_path), "--test-annotator", "atr", "--from", "0"]) == 0
    shown = capsys.readouterr().out
    assert "Beats of 110 records" in shown
    assert "  000 " not in shown
    assert f"{110 * len(beats(20)):,}" in shown
