import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from components.beat import CLASS_NAMES
from components.errors import EnvironmentRefused, HeartbeatError, UsageError
from components.report import pages
from components.report.pages import RUN_SECTIONS, write_run_report
from components.verdict import SAME_PATIENTS_MARK, SYNTHETIC, Verdict
from tests.report.made_run import EVIL_FILE, HOSTILE, ended, make_run
from tests.report.reading import Read, read

MEGABYTE = 1_000_000

CHANGED = Verdict("caveat", "changed", "The evaluation was changed: draws is (1,), its default is another.")


def no(sentence: str) -> Verdict:
    return Verdict("refusal", "any", sentence)


Only = Callable[..., None]


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Only:
    """Makes pages have a few sections alone, for tests that need no more."""

    def choose(*names: str) -> None:
        monkeypatch.setattr(pages, "RUN_SECTIONS", [section for section in RUN_SECTIONS if section[0] in names])

    return choose


@pytest.fixture(scope="module")
def page(report: Path) -> Read:
    return read(report)


def test_every_section_is_there_with_content(page: Read) -> None:
    for name, title, _ in RUN_SECTIONS:
        assert page.text[name].startswith(title), name
        assert len(page.text[name]) > len(title) + 80, page.text[name]
        assert "could not be made" not in page.text[name], page.text[name]
    assert "not-reached" not in page.text


def test_the_first_screen_answers_the_four_questions(page: Read) -> None:
    cards = page.text[""]
    for answer in ("2026-01-02 03:04 UTC", "400 train, 60 eval, 300 test; 1 rejected", "Yes: done", "1767323045"):
        assert answer in cards
    assert "Macro-F1" in cards
    assert "What to look at next" in cards


def test_the_figures_are_those_of_the_summary_beside_the_studys(page: Read, finished: Path) -> None:
    metrics = json.loads((finished / "summary.json").read_text())["metrics"]
    results = page.text["results"].replace("\N{NO-BREAK SPACE}", " ")
    for m in (*metrics["trainer"].values(), *metrics["frozen"].values(), metrics["clean"], metrics["noisy"]):
        assert f"{100 * m['accuracy']:.2f} %" in results
        assert f"{m['macro_f1']:.3f}" in results
    for study in ("96.67 %", "0.134", "76.30 %", "1.320", "97.45 %", "88.93 %", "93.85 %", "0.883", "223,429"):
        assert study in results, study


def test_the_page_says_what_the_temperature_did_and_when_the_model_abstains(page: Read, finished: Path) -> None:
    [judgement] = json.loads((finished / "artifacts.json").read_text())["Judge"]["judgement"]
    told = json.loads(Path(judgement, "judgement.json").read_text())["certainty"]
    assert f"it would be {told['clean']['before']['ece']:.4f}" in page.text["calibration"]
    assert "abstains where its largest probability is below 0.250" in page.text["coverage"]
    assert f"{told['noisy']['shifted_mean_recall']:.3f}" in page.text["coverage"]


def test_the_page_says_that_the_last_epochs_had_no_validation(page: Read) -> None:
    assert "came 3 epochs on all beats, validation included" in " ".join(page.text.values())


def test_synthetic_is_marked_in_every_section_and_only_then(page: Read, tmp_path: Path, only: Only) -> None:
    for name, _, _ in RUN_SECTIONS:
        assert "SYNTHETIC" in page.text[name], name
    only("outcome", "results", "calibration", "training", "data", "statistics", "files", "about")
    real = read(write_run_report(make_run(tmp_path, "kaggle", synthetic=False)))
    assert not [name for name, text in real.text.items() if "SYNTHETIC" in text]
    assert [name for name, text in real.text.items() if SAME_PATIENTS_MARK not in text] == []
    assert "beats of one patient" not in " ".join(page.text.values())


