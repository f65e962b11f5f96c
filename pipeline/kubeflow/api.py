"""Calls to the HTTP API of Kubeflow Pipelines: a JSON answer, or one sentence that says what is wrong."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from typing import Final

from components.errors import EnvironmentRefused
from components.verdict import Verdict
from pipeline.kubeflow.uris import Json

PATH: Final = "/apis/v2beta1"
"""Path of the API on its host."""

TOKEN: Final = "KFP_TOKEN"
"""Environment variable that holds the token, if Kubeflow requires one."""

ANSWER_SECONDS: Final = 10.0
"""Timeout of a request."""


class ApiError(EnvironmentRefused):
    """The host does not answer, or refuses; `http_status` is 0 without an answer."""

    def __init__(self, reasons: str | Sequence[str | Verdict], http_status: int = 0) -> None:
        super().__init__(reasons)
        self.http_status = http_status

    @property
    def may_pass(self) -> bool:
        """Whether a retry may succeed: forwarded ports drop now and then, proxies restart."""
        return self.http_status == 0 or self.http_status >= 500


def ask(host: str, path: str, **query: str) -> Json:
    """GET from the API.

    Raises:
        ApiError: the host does not answer, refuses, or is another server.
    """
    import requests

    headers = {"Authorization": f"Bearer {os.environ[TOKEN]}"} if os.environ.get(TOKEN) else {}
    url = f"{host.rstrip('/')}{PATH}{path}"
    try:
        response = requests.get(url, query, headers=headers, timeout=ANSWER_SECONDS, allow_redirects=False)
    except requests.RequestException as error:
        raise no_answer(host, error) from error
    if response.is_redirect:
        raise login_page(host, f"redirects to {response.headers['Location']}")
    if not response.ok:
        raise refusal(host, response.status_code, response.text or response.reason, query.get("namespace"))
    try:
        answer: Json = response.json()
    except ValueError:
        raise login_page(host, "answers with a page, not with JSON") from None
    return answer


def no_answer(host: str, error: BaseException) -> ApiError:
    """Return the error for a host that cannot be reached."""
    reason = re.sub(r"^\[Errno \d+\] ", "", str(error).rpartition(": ")[2].rstrip("'\")>")) or type(error).__name__
    return ApiError(f"{host} does not answer ({reason}). Check --host, and that its port is forwarded.")


def login_page(host: str, does: str) -> ApiError:
    """Return the error for a host that responds with a login page; `does` says how."""
    return ApiError(
        f"{host} {does}: a login page, most likely. Put a valid token into {TOKEN}, or name the API's own address with "
        "--host, a forwarded port for example.",
        http_status=302,
    )


def refusal(host: str, status: int, body: str, namespace: str | None) -> ApiError:
    """Return the error for an unsuccessful response: JSON with a `message` if it comes from Kubeflow itself.

    `namespace` is the requested one.
    """
    try:
        fields = json.loads(body)
        message = str(fields.get("message") or fields.get("error"))
    except (AttributeError, ValueError):
        message = "an HTML page" if body.lstrip().startswith("<") else (body.strip().splitlines() or ["no reason"])[0]
    if status == 401:
        words = f"{host} refuses the token ({message}): it is wrong or has expired. Put a valid one into {TOKEN}."
    elif status == 403:
        words = (
            f"{host} does not let us into namespace {namespace or '(none given)'} ({message}). "
            f"Check --namespace and the rights of the token in {TOKEN}."
        )
    elif status == 400 and "namespace is empty" in message.lower():
        words = f"{host} keeps users apart ({message}). Name your namespace with --namespace."
    else:
        words = f"{host} refuses with status {status}: {message}. Check --host, --namespace and its log."
    return ApiError(words, status)
