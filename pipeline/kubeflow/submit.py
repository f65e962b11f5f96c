"""Start a compiled pipeline on Kubeflow Pipelines, and wait for its end."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from components.errors import EnvironmentRefused, HeartbeatError
from components.ingest.locate import find_inputs
from components.io.storage import fingerprint, is_remote
from pipeline.kubeflow.api import TOKEN, ApiError, ask, login_page, no_answer, refusal
from pipeline.kubeflow.spec import TASKS
from pipeline.kubeflow.uris import REPORT_STAGE, Json

POLL_SECONDS: Final = 5.0
"""Between two polls of a run; a stage takes at least ten seconds."""

LOOKS: Final = 6
"""Unanswered polls in a row after which waiting ends."""

PENDING_SECONDS: Final = 900.0
"""Longest wait of a pod for its image and node: more than an autoscaler needs to add a node."""

IMAGE_TROUBLE: Final = re.compile(r"ImagePullBackOff|ErrImagePull|InvalidImageName|manifest unknown", re.IGNORECASE)
"""What Kubernetes reports when it cannot pull an image."""

MESSAGE_LENGTH: Final = 300
"""Characters quoted of a message from Kubeflow."""


def data_fingerprint(data: str) -> str | None:
    """Return the fingerprint of the CSVs' names, sizes and times, the cache key of their content.

    It is None for a folder that only the pods can see.

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
    """A Kubeflow Pipelines."""

    host: str  # URL of its API
    namespace: str | None  # of the runs, or None where Kubeflow has one user
    experiment: str  # that runs belong to

    def check(self) -> None:
        """Check the API's health first: the kfp client would retry an unreachable host for minutes.

        Raises:
            EnvironmentRefused: it does not answer, or refuses.
        """
        ask(self.host, "/healthz")

    def start(self, package: Path, image: str, pipeline_root: str) -> Run:
        """Start a run of a compiled pipeline. Kubeflow reads the pipeline root from the run, not from the package.

        Raises:
            EnvironmentRefused: the host does not answer, or refuses the token, the namespace or the pipeline.
        """
        with self._refusals(), contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import kfp

            client = kfp.Client(
                host=self.host, namespace=self.namespace or "kubeflow", existing_token=os.environ.get(TOKEN)
            )
            started = client.create_run_from_pipeline_package(
                str(package),
                experiment_name=self.experiment,
                namespace=self.namespace,
                pipeline_root=pipeline_root,
            )
        if not started.run_id:
            raise login_page(self.host, "answers with a page, not with JSON")
        return Run(self, started.run_id, image)

    @contextlib.contextmanager
    def _refusals(self) -> Iterator[None]:
        """Turn what the kfp client raises into one sentence."""
        import kfp_server_api
        import urllib3

        try:
            yield
        except urllib3.exceptions.HTTPError as error:
            raise no_answer(self.host, error) from error
        except kfp_server_api.ApiException as error:
            body = error.body.decode(errors="replace") if isinstance(error.body, bytes) else error.body
            raise refusal(self.host, error.status, body or error.reason, self.namespace) from error


