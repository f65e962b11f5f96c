import pytest

from components.verdict import Verdict
from pipeline.kubeflow.notes import RunNotes, StepNote, Task, find_outputs, stage_results
from pipeline.kubeflow.uris import RunFolder, default_serving, run_folder_of

ROOT = "minio://b/v2"
HERE, BEFORE, FIRST = (RunFolder(ROOT, run) for run in ("now", "before", "first"))
TASKS = {
    "ExampleGen": Task((), True),
    "IngestGate": Task(("ExampleGen",), False),
    "StatisticsGen": Task(("ExampleGen", "IngestGate"), True),
    "SchemaGen": Task(("StatisticsGen",), True),
    "DataGate": Task(("StatisticsGen", "SchemaGen"), False),
    "Transform": Task(("ExampleGen", "DataGate"), True),
    "Pusher": Task(("Transform",), False),
}

NO = Verdict("refusal", "anomaly", "No.")


def uri(run: RunFolder, stage: str, key: str) -> str:
    return f"{ROOT}/heartbeat/{run.run}/{stage}/9a-salt/{key}"


def ran(run: RunFolder, stage: str, outputs: list[str], **inputs: str) -> StepNote:
    left = {key: [uri(run, stage, key)] for key in outputs}
    return StepNote(stage, "ran", inputs={key: [place] for key, place in inputs.items()}, outputs=left)


def states(notes: dict[str, StepNote]) -> dict[str, str]:
    return {stage: result.state for stage, result in stage_results(TASKS, notes).items()}


def test_what_noted_nothing_was_cached_if_a_later_stage_was_come_to() -> None:
    notes = {stage: StepNote(stage, "ran") for stage in ("IngestGate", "DataGate", "Pusher")}
    assert states(notes) == dict.fromkeys(TASKS, "cached") | dict.fromkeys(notes, "ran")


def test_what_stands_behind_a_failed_stage_was_not_come_to() -> None:
    notes = {"IngestGate": StepNote("IngestGate", "ran"), "DataGate": StepNote("DataGate", "failed", verdict=[NO])}
    assert states(notes) == {
        "ExampleGen": "cached",
        "IngestGate": "ran",
        "StatisticsGen": "cached",
        "SchemaGen": "cached",
        "DataGate": "failed",
        "Transform": "skipped",
        "Pusher": "skipped",
    }
    assert stage_results(TASKS, notes)["DataGate"].verdict == (NO,)


def test_a_step_that_never_ended_was_killed_and_one_that_never_began_could_not_be_started() -> None:
    told = stage_results(TASKS, {"ExampleGen": StepNote("ExampleGen", "begun")})
    assert told["ExampleGen"].state == "failed"
    assert [each.code for each in told["ExampleGen"].verdict] == ["killed"]
    assert told["IngestGate"].state == "skipped"
    told = stage_results(TASKS, {})
    assert (told["ExampleGen"].state, told["IngestGate"].state) == ("cached", "failed")
    assert [each.code for each in told["IngestGate"].verdict] == ["not_started"]


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> dict[RunFolder, dict[str, StepNote]]:
    """Runs whose notes can be read."""
    examples, statistics = uri(FIRST, "ExampleGen", "examples"), uri(BEFORE, "StatisticsGen", "statistics")
    held = {
        FIRST: {"ExampleGen": ran(FIRST, "ExampleGen", ["examples", "report"])},
        BEFORE: {
            "StatisticsGen": ran(BEFORE, "StatisticsGen", ["statistics"], examples=examples),
            "SchemaGen": ran(BEFORE, "SchemaGen", ["schema"], statistics=statistics),
        },
        HERE: {
            "IngestGate": ran(HERE, "IngestGate", [], report=uri(FIRST, "ExampleGen", "report")),
            "DataGate": ran(HERE, "DataGate", ["verdict"], statistics=statistics),
        },
    }
    monkeypatch.setattr("pipeline.kubeflow.notes.read_notes", lambda run: held.get(run, {}))
    return held


def outputs(store: dict[RunFolder, dict[str, StepNote]]) -> dict[str, dict[str, list[str]]]:
    return find_outputs(stage_results(TASKS, store[HERE]), RunNotes({HERE: store[HERE]}))


def test_what_cached_stages_left_is_found_through_who_read_it(store: dict[RunFolder, dict[str, StepNote]]) -> None:
    assert outputs(store) == {
        "ExampleGen": {key: [uri(FIRST, "ExampleGen", key)] for key in ("examples", "report")},
        "IngestGate": {},
        "StatisticsGen": {"statistics": [uri(BEFORE, "StatisticsGen", "statistics")]},
        "SchemaGen": {"schema": [uri(BEFORE, "SchemaGen", "schema")]},
        "DataGate": {"verdict": [uri(HERE, "DataGate", "verdict")]},
    }


def test_what_nobody_read_is_not_taken_from_a_run_that_read_something_else(
    store: dict[RunFolder, dict[str, StepNote]],
) -> None:
    other = uri(FIRST, "StatisticsGen", "statistics")
    store[BEFORE]["SchemaGen"] = ran(BEFORE, "SchemaGen", ["schema"], statistics=other)
    assert "SchemaGen" not in outputs(store)


def test_a_run_whose_notes_are_gone_leaves_what_was_read_of_it(store: dict[RunFolder, dict[str, StepNote]]) -> None:
    del store[FIRST], store[BEFORE]
    assert outputs(store) == {
        "ExampleGen": {"report": [uri(FIRST, "ExampleGen", "report")]},
        "IngestGate": {},
        "StatisticsGen": {"statistics": [uri(BEFORE, "StatisticsGen", "statistics")]},
        "DataGate": {"verdict": [uri(HERE, "DataGate", "verdict")]},
    }


@pytest.mark.parametrize(
    ("place", "root", "run"),
    [
        (
            "minio://mlpipeline/v2/artifacts/heartbeat/5f0c/Trainer/c36e/model",
            "minio://mlpipeline/v2/artifacts",
            "5f0c",
        ),
        ("s3://bucket/heartbeat/5f0c/Trainer/c36e/model", "s3://bucket", "5f0c"),
        ("gs://bucket/Trainer/nightly/heartbeat/5f0c/Trainer/model", "gs://bucket/Trainer/nightly", "5f0c"),
    ],
)
def test_a_run_is_known_from_where_a_stage_leaves_something(place: str, root: str, run: str) -> None:
    assert run_folder_of(place, "Trainer") == RunFolder(root, run)


@pytest.mark.parametrize(
    "place",
    [
        "gs://bucket/1234567/heartbeat-2026/Trainer_-85/model",
        "/data/heartbeat/5f0c/Trainer/model",
        "s3://bucket/Trainer/model",
        "s3://bucket/heartbeat/5f0c/Tuner/c36e/Trainer",
    ],
)
def test_other_places_are_no_runs(place: str) -> None:
    assert run_folder_of(place, "Trainer") is None


def test_a_folder_of_a_run_is_named_as_an_s3_client_names_it() -> None:
    assert RunFolder("minio://mlpipeline/v2", "5f0c").uri == "s3://mlpipeline/v2/runs/5f0c"
    assert default_serving("minio://mlpipeline/v2?region=eu") == "s3://mlpipeline/v2/serving"
