"""The page of one recording: runs as in its line, strips with what was said of the beats, what is missing."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import wfdb
from matplotlib.figure import Figure

from components.beat import CLASSES
from components.errors import UsageError
from components.recordings.lead import open_lead
from components.recordings.signal import LeadReader
from components.report.content import Picture, Words
from components.report.drawing import picture
from components.report.findings import longest_and_fastest, recording_cards, runs
from components.report.hours import CURVE_STEPS, ROWS, Steps, step_seconds
from components.report.material import load_scoring
from components.report.pages import RECORDING_SECTIONS, html_of, recording_page, write_recording_reports
from components.report.recording import RecordingMaterial, find_line, load_recording
from components.report.strips import (
    SQUARE_MILLIVOLTS,
    SQUARE_SECONDS,
    STRIP_SECONDS,
    _strip,
    doubtful_spots,
    extreme_spots,
    ten_seconds,
)
from components.report.wording import UNKNOWN, number
from components.score.open_recording import UNREAD
from components.score.recording_lines import RecordingLine, rhythm_fields
from pipeline.cli import heartbeat, main
from tests.recordings.archives import write_archive
from tests.report.reading import Read, read
from tests.score.jobs import run


def a_recording(
    seconds: list[float], classes: str, gaps: Sequence[tuple[float, float]] = (), end: float = 0.0
) -> RecordingMaterial:
    """A recording with beats at these seconds, of these classes; `|` was rejected."""
    at = np.array(seconds)
    label = np.array([UNREAD if each == "|" else CLASSES.index(each) for each in classes], np.int8)
    end = end or at[-1] + 1
    rhythm = rhythm_fields(at, label, np.array(gaps).reshape(-1, 2), end)
    line = RecordingLine("/data/r.hea", "r", "II", 360.0, end, end, len(at), len(at), **rhythm)  # type: ignore[arg-type]
    sure, abstain = np.linspace(0.5, 1, len(at), dtype=np.float32), np.zeros(len(at), bool)
    return RecordingMaterial(None, None, None, line, at, label, sure, abstain, [])  # type: ignore[arg-type]


def material_of(output: Path, name: str) -> RecordingMaterial:
    job = load_scoring(str(output))
    return load_recording(job, find_line(job, "out", name))


def page_of(material: RecordingMaterial, folder: Path) -> Read:
    """The page of a recording, without that of its job."""
    made = folder / "page.html"
    made.write_text(html_of(recording_page(material)))
    return read(made)


def test_runs_couplets_and_intervals_are_those_of_the_line() -> None:
    rng = np.random.default_rng(0)
    seconds = np.cumsum(rng.uniform(0.4, 1.2, 400))
    seconds[200:] += 30
    silent = [(float(seconds[199] + 1.3), float(seconds[200] - 0.1))]
    material = a_recording(seconds.tolist(), "".join(rng.choice([*"NSV|"], 400, p=[0.3, 0.3, 0.35, 0.05])), silent)
    line = material.line
    for symbol in ("S", "V"):
        found, name = material.runs(symbol), symbol.lower()
        assert (found.beats == 2).sum() == getattr(line, f"{name}_couplets") > 5
        assert (found.beats > 2).sum() == getattr(line, f"{name}_runs") > 5
        assert found.beats.max() == getattr(line, f"{name}_longest_run")
        assert found.rate[found.beats > 2].max() == getattr(line, f"{name}_fastest_run")
    assert not material.known[199]
    assert material.known.sum() == 398
    assert material.gaps == [(seconds[199], seconds[200])]


def test_no_run_goes_over_a_gap_and_the_ends_are_gaps_too() -> None:
    seconds = [20.0, 21.0, 22.0, 40.0, 41.0, 42.0]
    material = a_recording(seconds, "VVVVVV", [(22.5, 39.5)], end=50.0)
    assert material.runs("V").first.tolist() == [0, 3]
    assert material.runs("V").beats.tolist() == [3, 3]
    assert material.gaps == [(0.0, 20.0), (22.0, 40.0), (42.0, 50.0)], "the longest first"


def test_a_gap_shorter_than_the_longest_interval_is_told_where_it_makes_a_difference() -> None:
    seconds = [1.0, 2.0, 3.0, 7.0, 8.0, 10.5, 11.5]
    whole = a_recording(seconds, "NNNNVVV", end=12.5)
    assert len([block for block in runs(whole) if isinstance(block, Words)]) == 1
    gap = a_recording(seconds, "NNNNVVV", [(8.5, 10.0)], end=12.5)
    assert gap.line.v_couplets == 1
    (warning, _) = (block for block in runs(gap) if isinstance(block, Words))
    assert "The lists of V differ" in warning.text


def test_the_longest_and_the_fastest_runs_are_listed() -> None:
    seconds = np.cumsum([1, *[1.0] * 5, 1, *[0.3] * 2, 1, *[0.9] * 2, 1, 1]).tolist()
    material = a_recording(seconds, "VVVVVNVVVNVVVN")
    found = material.runs("V")
    assert found.beats.tolist() == [5, 3, 3]
    assert longest_and_fastest(found, range(3), 1) == [0, 1]


def test_steps_of_time_count_every_beat_once_and_rates_only_known_intervals() -> None:
    material = a_recording(
        [0.5 + each for each in range(60)] + [100.0 + each / 2 for each in range(40)], "NV" * 50, [(60, 99.9)], end=120
    )
    steps = Steps(material, 10)
    assert steps.beats.sum() == 100
    assert steps.counted(material.of_class("V")).tolist() == [5] * 6 + [0] * 4 + [10, 10]
    assert steps.rate[:6].tolist() == pytest.approx([60] * 6)
    assert np.isnan(steps.rate[6:10]).all()
    assert steps.rate[10:].tolist() == pytest.approx([120] * 2)
    assert steps.slowest[1] == steps.fastest[1] == pytest.approx(60)
    for hours in (10 / 3600, 0.5, 24, 14 * 24):
        assert hours * 3600 / step_seconds(hours * 3600, ROWS) <= ROWS
        assert hours * 3600 / step_seconds(hours * 3600, CURVE_STEPS) <= CURVE_STEPS


def test_strips_are_about_the_surest_and_the_least_sure_beat_of_each_class_and_about_runs() -> None:
    material = a_recording([each + 0.1 * (each == 7) for each in range(1, 12)], "NVVVNSNNNNF")
    assert [(spot.title.split(":")[0], spot.begin) for spot in doubtful_spots(material)] == [
        ("The surest N", 10), ("The least sure N", 1), ("The only S", 6), ("The surest V", 4), ("The least sure V", 2),
        ("The only F", 11),
    ]  # fmt: skip
    titles = {spot.title: (spot.begin, spot.end) for spot in extreme_spots(material)}
    assert titles == {
        "The longest and fastest run of V: 3 beats, 60 a minute": (2, 4),
        "The fastest 8 intervals in a row: 60 a minute": (1, 9),
        "The longest RR interval: 1.10 s": (6, 7.1),
    }


@pytest.fixture(scope="module")
def page(scored_recordings: Path) -> Path:
    """The page of p1, of which the job's page then knows."""
    (made,) = write_recording_reports(str(scored_recordings), ["p1"])
    return Path(made)