def test_headings_pictures_links_and_size_are_fit_to_read(page: Read, report: Path) -> None:
    levels = [level for level, _ in page.headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))
    assert len(page.images) > 25
    for image in page.images:
        assert len(image["alt"]) > 30
        assert image["src"].startswith("data:image/")
    assert len(page.anchors) == len(set(page.anchors))
    assert {link[1:] for link in page.links} <= set(page.anchors)
    assert report.stat().st_size < 5 * MEGABYTE


def test_text_from_files_stays_text(page: Read) -> None:
    assert "script" not in page.tags
    assert HOSTILE in page.text["files"]
    assert EVIL_FILE in page.text["files"]


def test_what_is_to_be_typed_is_set_so_and_a_lone_backtick_stays(a_run: Callable[[], Path], only: Only) -> None:
    only("outcome")
    run = a_run()
    ended(run, "data_refused", 3, "IngestGate", [no("Allow it with `--set a=<1>`."), no("Row 3: 'x`<i>y'.")])
    text = write_run_report(run).read_text()
    assert "Allow it with <code>--set a=&lt;1&gt;</code>." in text
    assert "Row 3: &#39;x`&lt;i&gt;y&#39;." in text


def test_the_versions_are_those_of_the_run_not_of_the_page(page: Read, a_run: Callable[[], Path], only: Only) -> None:
    assert "tfx9.8.7" in page.text["origin"]
    only("origin")
    run = a_run()
    summary = json.loads((run / "summary.json").read_text())
    summary["stages"][0]["state"] = "cached"
    (run / "summary.json").write_text(json.dumps(summary))
    assert "perhaps with other versions" in read(write_run_report(run)).text["origin"]
    summary.pop("versions")
    (run / "summary.json").write_text(json.dumps(summary))
    assert "did not record its versions" in read(write_run_report(run)).text["origin"]


@pytest.mark.parametrize(
    ("split", "said"), [("kaggle", ""), ("patient", "are new to its models"), ("unknown", "other beats")]
)
def test_the_comparison_says_when_it_is_not_of_the_same_beats(
    tmp_path: Path, only: Only, split: str, said: str
) -> None:
    only("results")
    text = read(write_run_report(make_run(tmp_path, split, synthetic=False))).text["results"]
    assert said in text
    assert ("do not say which network is better" in text) == bool(said)


def test_balanced_tables_are_marked_where_the_policy_is_not_used(
    page: Read, a_run: Callable[[], Path], only: Only
) -> None:
    only("data")
    assert "NOT USED in this run" in page.text["data"]
    run = a_run()
    settings = json.loads((run / "settings.json").read_text())
    settings["train"]["policy"] = "balanced:50"
    (run / "settings.json").write_text(json.dumps(settings))
    used = read(write_run_report(run)).text["data"]
    assert "NOT USED" not in used
    assert "The policy of this run is balanced:50" in used


def test_the_normalised_table_has_transforms_numbers(page: Read) -> None:
    assert "(sample − 0.2500) / 0.5000" in page.text["data"]


def test_the_same_run_gives_the_same_bytes(a_run: Callable[[], Path], only: Only) -> None:
    only("classes", "data", "stages")
    run = a_run()
    assert write_run_report(run).read_bytes() == write_run_report(run).read_bytes()


def test_refused_data_says_why_first_and_what_was_not_reached(a_run: Callable[[], Path], only: Only) -> None:
    only("outcome", "results", "data", "files", "stages")
    run = a_run()
    ended(run, "data_refused", 3, "IngestGate", [no("1 row is rejected, 0 are allowed.")])
    page = read(write_run_report(run))
    assert "No: data refused" in page.text[""]
    assert "1 row is rejected, 0 are allowed." in page.text[""]
    assert list(page.text)[1:3] == ["outcome", "files"]
    assert {"data", "stages"} <= set(page.text)
    assert "results" not in page.text
    assert "How good the models are" in page.text["not-reached"]
    assert "the run ended before Transform" in page.text["data"]


