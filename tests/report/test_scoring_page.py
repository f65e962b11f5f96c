import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from components.errors import UsageError
from components.report.pages import SCORING_SECTIONS, write_scoring_report
from components.report.scoring import jensen_shannon
from tests.report.made_run import HOSTILE
from tests.report.made_scoring import MODEL, REASON, ROWS, make_scoring
from tests.report.reading import Read, read


def page_of(directory: Path) -> Read:
    return read(Path(write_scoring_report(str(directory))))


@pytest.fixture(scope="module")
def page(scored: Path) -> Read:
    return page_of(scored)


def test_every_section_is_there_with_content_and_marked(page: Read) -> None:
    for name, title, _ in SCORING_SECTIONS:
        assert page.text[name].startswith(title), name
        assert len(page.text[name]) > len(title) + 80, page.text[name]
        assert "could not be made" not in page.text[name], page.text[name]
        assert "SYNTHETIC" in page.text[name]
    for image in page.images:
        assert len(image["alt"]) > 30


def test_the_first_screen_says_rows_and_end(page: Read) -> None:
    assert f"{2 * ROWS + 2} rows" in page.text[""]
    assert f"{2 * ROWS} scored, 2 rejected" in page.text[""]
    assert "Yes: done" in page.text[""]
    assert "agree with the inputs' own labels" in page.text[""]


def test_the_first_screen_warns_of_rows_unlike_those_of_training(scored: Path, page: Read, tmp_path: Path) -> None:
    assert "Different from training" not in page.text[""]
    drifted = Path(shutil.copytree(scored, tmp_path / "drifted"))
    summary = json.loads((drifted / "summary.json").read_text())
    summary["histogram"]["counts"].reverse()
    (drifted / "summary.json").write_text(json.dumps(summary))
    told = page_of(drifted).text[""]
    assert "Different from training" in told
    assert "The samples drifted: divergence" in told
    assert "share changed" not in told


def test_rejects_are_told_by_reason_and_their_text_stays_text(page: Read) -> None:
    assert f"{REASON}2" in page.text["rejects"], "its row of the table"
    assert HOSTILE in page.text["rejects"]
    assert "script" not in page.tags


def test_classes_and_samples_are_compared_with_training(page: Read) -> None:
    assert "share in training" in page.text["classes"]
    assert "Rows are the inputs' own labels" in page.text["classes"]
    assert "not more than the 0.1" in page.text["drift"]


def test_the_page_is_no_part_of_the_job(scored: Path, page: Read) -> None:
    assert sorted(each.name for each in scored.iterdir()) == [
        "_SUCCESS", "job.json", "parts", "rejects", "report", "shards", "summary.json",
    ]  # fmt: skip


def test_rows_without_labels_and_as_csv_and_of_a_real_model(tmp_path: Path) -> None:
    page = page_of(make_scoring(tmp_path, synthetic=False, labelled=False, form="csv"))
    assert "Not all inputs have labels" in page.text["classes"]
    assert f"{2 * ROWS} scored rows" in page.text["scores"]
    assert "nothing was rejected" in page.text["rejects"]
    assert not [name for name, text in page.text.items() if "SYNTHETIC" in text]


def test_an_unfinished_job_tells_how_far_it_is(scored: Path, tmp_path: Path) -> None:
    broken = Path(shutil.copytree(scored, tmp_path / "broken"))
    for name in ("summary.json", "_SUCCESS"):
        (broken / name).unlink()
    next(iter(sorted((broken / "shards").iterdir()))).unlink()
    page = page_of(broken)
    assert "Not finished" in page.text[""]
    assert "1 of 2 shards are done" in page.text[""]
    assert "SYNTHETIC" in page.text[""], "what the model was made from is known before the end"
    assert "not yet" in page.text["outcome"]
    assert "not done" in page.text["shards"]
    assert "not more than the 0.1" in page.text["drift"], "the model's place is known from the beginning"


def test_the_model_is_named_with_its_version_and_place(scored: Path, page: Read) -> None:
    assert f"Model {MODEL[:12]}, version 1700000000." in page.text[""]
    assert f"model's location{scored.parent}/1700000000" in page.text["origin"]


def test_a_model_without_sidecars_costs_only_the_comparison(scored: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(scored, tmp_path / "moved"))
    told = (moved / "summary.json").read_text().replace(str(scored.parent / "1700000000"), str(tmp_path / "gone"))
    (moved / "summary.json").write_text(told)
    page = page_of(moved)
    for name in ("classes", "drift"):
        assert "could not be made" in page.text[name]
        assert "beside it" in page.text[name]
    assert "could not be made" not in page.text["scores"]


def test_what_is_no_scoring_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"job\.json"):
        write_scoring_report(str(tmp_path))


def test_divergence_is_nought_for_the_same_and_one_for_nothing_in_common() -> None:
    assert jensen_shannon([3, 4, 0], [6, 8, 0]) == 0
    assert jensen_shannon([3, 0, 0], [0, 1, 9]) == pytest.approx(1)
    some, other = np.random.default_rng(0).integers(1, 9, (2, 8)).tolist()
    assert 0 < jensen_shannon(some, other) < 1
    assert jensen_shannon(some, other) == pytest.approx(jensen_shannon(other, some))


@pytest.mark.slow
def test_a_process_that_cannot_read_scored_rows_and_ends_at_once_has_its_own_exit_code(tmp_path: Path) -> None:
    """Arrow's reading threads are then still at work; on Python's memory they aborted half of such processes."""
    rows = tmp_path / "rows.csv"
    rows.write_text("p_N,p_S,p_V,p_F,p_Q\n1,2\n" + ".5,.1,.1,.1,.2\n" * 300_000)
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from components.errors import HeartbeatError\n"
        "from components.report.scoring import PROBABILITIES, read_rows\n"
        "try:\n    read_rows(Path(sys.argv[1]).read_bytes(), sys.argv[1], PROBABILITIES)\n"
        "except HeartbeatError:\n    sys.exit(3)\n"
    )
    for _ in range(12):
        done = subprocess.run([sys.executable, "-c", code, str(rows)], capture_output=True, check=False)
        assert done.returncode == 3, done.stderr.decode()