@pytest.fixture(scope="module")
def told(page: Path) -> Read:
    return read(page)


def test_every_section_has_content_and_the_marks_of_the_job(told: Read) -> None:
    assert set(told.text) == {"", *(name for name, _, _ in RECORDING_SECTIONS)}
    for name, title, _ in RECORDING_SECTIONS:
        assert told.text[name].startswith(title), name
        assert "could not be made" not in told.text[name], told.text[name]
        assert "no strips" not in told.text[name], told.text[name]
        assert "SYNTHETIC" in told.text[name]
    assert "script" not in told.tags


def test_figures_are_those_of_the_line(scored_recordings: Path, told: Read) -> None:
    line = material_of(scored_recordings, "p1").line
    assert f"{line.beats} beats: {line.scored} scored, {line.rejected} rejected." in told.text[""]
    assert f"{line.rate_least:.0f} to {line.rate_greatest:.0f} over eight intervals" in told.text[""]
    assert f"V, ventricular ectopic{line.n_V}" in told.text["classes"]
    assert f"V{number(line.v_per_hour, 1)}{line.v_couplets}{line.v_runs}" in told.text["runs"]
    assert "no beat follows it, so that its window has no end1" in told.text["unread"]


def test_a_strip_names_the_beats_that_are_in_it(scored_recordings: Path, told: Read) -> None:
    material = material_of(scored_recordings, "p1")
    strips = [image["alt"] for image in told.images if image["alt"].startswith("Ten seconds")]
    told_of = " ".join(told.text[name] for name in ("extremes", "strips"))
    for spot in [*doubtful_spots(material), *extreme_spots(material)]:
        assert spot.title in told_of
    for alt in strips:
        start = int(alt[len("Ten seconds from 0:00:") :][:2])
        inside = (material.seconds >= start) & (material.seconds < start + STRIP_SECONDS)
        said = ["|" if label < 0 else CLASSES[label] for label in material.label[inside]]
        assert alt.partition("Beats: ")[2] == " ".join(said) + "."