def test_a_refused_model_says_why_and_has_its_figures(a_run: Callable[[], Path], only: Only) -> None:
    only("outcome", "results", "attention")
    run = a_run()
    sentence = "Refused: recall of F 0.61, required 0.70."
    ended(run, "model_refused", 4, "ModelGate", [SYNTHETIC, CHANGED, no(sentence)])
    page = read(write_run_report(run))
    assert "No: model refused" in page.text[""]
    assert "1 refused" in page.text[""]
    assert "What the gate requires" in page.text[""]
    assert sentence in page.text[""]
    assert CHANGED.sentence not in page.text[""], "a caveat is no reason"
    assert sentence in page.text["outcome"]
    assert CHANGED.sentence in page.text["outcome"]
    assert "required" in page.text["outcome"]
    assert {"results", "attention"} <= set(page.text)
    assert "not-reached" not in page.text


@pytest.mark.parametrize(("status", "code"), [("failed", 1), ("interrupted", 130), ("data_refused", 3)])
def test_a_run_that_left_nothing_has_a_page(a_run: Callable[[], Path], status: str, code: int) -> None:
    run = a_run()
    ended(run, status, code, "ExampleGen", [no("It went wrong.")])
    (run / "artifacts.json").unlink()
    summary = json.loads((run / "summary.json").read_text())
    summary["data"] = {"synthetic": False, "split": None, "rows": None}
    (run / "summary.json").write_text(json.dumps(summary))
    page = read(write_run_report(run))
    assert "It went wrong." in page.text["outcome"]
    assert {"failed": "FAILED", "interrupted": "INTERRUPTED"}.get(status, "REFUSED") in page.text["stages"]
    assert ("last line" in page.text["outcome"]) == (status == "failed")
    assert {"stages", "origin", "not-reached"} <= set(page.text)


def test_a_run_of_the_data_stages_alone_is_done_without_a_model(a_run: Callable[[], Path], only: Only) -> None:
    only("outcome", "results", "stages")
    run = a_run()
    ended(run, "done", 0, "Transform", [])
    page = read(write_run_report(run))
    assert "Yes: done" in page.text[""]
    assert "No model was judged" in page.text[""]
    assert "No model was judged" in page.text["outcome"]
    assert "passed its gate" not in " ".join(page.text.values())


def test_a_section_that_cannot_be_made_says_so_and_the_others_are_there(
    a_run: Callable[[], Path], only: Only, tmp_path: Path
) -> None:
    only("results", "tuning")
    run = a_run()
    artifacts = json.loads((run / "artifacts.json").read_text())
    artifacts["Tuner"]["tuner_results"] = [str(tmp_path / "gone")]
    (run / "artifacts.json").write_text(json.dumps(artifacts))
    page = read(write_run_report(run))
    assert "This section could not be made. FileNotFoundError" in page.text["tuning"]
    assert "could not be made" not in page.text["results"]


def test_what_is_no_run_and_what_cannot_be_written_are_refused_in_words(
    a_run: Callable[[], Path], tmp_path: Path, only: Only
) -> None:
    only("outcome")
    with pytest.raises(UsageError, match=r"summary\.json"):
        write_run_report(tmp_path / "nothing")
    run = a_run()
    (run / "report").write_text("a file in the way")
    with pytest.raises(EnvironmentRefused, match=r"Cannot write .*index\.html: .*Then run `heartbeat report`"):
        write_run_report(run)
    (run / "report").unlink()
    (run / "summary.json").write_text(json.dumps(dict.fromkeys(("data", "run", "stages", "status", "verdict"), 1)))
    with pytest.raises(HeartbeatError, match="could not be made"):
        write_run_report(run)


def test_class_names_have_the_order_of_their_classes(page: Read) -> None:
    """The study's matrices carry them in another."""
    at = [page.text["classes"].index(name) for name in CLASS_NAMES]
    assert at == sorted(at)
