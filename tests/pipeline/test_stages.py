import json
import subprocess
import sys
from pathlib import Path

import pytest
from tfx.orchestration.pipeline import Pipeline

from components.errors import UsageError
from pipeline.graph import GraphInputs
from pipeline.profiles import PROFILES
from pipeline.settings import settings_from
from pipeline.stages import STAGES, build_nodes


def nodes_of(profile: str, *overrides: str) -> dict:  # type: ignore[type-arg]
    settings = settings_from(profile, overrides)
    nodes = build_nodes(GraphInputs(settings, "data", "f", "serving"))
    Pipeline(pipeline_name="test", pipeline_root="root", components=list(nodes))  # links nodes that share artifacts
    return {node.id: node for node in nodes}


def test_every_stage_of_a_profile_is_in_the_table() -> None:
    assert {stage for profile in PROFILES.values() for stage in profile["stages"]} <= STAGES.keys()


def test_the_table_agrees_with_the_nodes(tmp_path: Path) -> None:
    """Names, our artifact types, and that each result file is in an output of a stage that ran by then."""
    (tmp_path / "beats.csv").write_text("0\n")
    nodes = nodes_of("full", f"stages={json.dumps(list(STAGES))}", f"score.input={tmp_path}/beats.csv")
    assert list(nodes) == list(STAGES)
    known = set()
    for name, node in nodes.items():
        known |= {f"{name}.{key}" for key in node.outputs}
        types = {channel.type for channel in node.outputs.values()}
        ours = {f"{each.__module__}.{each.__qualname__}" for each in types if each.TYPE_NAME.startswith("heartbeat.")}
        assert set(STAGES[name].artifacts) == ours
        assert bool(STAGES[name].result) == bool(STAGES[name].summarise)
        assert not STAGES[name].result or STAGES[name].result.partition("/")[0] in known


def test_a_gate_is_decided_anew_in_every_run() -> None:
    gates = {name: stage for name, stage in STAGES.items() if stage.refuses}
    codes = {name: gate.refuses.exit_code for name, gate in gates.items() if gate.refuses}
    assert codes.items() >= {"IngestGate": 3, "DataGate": 3, "ModelGate": 4}.items()
    assert not any(gate.cached or gate.retried for gate in gates.values())


@pytest.mark.parametrize("module", ["pipeline.stages", "pipeline.settings"])
def test_to_know_the_stages_takes_no_tfx(module: str) -> None:
    program = (
        f"import sys, {module}; print([name for name in ('tfx', 'tensorflow', 'apache_beam') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_builds_its_stages_in_order(profile: str) -> None:
    assert tuple(nodes_of(profile)) == PROFILES[profile]["stages"]


def test_gates_stand_before_what_they_guard() -> None:
    nodes = nodes_of("full")
    upstream = {name: {node.id for node in node.upstream_nodes} for name, node in nodes.items()}
    assert "IngestGate" in upstream["StatisticsGen"]
    assert {"ExampleValidator", "SchemaGen"} <= upstream["DataGate"]
    assert "DataGate" in upstream["Transform"]
    assert "ModelGate" in upstream["Pusher"]


def test_the_study_has_no_tuner_and_its_trainers_take_no_tuned_values() -> None:
    nodes = nodes_of("study")
    assert "Tuner" not in nodes
    assert "hyperparameters" not in nodes["Trainer"].inputs
    assert "hyperparameters" in nodes_of("full")["FineTuner"].inputs


@pytest.mark.parametrize(
    ("stages", "match"),
    [
        (["ExampleGen", "Cook"], "no stage 'Cook'"),
        (["IngestGate", "ExampleGen"], "IngestGate needs stage ExampleGen before it"),
        (["ExampleGen", "ExampleGen"], "listed twice"),
    ],
)
def test_a_list_of_stages_that_cannot_be_is_refused(stages: list[str], match: str) -> None:
    with pytest.raises(UsageError, match=match):
        nodes_of("demo", f"stages={json.dumps(stages)}")


@pytest.mark.parametrize("gate", ["IngestGate", "DataGate", "ModelGate"])
def test_nothing_is_pushed_past_a_gate_that_is_left_out(gate: str) -> None:
    stages = [stage for stage in PROFILES["demo"]["stages"] if stage != gate]
    with pytest.raises(UsageError, match=f"Pusher needs stage {gate}"):
        nodes_of("demo", f"stages={json.dumps(stages)}")


def test_a_run_can_score_after_it_pushed(tmp_path: Path) -> None:
    (tmp_path / "beats.csv").write_text("0\n")
    stages = json.dumps([*PROFILES["demo"]["stages"], "BatchScorer"])
    nodes = nodes_of("demo", f"stages={stages}", f"score.input={tmp_path}/beats.csv")
    assert {node.id for node in nodes["BatchScorer"].upstream_nodes} == {"Pusher"}
    with pytest.raises(UsageError, match=r"score\.input"):
        nodes_of("demo", f"stages={stages}")
    with pytest.raises(UsageError, match=r"score\.reject_budget = 'half'"):
        nodes_of("demo", f"stages={stages}", "score.reject_budget=half")
    on = ["score.on=flink://h:1", 'score.beam=["--runner=X"]']
    with pytest.raises(UsageError, match="leave --runner out"):
        nodes_of("demo", f"stages={stages}", f"score.input={tmp_path}/beats.csv", *on)
