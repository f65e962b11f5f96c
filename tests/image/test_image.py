"""The image as `make test-image` builds it: what is in it, what is not, and the demo run in it without any rights."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from components.score.columns import prediction_schema
from pipeline.kubeflow.spec import Target, compile_spec
from pipeline.settings import settings_from
from schema import SCHEMA_FILE, curated_schema_text
from tests.image.conftest import LABELS
from tests.image.index import PLANTED

pytestmark = pytest.mark.image

PAGE = Path(__file__).parents[2] / "docs" / "image.md"
BUILDERS = ("as", "c++", "cc", "cmake", "cpp", "g++", "gcc", "git", "ld", "make", "uv")
POD = ("HOME=/",)
"""What Kubernetes sets for a user that the image does not know."""

UNCHECKED_HASH = 1
"""Flags in the second word of byte code that is taken as it is, whatever the source's time."""


def run(built, *command, **more):
    done = built.sandbox.run(*command, environ=POD, **more)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_labels_user_and_command(built):
    config = built.oci["config"]
    assert config["User"] == "1000:1000"
    assert config["Cmd"] == ["heartbeat", "--help"]
    prefix = "org.opencontainers.image"
    assert {f"{prefix}.{name.lower()}": value for name, value in LABELS.items()}.items() <= config["Labels"].items()
    assert config["Labels"][f"{prefix}.licenses"] == "Apache-2.0"
    assert config["Labels"][f"{prefix}.base.name"].endswith("python:3.13-slim-trixie")


def test_nothing_that_builds_is_left(built):
    for folder in ("opt/heartbeat/bin", "usr/local/bin", "usr/bin", "bin"):
        assert not [name for name in BUILDERS if (built.root / folder / name).exists()], folder
    assert not (built.root / "build").exists()
    assert not (built.root / "opt/setup").exists()


def test_no_secret_is_left(built):
    assert PLANTED not in json.dumps(built.oci)
    found = subprocess.run(["grep", "-rlF", PLANTED, built.root], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (1, "")
    assert not [path for path in (built.root / "run").rglob("*") if path.is_file()]


def test_everything_is_byte_compiled_for_good(built):
    missing, checked = [], []
    for source in (built.root / "opt/heartbeat/lib").rglob("*.py"):
        compiled = source.parent / "__pycache__" / f"{source.stem}.cpython-313.pyc"
        if not compiled.exists():
            missing.append(source)
        elif int.from_bytes(compiled.read_bytes()[4:8], "little") != UNCHECKED_HASH:
            checked.append(compiled)
    assert (missing, checked) == ([], [])


def test_heartbeat_is_installed_and_not_linked(built):
    [packages] = (built.root / "opt/heartbeat/lib").glob("python*/site-packages")
    assert (packages / "pipeline/kubeflow/entrypoint.py").is_file()
    assert (packages / "schema" / SCHEMA_FILE).is_file()
    assert not list(packages.glob("__editable__*"))


def megabytes(folder):
    told = subprocess.run(["du", "-sx", "--block-size=1000000", folder], capture_output=True, text=True, check=True)
    return int(told.stdout.split()[0])


def test_its_size_is_what_the_page_says(built):
    [stated] = re.findall(r"environment in `/opt/heartbeat`: ([\d,]+) MB", PAGE.read_text())
    assert megabytes(built.root / "opt/heartbeat") == pytest.approx(int(stated.replace(",", "")), rel=0.05)


def test_the_root_cannot_be_written_and_the_process_has_no_rights(built):
    refused = built.sandbox.run("touch", "/opt/heartbeat/written")
    assert refused.returncode != 0
    assert "Read-only file system" in refused.stderr
    told = run(built, "cat", "/proc/self/status")
    status = dict(line.split(":\t", 1) for line in told.splitlines() if ":\t" in line)
    assert status["Uid"].split() == ["54321"] * 4
    assert {status[name] for name in ("CapPrm", "CapEff", "CapBnd")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1"


def test_by_itself_it_says_what_it_can(built):
    assert "Score recordings" in run(built)


def test_the_demo_runs_and_its_model_scores_and_reports(built):
    told = json.loads(run(built, "python", "local_runner.py", "--root", "/tmp/output", "--json"))
    assert told["status"] == "done"
    assert {stage["state"] for stage in told["stages"]} == {"ran"}
    assert Path(told["model"]["pushed"]).parent == Path("/tmp/output/serving")
    [beats] = {path.name: path for path in built.sandbox.scratch.rglob("mitbih_test.csv")}.values()
    source = f"/tmp/{beats.relative_to(built.sandbox.scratch)}"
    scored = json.loads(
        run(
            built,
            *("heartbeat", "score", "--input", source, "--output", "/tmp/scored", "--json"),
            *("--serving", "/tmp/output/serving", "--workers", "2"),
        )
    )
    assert scored["rows"]["scored"] == told["data"]["rows"]["test"]
    import pyarrow.parquet as pq

    [part] = (built.sandbox.scratch / "scored/parts").glob("*.parquet")
    assert pq.read_schema(part).equals(prediction_schema(), check_metadata=False)
    run(built, "heartbeat", "report", "/tmp/scored")


def test_a_step_starts_through_the_entry_point(built):
    spec = compile_spec(
        settings_from("demo"),
        Target(image="heartbeat", data="/tmp/data", pipeline_root="minio://root/heartbeat", serving="/tmp/serving"),
    )
    [compiled] = [
        executor["container"]
        for label, executor in spec["deploymentSpec"]["executors"].items()
        if label.startswith("CuratedSchema")
    ]
    given = dict(zip(compiled["args"], compiled["args"][1:], strict=False))
    schema = {"name": "schema", "uri": "/tmp/step/schema", "type": {"instanceSchema": "title: tfx.Schema\n"}}
    sent = {
        "inputs": {"parameterValues": {"context": 0, "digest": "d"}},
        "outputs": {"artifacts": {"schema": {"artifacts": [schema]}}, "outputFile": "/tmp/step/out.json"},
    }
    arguments = ("--executor_class_path", "--json_serialized_inputs_spec_args")
    run(
        built,
        *compiled["command"],
        *(word for name in arguments for word in (name, given[name])),
        *("--json_serialized_invocation_args", json.dumps(sent)),
    )
    assert (built.sandbox.scratch / "step/schema" / SCHEMA_FILE).read_text() == curated_schema_text()


def test_beam_workers_of_the_image_score(built):
    job = built.sandbox.scratch / "job.py"
    job.write_text((Path(__file__).parent / "beam_job.py").read_text())
    told = run(built, "python", "/tmp/job.py")
    assert told.splitlines()[-1] == "sum of squares below 1000: 332833500, by another process"