@dataclass(frozen=True)
class Run:
    """A run that was started."""

    server: Server
    run_id: str
    image: str  # what its steps run in

    @property
    def url(self) -> str:
        """Its page."""
        return f"{self.server.host.rstrip('/')}/#/runs/details/{self.run_id}"

    def wait(self, show: Callable[[str], None]) -> None:
        """Wait for the run's end, and show a line whenever the state of a stage changes.

        Raises:
            DataRefused: IngestGate or DataGate failed.
            ModelRefused: ModelGate failed.
            EnvironmentRefused: the server went away or refuses to answer, or the image cannot be had.
            HeartbeatError: another stage failed, or the run was cancelled.
        """
        states: dict[str, str] = {}
        pending: dict[str, float] = {}
        while True:
            run, tasks = self._look()
            for task in tasks:
                name, state = _name(task), task.get("state")
                if state and name in TASKS and states.get(name) != state:
                    states[name] = state
                    show(f"{name} {state.lower()}")
            if any(IMAGE_TROUBLE.search(message) for each in (run, *tasks) for message in _messages(each)):
                raise EnvironmentRefused(
                    f"The cluster cannot get image {self.image}. Check --image and push it. "
                    f"The run continues: {self.url}"
                )
            failed = [name for name, state in states.items() if state in ("FAILED", "ERROR")]
            if run.get("state") in ("SUCCEEDED", "SKIPPED"):
                if REPORT_STAGE in failed:
                    raise HeartbeatError(
                        f"The stages succeeded, but {REPORT_STAGE} failed: page and summary may be missing, and "
                        f"its log says why. {self._reasons([REPORT_STAGE], tasks)}"
                    )
                return
            if run.get("state") in ("FAILED", "CANCELED"):
                raise self._failure(run["state"], failed, tasks)
            self._refuse_to_wait_longer(tasks, pending)
            time.sleep(POLL_SECONDS)

    def _look(self) -> tuple[Json, list[Json]]:
        """Return the run and its tasks."""
        for attempts_left in reversed(range(LOOKS)):
            try:
                run = ask(self.server.host, f"/runs/{self.run_id}")
                return run, (run.get("run_details") or {}).get("task_details") or self._tasks()
            except ApiError as error:
                if attempts_left == 0 or not error.may_pass:
                    raise EnvironmentRefused(f"{error} The run continues: {self.url}") from error
            time.sleep(POLL_SECONDS)
        raise AssertionError("the last look returns or raises")

    def _tasks(self) -> list[Json]:
        """List the tasks by the API of Kubeflow without ML Metadata; older versions lack it."""
        tasks: list[Json] = []
        token = ""
        while True:
            try:
                page = ask(self.server.host, f"/runs/{self.run_id}/tasks", page_size="200", page_token=token)
            except ApiError as error:
                if error.http_status != 404:
                    raise
                return tasks
            tasks += page.get("tasks", [])
            token = page.get("next_page_token", "")
            if not token:
                return tasks

    def _refuse_to_wait_longer(self, tasks: Sequence[Json], pending: dict[str, float]) -> None:
        """Refuse after PENDING_SECONDS: Kubeflow does not say why a pod waits."""
        waiting = {
            task["task_id"]: pending.get(task["task_id"], time.monotonic())
            for task in tasks
            if task.get("state") == "PENDING"
        }
        pending.clear()
        pending.update(waiting)
        if any(time.monotonic() - since > PENDING_SECONDS for since in waiting.values()):
            raise EnvironmentRefused(
                f"A pod has waited for {PENDING_SECONDS / 60:.0f} minutes: the cluster cannot get image {self.image}, "
                f"or has no node with the cores and memory that a stage asks for. The run continues: {self.url}"
            )

    def _failure(self, state: str, failed: Sequence[str], tasks: Sequence[Json]) -> HeartbeatError:
        for stage in TASKS.values():
            if stage.refuses and stage.name in failed:
                return stage.refuses(
                    f"{stage.name} refused: the last lines of its log, and the run's report, say why. "
                    f"{self._reasons([stage.name], tasks)}"
                )
        ended = f"{', '.join(failed)} failed" if failed else f"The run ended as {state}"
        return HeartbeatError(f"{ended}: the log there says why. {self._reasons(failed, tasks)}")

    def _reasons(self, failed: Sequence[str], tasks: Sequence[Json]) -> str:
        """Quote what Kubeflow says of failed stages, and name the run's page."""
        quoted = [message for task in tasks if _name(task) in failed for message in _messages(task)]
        words = f"Kubeflow says: {' '.join(quoted[-1].split())[:MESSAGE_LENGTH].rstrip('.')}. " if quoted else ""
        return f"{words}{self.url}"


def _name(task: Mapping[str, str]) -> str:
    return task.get("display_name") or task.get("name") or ""


def _messages(run_or_task: Json) -> list[str]:
    """List Kubeflow's error messages for a run or a task, past and present."""
    errors = [each.get("error") for each in (*(run_or_task.get("state_history") or []), run_or_task)]
    sources = [*errors, run_or_task.get("status_metadata")]
    return [each["message"] for each in sources if each and each.get("message")]