def test_a_strip_is_the_signal_of_its_seconds_in_millivolts(tmp_path: Path) -> None:
    stem = write_archive(tmp_path, ("p1",)) / "p1"
    reader = LeadReader(open_lead(stem, None))
    signal = wfdb.rdrecord(str(stem)).p_signal[:, 0]
    assert np.allclose(ten_seconds(reader, 7), signal[7 * 360 : 17 * 360])
    last = len(signal) // 360 - 4
    assert np.allclose(ten_seconds(reader, last), signal[last * 360 :]), "shorter at the end"


def test_the_jobs_page_leads_to_it_and_back(page: Path, told: Read) -> None:
    index = read(page.parents[1] / "index.html")
    assert f"recordings/{page.name}" in index.links
    assert f"recordings/{page.name}" in read(page.parents[1] / "recordings-by-name.html").links
    assert "../index.html" in told.links
    assert "--record p" in index.text["recordings"], "which command makes one"


def test_a_refused_recording_says_why_and_nothing_else(scored_recordings: Path, tmp_path: Path) -> None:
    refused = page_of(material_of(scored_recordings, "p3"), tmp_path)
    assert set(refused.text) == {"", "unread"}
    assert "truncated" in refused.text["unread"]
    assert "could not be used" in refused.text[""]


@pytest.mark.parametrize("what", ["gone", "changed"])
def test_a_recording_that_is_not_what_was_scored_has_no_strips_and_the_rest(tmp_path: Path, what: str) -> None:
    archive = write_archive(tmp_path / "archive", ("p1",))
    run(archive, output=tmp_path / "out", block_rows=1000, format="csv")
    if what == "gone":
        shutil.rmtree(archive)
    else:
        (archive / "p1.dat").write_bytes((archive / "p1.dat").read_bytes()[::-1])
    page = page_of(material_of(tmp_path / "out", "p1"), tmp_path)
    for name in ("extremes", "strips"):
        assert "There are no strips" in page.text[name]
        assert "was changed or removed" in page.text[name]
    assert "The surest N" in page.text["strips"], "where it was"
    assert len(page.images) == 2
    assert "could not be made" not in " ".join(page.text.values())


@pytest.mark.parametrize(("duration", "rows"), [(3, 1), (7, 2), (12, 2)])
def test_strips_have_large_squares_and_end_with_the_recording(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, duration: int, rows: int
) -> None:
    figures, alts = list[Figure](), list[str]()

    def kept(figure: Figure, alt: str, caption: str) -> Picture:
        figures.append(figure)
        alts.append(alt)
        return picture(figure, alt, caption)

    monkeypatch.setattr("components.report.strips.picture", kept)
    ecg = np.sin(np.arange(360 * duration) / 30)[:, None]
    wfdb.wrsamp("r", fs=360, units=["mV"], sig_name=["II"], p_signal=ecg, fmt=["16"], write_dir=str(tmp_path))
    reader = LeadReader(open_lead(tmp_path / "r", None))
    _strip(a_recording([1.0, 2.0], "NN", end=duration), reader, 0, [])
    ((figure,), (alt,)) = figures, alts
    assert len(figure.axes) == rows
    assert alt.startswith("Ten seconds" if duration > STRIP_SECONDS else f"{duration}.0")
    for axis, step in ((figure.axes[0].xaxis, SQUARE_SECONDS), (figure.axes[0].yaxis, SQUARE_MILLIVOLTS)):
        ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
        assert all(tick.gridline.get_visible() for tick in ticks)
        lines = np.unique(np.round([*axis.get_majorticklocs(), *axis.get_minorticklocs()], 6))
        low, high = axis.get_view_interval()
        assert np.allclose(np.diff(lines[(lines >= low) & (lines <= high)]), step)


