"""What a Flink cluster says of itself over its REST interface."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from typing import Any, Final
from urllib.error import URLError

from components.errors import EnvironmentRefused

ANSWER_SECONDS: Final = 10.0


@dataclass(frozen=True)
class FlinkOverview:
    """A cluster at a moment.

    Attributes:
        version: of Flink.
        task_managers: how many.
        slots: in all.
        free: slots that no job holds.
        running: jobs.
    """

    version: str
    task_managers: int
    slots: int
    free: int
    running: int


def flink_says(address: str, path: str, method: str = "GET") -> Any:
    """The answer to a request.

    Args:
        address: `HOST:PORT` of the REST interface.
        path: from the slash.
        method: of HTTP.

    Raises:
        EnvironmentRefused: nobody answers there, or it is not Flink.
    """
    try:
        request = urllib.request.Request(f"http://{address}{path}", method=method)
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
            return json.load(answer)
    except (OSError, ValueError) as error:
        why = error.reason if isinstance(error, URLError) else error
        raise EnvironmentRefused(
            f"Flink does not answer at {address} ({getattr(why, 'strerror', None) or why}): check that the JobManager "
            "runs and that this is its REST port."
        ) from error


def flink_overview(address: str) -> FlinkOverview:
    """The cluster behind an address.

    Raises:
        EnvironmentRefused: nobody answers there, or it is not Flink.
    """
    told = flink_says(address, "/overview")
    try:
        return FlinkOverview(
            version=told["flink-version"],
            task_managers=told["taskmanagers"],
            slots=told["slots-total"],
            free=told["slots-available"],
            running=told["jobs-running"],
        )
    except (KeyError, TypeError) as error:
        raise EnvironmentRefused(f"What answers at {address} is not Flink: check the address.") from error
