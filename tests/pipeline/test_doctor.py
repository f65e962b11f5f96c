import fcntl
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline import doctor
from pipeline.cli import heartbeat, main
from pipeline.doctor import check_lock
from tests.pipeline.kubeflow.fake_server import FakeServer, serving
from tests.s3_server import S3Server, s3_server

TOP = Path(__file__).parents[2]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    monkeypatch.delenv("KFP_TOKEN", raising=False)
    with serving() as fake:
        yield fake


@pytest.fixture(scope="module")
def store() -> Iterator[S3Server]:
    with s3_server() as running:
        running.client().create_bucket(Bucket="mlpipeline")
        yield running


@pytest.fixture
def examined(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run the command and return its exit code and its checks: name -> (state, said)."""

    def run(*words: str) -> tuple[int, dict[str, tuple[str, str]]]:
        code = main(heartbeat, ["doctor", "--root", str(tmp_path / "root"), "--json", *words])
        told = json.loads(capsys.readouterr().out)
        assert told["exit_code"] == code
        return code, {check["name"]: (check["state"], check["said"]) for check in told["checks"]}

    return run


def test_a_machine_that_is_set_up_is_well(examined: Any) -> None:
    code, checks = examined()
    assert code == 0
    assert checks.keys() == {"Python", "lock", "disk", "root", "data", "runner"}
    assert {state for state, _ in checks.values()} == {"ok"}


def test_it_imports_nothing_large_and_makes_nothing(tmp_path: Path) -> None:
    code = (
        "import sys; from pipeline.cli import heartbeat, main\n"
        f"assert main(heartbeat, ['doctor', '--root', {str(tmp_path / 'root')!r}]) == 0\n"
        "print(sorted({'tfx', 'tensorflow', 'apache_beam', 'kfp'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=TOP, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert not list(tmp_path.iterdir())


def test_packages_that_are_not_as_locked_are_named(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text(
        "# comment\nclick==0.1 \\\n    --hash=sha256:00\n    # via x==1\nno-such-package==1\n"
        'pywin32==1 ; sys_platform == "win32"\n'
    )
    check = check_lock(lock)
    assert check.state == "failed"
    assert check.said.startswith("click is ")
    assert "locked is 0.1; no-such-package 1 is not installed." in check.said
    assert "pywin32" not in check.said
    assert check_lock(tmp_path / "none").state == "not looked at"


def test_too_little_room(examined: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "ROOM", 10**18)
    code, checks = examined()
    assert code == 6
    assert checks["disk"][0] == "failed"
    assert "Make room" in checks["disk"][1]


def test_a_root_in_which_a_run_is(examined: Any, tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    with (tmp_path / "root" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        code, checks = examined()
    assert (code, checks["root"][0]) == (6, "failed")
    assert "a run is in it" in checks["root"][1]
    assert examined()[0] == 0


def test_data_that_is_not_there(examined: Any, tmp_path: Path) -> None:
    code, checks = examined("--data", str(tmp_path))
    assert (code, checks["data"][0]) == (6, "failed")
    assert "has no mitbih_train.csv and no mitbih_test.csv" in checks["data"][1]


def test_a_runner_whose_endpoint_does_not_answer(examined: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        endpoint = f"127.0.0.1:{listening.getsockname()[1]}"
        _, checks = examined("--", "--runner=PortableRunner", f"--job_endpoint={endpoint}")
        assert checks["runner"] == ("ok", f"PortableRunner: {endpoint} answers")
    code, checks = examined("--", "--runner=FlinkRunner", f"--flink_master={endpoint}")
    assert (code, checks["runner"][0]) == (6, "failed")
    assert "does not answer (Connection refused)" in checks["runner"][1]
    code, checks = examined("--", "--environment_type=EXTERNAL")
    assert (code, checks["runner"][0]) == (6, "failed")
    assert "local runner ignores --environment_type" in checks["runner"][1]


def test_all_that_a_submit_needs(examined: Any, server: FakeServer, store: S3Server, monkeypatch: Any) -> None:
    for name, value in store.environ.items():
        monkeypatch.setenv(name, value)
    root = ("--pipeline-root", "minio://mlpipeline/v2", "--image", "registry.example:5000/ecg/heartbeat:1.2.3")
    code, checks = examined(*root, "--host", server.url, "--namespace", "ecg")
    assert code == 0, checks
    assert list(checks)[6:] == ["serving's bucket", "root's bucket", "host", "namespace", "image"]
    assert checks["root's bucket"][1] == "s3://mlpipeline/v2: can be listed"


def test_a_bucket_that_is_not_there(examined: Any, store: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in store.environ.items():
        monkeypatch.setenv(name, value)
    code, checks = examined("--serving", "s3://nobodys/serving")
    assert (code, checks["serving's bucket"][0]) == (6, "failed")
    assert "There is no bucket nobodys" in checks["serving's bucket"][1]


@pytest.mark.parametrize(
    ("multi_user", "namespace", "words"),
    [
        (True, (), "name yours with --namespace"),
        (False, ("--namespace", "ecg"), "has one user: leave --namespace ecg out"),
    ],
)
def test_a_namespace_where_none_belongs_and_none_where_one_does(
    multi_user: bool, namespace: tuple[str, ...], words: str, examined: Any, server: FakeServer
) -> None:
    server.multi_user = multi_user
    code, checks = examined("--host", server.url, *namespace)
    assert (code, checks["namespace"][0]) == (6, "failed")
    assert words in checks["namespace"][1]


def test_a_namespace_of_someone_else(examined: Any, server: FakeServer) -> None:
    server.closed = True
    code, checks = examined("--host", server.url, "--namespace", "theirs")
    assert (code, checks["host"][0]) == (6, "ok")
    assert "does not let us into namespace theirs (not yours)" in checks["namespace"][1]


def test_a_refused_token_and_a_host_that_is_gone(examined: Any, server: FakeServer) -> None:
    server.refusals["/healthz"] = (401, "expired")
    code, checks = examined("--host", server.url, "--namespace", "ecg")
    assert (code, "namespace" in checks) == (6, False)
    assert "refuses the token" in checks["host"][1]
    with serving() as gone:
        pass
    assert "does not answer (Connection refused). Check --host" in examined("--host", gone.url)[1]["host"][1]


@pytest.mark.parametrize("image", ["heartbeat:1", "a.b/c/d@sha256:" + "0" * 64, "localhost:5000/x-y_z:v1.2-3"])
def test_an_image_that_names_a_version(image: str, examined: Any) -> None:
    assert examined("--image", image)[1]["image"][0] == "ok"


@pytest.mark.parametrize("image", ["heartbeat", "heartbeat:latest", "Heartbeat:1", "a b:1", "heart/beat:"])
def test_an_image_that_names_none(image: str, examined: Any) -> None:
    code, checks = examined("--image", image)
    assert (code, checks["image"][0]) == (6, "failed")


def test_flags_that_do_not_go_together(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(heartbeat, ["doctor", "--namespace", "ecg"]) == 2
    assert main(heartbeat, ["doctor", "--pipeline-root", "/tmp/root"]) == 2
    assert "object store" in capsys.readouterr().err


def test_the_table_is_for_people(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(heartbeat, ["doctor", "--root", str(tmp_path), "--image", "heartbeat"]) == 6
    out = capsys.readouterr().out
    assert "│ image  │ FAILED │ heartbeat names no version." in out
