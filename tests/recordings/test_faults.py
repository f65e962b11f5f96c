"""Every way in which a record can be wrong: it is named, with the reason, and --skip-bad goes on without it."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import wfdb

from components.errors import DataRefused, EnvironmentRefused, UsageError
from components.evaluate.compare import find_jobs
from components.io.lock import flocked
from components.recordings.inputs import find_recordings
from components.recordings.prepare import PrepareSettings, prepare
from tests.recordings.archives import edit_header, simulated, write_archive, write_record
from tests.recordings.preparing import run

SEED = 1
"""Draws a record other than p2 for testing."""


def silent(records: int) -> Callable[[float, int], None]:
    return lambda share, rows: None


def header_missing(stem: Path) -> None:
    stem.with_suffix(".hea").unlink()


def header_is_a_dead_link(stem: Path) -> None:
    header_missing(stem)
    stem.with_suffix(".hea").symlink_to("nowhere")
    stem.with_name("RECORDS").unlink()


def header_garbled(stem: Path) -> None:
    stem.with_suffix(".hea").write_text("p2 two 360 many\n")


def signal_missing(stem: Path) -> None:
    stem.with_suffix(".dat").unlink()


def signal_truncated(stem: Path) -> None:
    content = stem.with_suffix(".dat").read_bytes()
    stem.with_suffix(".dat").write_bytes(content[:-3000])


def signal_flipped(stem: Path) -> None:
    content = bytearray(stem.with_suffix(".dat").read_bytes())
    content[3000] ^= 0x10
    stem.with_suffix(".dat").write_bytes(bytes(content))


def header_says_more(stem: Path) -> None:
    length = wfdb.rdheader(str(stem)).sig_len
    edit_header(stem, f"360 {length}", f"360 {length + 1000}")


def header_says_less(stem: Path) -> None:
    length = wfdb.rdheader(str(stem)).sig_len
    edit_header(stem, f"360 {length}", f"360 {length - 1000}")


def other_units(stem: Path) -> None:
    text = stem.with_suffix(".hea").read_text()
    stem.with_suffix(".hea").write_text(text.replace("/mV", "/mmHg", 1))


def annotations_missing(stem: Path) -> None:
    stem.with_suffix(".atr").unlink()


def annotations_cut_short(stem: Path) -> None:
    content = stem.with_suffix(".atr").read_bytes()
    stem.with_suffix(".atr").write_bytes(content[:-4])


def annotations_out_of_order(stem: Path) -> None:
    wfdb.Annotation(stem.name, "atr", sample=np.array([500, 900, 1300]), symbol=["N"] * 3).wrann(
        write_dir=str(stem.parent)
    )
    content = bytearray(stem.with_suffix(".atr").read_bytes())
    backwards = b"\x00\xec" + b"\xff\xff" + b"\x9c\xff" + b"\x00\x04"  # SKIP by -100, then a normal beat
    stem.with_suffix(".atr").write_bytes(bytes(content[:-2]) + backwards + b"\0\0")


def annotations_past_the_end(stem: Path) -> None:
    length = wfdb.rdheader(str(stem)).sig_len
    wfdb.wrann(stem.name, "atr", np.array([500, 900, length + 1]), symbol=["N"] * 3, write_dir=str(stem.parent))


def lead_flat(stem: Path) -> None:
    write_record(stem.parent, stem.name, np.full((9000, 2), 1024), [500, 900, 1300])


def lead_full_of_nan(stem: Path) -> None:
    write_record(stem.parent, stem.name, np.full((9000, 2), -2048), [500, 900, 1300])


FAULTS = [
    (header_missing, r"header p2\.hea is missing"),
    (header_is_a_dead_link, r"header p2\.hea is missing"),
    (header_garbled, r"header p2\.hea has a line that cannot be read: 'p2 two 360 many'; it should be NAME SIGNALS"),
    (signal_missing, r"signal file p2\.dat is missing"),
    (signal_truncated, r"p2\.dat is truncated or its header wrong about its length: the header says \d+"),
    (signal_flipped, r"checksum of lead MLII in p2 fails"),
    (header_says_more, r"the header says \d+ samples per signal, the file holds \d+"),
    (header_says_less, r"header is wrong about its length: it says \d+ samples per signal, p2\.dat holds \d+"),
    (other_units, r"lead MLII is in mmHg"),
    (annotations_missing, r"annotations p2\.atr are missing"),
    (annotations_cut_short, r"annotations p2\.atr are cut short"),
    (
        annotations_out_of_order,
        r"p2\.atr is wrong: annotations are out of order: number 3 is at sample 1200",
    ),
    (
        annotations_past_the_end,
        r"p2\.atr is wrong: annotations go past the end: number 2 is at sample \d+",
    ),
    (lead_flat, r"lead MLII is flat"),
    (lead_full_of_nan, r"lead MLII has no valid sample"),
]


@pytest.mark.parametrize(("spoil", "said"), FAULTS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_bad_record_is_named_and_can_be_left_out(tmp_path: Path, spoil: Callable[[Path], None], said: str) -> None:
    archive = write_archive(tmp_path / "archive")
    spoil(archive / "p2")
    out = tmp_path / "out"
    settings = PrepareSettings(wfdb=(archive,), out=out, split="record:0.3", seed=SEED)
    with pytest.raises(DataRefused, match=said) as refused:
        prepare(settings, silent)
    assert refused.value.sentences[0].startswith("Record p2: ")
    assert "--skip-bad" in refused.value.sentences[-1]
    assert not out.exists()

    report = prepare(settings.model_copy(update={"skip_bad": True}), silent)
    assert len(report.counts_of) == 2
    assert report.skipped == refused.value.sentences[:-1]
    assert len(list(out.iterdir())) == 5


def test_a_lead_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive")
    with pytest.raises(DataRefused, match=r"Record p1: it has no lead V9; its leads are MLII, V1"):
        prepare(PrepareSettings(wfdb=(archive,), out=tmp_path / "out", split="record:0.3", lead="V9"), silent)


def test_all_records_that_lack_the_lead_are_named_at_once(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive", tuple(f"p{i:02}" for i in range(25)), beats=5)
    for name in ("p01", "p03"):
        signal, positions, symbols = simulated(seed=9)
        write_record(archive, name, signal, positions, symbols)
    settings = PrepareSettings(wfdb=(archive,), out=tmp_path / "out", split="record:0.3", lead="1")
    with pytest.raises(DataRefused) as refused:
        prepare(settings, silent)
    assert refused.value.sentences[:-1] == (
        "Record p01: it has no lead 1; its leads are MLII.",
        "Record p03: it has no lead 1; its leads are MLII.",
    )
    with pytest.raises(DataRefused) as refused:
        prepare(settings.model_copy(update={"lead": "V9"}), silent)
    assert refused.value.sentences[20] == "5 more records cannot be used."


def test_records_without_an_ecg_are_left_out_and_named(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive")
    (archive / "notes.hea").write_text("notes 0 128 0\n")
    (archive / "numerics.hea").write_text("numerics 1 1 60\nnumerics.dat 16 1/bpm 12 0 0 0 0 HR\n")
    (archive / "RECORDS").unlink()
    report = prepare(PrepareSettings(wfdb=(archive,), out=tmp_path / "out", split="none"), silent)
    assert len(report.counts_of) == 3
    assert "Left out, 1 record: notes: it holds annotations only, no signal." in report.sentences
    assert "Left out, 1 record: numerics: it holds no voltage: its signals are in bpm." in report.sentences
    for name in ("p1", "p2", "p3"):
        (archive / f"{name}.hea").unlink()
    with pytest.raises(DataRefused, match=r"No record of .*archive can be used") as refused:
        prepare(PrepareSettings(wfdb=(archive,), out=tmp_path / "none", split="none"), silent)
    assert len(refused.value.sentences) == 3


def test_an_annotation_one_past_the_end_is_dropped_and_counted(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive")
    length = wfdb.rdheader(str(archive / "p2")).sig_len
    wfdb.wrann("p2", "atr", np.array([500, 900, length]), symbol=["N"] * 3, write_dir=str(archive))
    report = prepare(PrepareSettings(wfdb=(archive,), out=tmp_path / "out", split="none"), silent)
    counts = report.counts
    assert counts.outside == 1
    assert counts.annotations == 40 + 40 + 3 == counts.rows + counts.last + counts.outside


def test_a_record_without_a_beat_is_named_with_its_lead(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive")
    rng = np.random.default_rng(0)
    write_record(archive, "p2", rng.integers(1020, 1028, 3000), [500, 900], ["+", "+"])
    report = prepare(PrepareSettings(wfdb=(archive,), out=tmp_path / "out", split="none"), silent)
    said = "Record p2: no beats with a class are in its atr that could be cut from lead MLII."
    assert said in report.sentences
    with pytest.raises(DataRefused) as refused:
        prepare(PrepareSettings(wfdb=(archive,), out=tmp_path / "o", split="none", exclude=("p1", "p3")), silent)
    assert refused.value.sentences[:2] == ("No beat is left for beats.csv.", said)


def test_flat_windows_and_missing_samples_are_counted_by_record(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive")
    signal, positions, symbols = simulated(seed=9)
    signal[positions[3] - 1 : positions[5]] = 700
    signal[positions[10] + 5 : positions[10] + 8] = -2048
    write_record(archive, "p2", signal, positions, symbols)
    report = prepare(PrepareSettings(wfdb=(archive,), out=tmp_path / "out", split="record:0.3", seed=SEED), silent)
    assert report.counts_of["p2"].flat == (positions[3],) == report.counts.flat
    assert report.counts_of["p2"].missing == tuple(positions[[9, 10]].tolist()) == report.counts.missing


def test_a_folder_without_records_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match="no folder"):
        prepare(PrepareSettings(wfdb=(tmp_path / "absent",), out=tmp_path / "out"), silent)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataRefused, match="holds no recording"):
        prepare(PrepareSettings(wfdb=(tmp_path / "empty",), out=tmp_path / "out"), silent)


def test_a_folder_within_that_cannot_be_listed_is_named_and_its_records_are_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = write_archive(tmp_path / "archive")
    (archive / "RECORDS").unlink()
    (archive / "shut").mkdir()
    (archive / "lost+found").mkdir()
    whole = os.scandir

    def refuse(folder: str) -> Iterator[os.DirEntry[str]]:
        if str(folder).endswith(("/shut", "/lost+found")):
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        return whole(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    said = "Cannot list .*archive/shut: Permission denied"
    with pytest.raises(EnvironmentRefused, match=said):
        prepare(PrepareSettings(wfdb=(archive,), out=tmp_path / "out", split="record:0.3"), silent)
    for place in (archive, archive / "shut"):
        with pytest.raises(EnvironmentRefused, match=said):
            find_recordings(str(place), None)
    with pytest.raises(EnvironmentRefused, match=said):
        find_jobs(archive, archive, "atr", None)
    (archive / "shut").rmdir()
    assert [each.name for each in find_recordings(str(archive), None)] == ["p1", "p2", "p3"]


def test_a_list_of_records_that_is_no_text_is_refused(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive")
    (archive / "RECORDS").write_bytes(b"p1\np\xff\n")
    with pytest.raises(DataRefused, match=r"archive/RECORDS is not UTF-8 text, its byte 4 is 0xff"):
        prepare(PrepareSettings(wfdb=(archive,), out=tmp_path / "out", split="record:0.3"), silent)


@pytest.mark.parametrize("name", ["RECORDS", "p1.hea"])
def test_a_list_or_a_header_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    archive = write_archive(tmp_path / "archive")
    if name == "p1.hea":
        (archive / "RECORDS").unlink(missing_ok=True)
    whole = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path.name == name:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return whole(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(EnvironmentRefused, match=rf"archive/{name} cannot be read: Permission denied"):
        prepare(PrepareSettings(wfdb=(archive,), out=tmp_path / "out", split="record:0.3"), silent)


def test_a_record_that_the_system_does_not_give_is_named_and_not_the_folder_for_the_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = write_archive(tmp_path / "archive")

    def refuse(path: str) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr("components.recordings.lead.os.path.getsize", refuse)
    with pytest.raises(EnvironmentRefused, match=r"archive/p1\.dat cannot be read or written: Permission denied"):
        prepare(PrepareSettings(wfdb=(archive,), out=tmp_path / "out", split="record:0.3"), silent)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_another_command_writes_is_refused(tmp_path: Path) -> None:
    archive, out = write_archive(tmp_path / "archive"), tmp_path / "out"
    out.mkdir()
    settings = PrepareSettings(wfdb=(archive,), out=out, split="record:0.3")
    with flocked(out), pytest.raises(EnvironmentRefused, match=r"Another process is writing to .*/out: wait for it"):
        prepare(settings, silent)
    assert not list(out.iterdir())
    prepare(settings, silent)


def test_packed_csvs_that_would_be_taken_for_a_part_of_the_result_are_refused(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive")
    (tmp_path / "mitbih_test.csv.gz").touch()
    with pytest.raises(UsageError, match=r"mitbih_test\.csv\.gz would be taken for a part of the result"):
        prepare(PrepareSettings(wfdb=(archive,), out=tmp_path, split="record:0.3"), silent)


def test_a_record_whose_name_is_not_utf_8_is_refused_unless_left_out(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive", ("a", "b"))
    name = os.fsdecode(b"caf\xe9")
    (archive / "b.hea").rename(archive / f"{name}.hea")
    (archive / "RECORDS").unlink(missing_ok=True)
    with pytest.raises(DataRefused, match=r"^caf\\xe9 has a name that is not UTF-8: rename it"):
        run(archive, tmp_path / "out", split="none")
    assert run(archive, tmp_path / "out", split="none", exclude=(name,)).counts_of.keys() == {"a"}