def test_a_short_recording_has_counts_and_no_rates_that_it_does_not_have() -> None:
    def told(beats: int) -> str:
        material = a_recording([0.6 * each for each in range(1, beats + 1)], "V" * beats)
        line = replace(material.line, n_V=beats, noise=0.0)
        return " ".join(
            text for card in recording_cards(replace(material, line=line)) for text in (card.answer, *card.lines)
        )

    short, longer, hours = told(4), told(90), told(2000)
    assert "V 4, S 0 in 3.4" in short
    assert "eight intervals" not in short
    assert UNKNOWN not in short
    assert "V 90, S 0 in 55.0" in longer
    assert "100 to 100 over eight intervals." in longer
    assert "S 0.0 an hour" in hours


def test_a_name_that_is_not_there_is_usage_and_names_some_that_are(
    scored_recordings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(heartbeat, ["report", str(scored_recordings), "--record", "p9"]) == 2
    told = capsys.readouterr()
    assert "no recording named 'p9': its recordings are p1, p2, p3." in told.err
    assert told.out == ""
    job = load_scoring(str(scored_recordings))
    with pytest.raises(UsageError, match="named '': its recordings are p1"):
        find_line(job, "out", "")
    job.lines[:] = [replace(job.lines[0], record=f"night {index}") for index in range(9)]
    with pytest.raises(UsageError, match=r"are night 0, night 1, night 2, night 3, night 4, \.\.\. \(9 in all\)\."):
        find_line(job, "out", "100")
    with pytest.raises(UsageError, match=r"did you mean night 8 or .*\?"):
        find_line(job, "out", "nigth 8")


def test_a_name_that_two_recordings_have_is_usage_and_their_files_are_names(tmp_path: Path) -> None:
    folders = [write_archive(tmp_path / each, ("p1",)) for each in ("a", "b")]
    run(*folders, output=tmp_path / "out", block_rows=1000)
    job = load_scoring(str(tmp_path / "out"))
    with pytest.raises(UsageError, match=r"2 recordings named p1: .*a/p1\.hea, .*b/p1\.hea"):
        find_line(job, "out", "p1")
    lines = [find_line(job, "out", str(folder / "p1.hea")) for folder in folders]
    assert lines == job.lines
    assert len({job.page_of(line) for line in lines}) == 2


def test_a_job_in_which_nothing_could_be_used_has_the_page_of_each(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive", ("p1",))
    (archive / "p1.dat").write_bytes(b"short")
    run(archive, output=tmp_path / "out", format="csv", budget="100%")
    assert "truncated" in page_of(material_of(tmp_path / "out", "p1"), tmp_path).text["unread"]


def test_a_job_of_files_of_beats_has_no_recordings(scored: Path) -> None:
    with pytest.raises(UsageError, match="files of beats"):
        write_recording_reports(str(scored), ["a"])


def test_a_recording_without_beats_has_a_page(tmp_path: Path, scored_recordings: Path) -> None:
    scored = material_of(scored_recordings, "p1")
    line = RecordingLine(scored.line.file, "p1", "MLII", 360.0, 30.0, 0.0, noise=1.0)
    none = {name: getattr(scored, name)[:0] for name in ("seconds", "label", "sure", "abstain", "rejects")}
    page = page_of(replace(scored, line=line, **none), tmp_path)
    assert "could not be made" not in " ".join(page.text.values())
    assert "100.00" in page.text["unread"]
    assert "No beat was scored" in page.text["not-reached"]
    assert "The longest stretch without a beat: 30.0" in page.text["extremes"]
    assert {link[1:] for link in page.links if link.startswith("#")} <= {*page.anchors}
