"""Start a compiled pipeline on Kubeflow Pipelines, and wait for its end."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from components.errors import EnvironmentRefused, HeartbeatError
from components.ingest.locate import find_inputs
from components.io.storage import fingerprint, is_remote
from pipeline.doctor import TOKEN, reason_of
from pipeline.kubeflow.stages import TASKS

CONNECT_SECONDS: Final = 10.0
"""Longest that the server may take to answer at all."""

POLL_SECONDS: Final = 5.0
"""Between two looks at a run; a stage takes ten seconds at least."""

LOOKS: Final = 6
"""Looks in a row that may fail: a forwarded port is lost now and then."""

PENDING_SECONDS: Final = 900.0
"""Longest that a pod may wait for its image and its node: more than an autoscaler needs for a new node."""

IMAGE_TROUBLE: Final = re.compile(r"ImagePullBackOff|ErrImagePull|InvalidImageName|manifest unknown", re.IGNORECASE)
"""What Kubernetes says of an image that it cannot get."""

Tell = Callable[[str], None]


def data_fingerprint(data: str) -> str | None:
    """List the CSVs and return the fingerprint of their names, sizes and times: the cache key of what they hold.

    Returns:
        None for a folder that only the pods have.

    Raises:
        UsageError: no file system has the URI's scheme.
        DataRefused: a file is missing.
        EnvironmentRefused: the bucket cannot be listed.
    """
    if not is_remote(data) and not os.path.isdir(data):
        return None
    return fingerprint(find_inputs(data).files)


@dataclass(frozen=True)
class Server:
    """Kubeflow Pipelines' API.

    Attributes:
        host: its URL.
        namespace: of the runs, or None where Kubeflow has one user.
        experiment: that runs belong to.
    """

    host: str
    namespace: str | None
    experiment: str

    def check(self) -> None:
        """Connect to the host, which the client would try to for minutes.

        Raises:
            EnvironmentRefused: it does not answer.
        """
        import requests

        try:
            requests.head(self.host, timeout=CONNECT_SECONDS, allow_redirects=False)
        except requests.RequestException as error:
            raise self._silent(error) from error

    def start(self, package: Path, image: str) -> Run:
        """Start a run of a compiled pipeline.

        Raises:
            EnvironmentRefused: the host does not answer, or refuses the token, the namespace or the pipeline.
        """
        with self.refusals(), contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import kfp

            client = kfp.Client(
                host=self.host, namespace=self.namespace or "kubeflow", existing_token=os.environ.get(TOKEN)
            )
            started = client.create_run_from_pipeline_package(
                str(package), experiment_name=self.experiment, namespace=self.namespace
            )
        return Run(self, client, started.run_id, image)

    @contextlib.contextmanager
    def refusals(self) -> Iterator[None]:
        """Put what the client raises into a sentence."""
        import kfp_server_api
        import urllib3

        try:
            yield
        except urllib3.exceptions.HTTPError as error:
            raise self._silent(error) from error
        except kfp_server_api.ApiException as error:
            raise EnvironmentRefused(self._in_words(error.status, _message(error))) from error

    def _silent(self, error: BaseException) -> EnvironmentRefused:
        return EnvironmentRefused(
            f"{self.host} does not answer ({reason_of(error)}). Check --host, and that its port is forwarded."
        )

    def _in_words(self, status: int, message: str) -> str:
        if status == 401:
            return f"{self.host} refuses the token ({message}). Put a valid one into {TOKEN}."
        if status == 403:
            return (
                f"{self.host} does not let us into namespace {self.namespace or '(none given)'} ({message}). "
                "Check --namespace and the rights of the token."
            )
        return f"{self.host} refuses the run with status {status}: {message}. Check --host, --namespace and its log."


@dataclass(frozen=True)
class Run:
    """A run that was started.

    Attributes:
        server: where it runs.
        client: the kfp client.
        run_id: its id there.
        image: what its steps run in.
    """

    server: Server
    client: Any
    run_id: str
    image: str

    @property
    def url(self) -> str:
        """Its page."""
        return f"{self.server.host.rstrip('/')}/#/runs/details/{self.run_id}"

    def wait(self, tell: Tell) -> None:
        """Wait for the run's end, telling of every stage that changes its state.

        Raises:
            DataRefused: IngestGate or DataGate failed.
            ModelRefused: ModelGate failed.
            EnvironmentRefused: the server went away, or the image cannot be had.
            HeartbeatError: another stage failed, or the run was cancelled.
        """
        states: dict[str, str] = {}
        pending: dict[str, float] = {}
        while True:
            run = self._seen()
            tasks = (run.run_details.task_details if run.run_details else None) or []
            for task in tasks:
                name = task.display_name
                if task.state and name in TASKS and states.get(name) != task.state:
                    states[name] = task.state
                    tell(f"{name} {task.state.lower()}")
            if any(IMAGE_TROUBLE.search(said) for said in _errors(run, tasks)):
                raise EnvironmentRefused(f"The cluster cannot get image {self.image}. Check --image and push it.")
            if run.state in ("SUCCEEDED", "SKIPPED"):
                return
            if run.state in ("FAILED", "CANCELED"):
                raise self._failure(run.state, [name for name, state in states.items() if state in ("FAILED", "ERROR")])
            self._refuse_to_wait_longer(tasks, pending)
            time.sleep(POLL_SECONDS)

    def _seen(self) -> Any:
        for attempts_left in reversed(range(LOOKS)):
            try:
                with self.server.refusals():
                    return self.client.get_run(self.run_id)
            except EnvironmentRefused:
                if attempts_left == 0:
                    raise
            time.sleep(POLL_SECONDS)
        raise AssertionError("the last look returns or raises")

    def _refuse_to_wait_longer(self, tasks: list[Any], pending: dict[str, float]) -> None:
        """Kubeflow does not say why a pod waits: how long it has is all there is to go by."""
        waiting = {
            str(task.task_id): pending.get(str(task.task_id), time.monotonic())
            for task in tasks
            if task.state == "PENDING"
        }
        pending.clear()
        pending.update(waiting)
        if any(time.monotonic() - since > PENDING_SECONDS for since in waiting.values()):
            raise EnvironmentRefused(
                f"A pod has waited for {PENDING_SECONDS / 60:.0f} minutes: the cluster cannot get image {self.image}, "
                f"or has no node with the cores and memory that a stage asks for. The run goes on: {self.url}"
            )

    def _failure(self, state: str, failed: list[str]) -> HeartbeatError:
        for stage in TASKS.values():
            if stage.refuses and stage.name in failed:
                why = "the last lines of its log, and the run's report, say why"
                return stage.refuses(f"{stage.name} refused: {why}. {self.url}")
        stages = f"{', '.join(failed)} failed" if failed else f"The run ended as {state}"
        return HeartbeatError(f"{stages}: the log there says why. {self.url}")


def _errors(run: Any, tasks: list[Any]) -> list[str]:
    statuses = [status for one in (run, *tasks) for status in (one, *(one.state_history or []))]
    return [status.error.message for status in statuses if status.error and status.error.message]


def _message(error: Any) -> str:
    try:
        body = json.loads(error.body)
    except (TypeError, ValueError):
        return str(error.reason)
    return str(body.get("message") or body.get("error") or error.reason)
