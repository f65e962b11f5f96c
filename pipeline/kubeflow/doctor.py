"""Checks before a submit: Kubeflow's API, the namespace, the image's name. No kfp client, so they take no time."""

from __future__ import annotations

import json
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Final

from components.errors import EnvironmentRefused
from pipeline.kubeflow.submit import TOKEN

API: Final = "/apis/v2beta1"
TIMEOUT_SECONDS: Final = 5.0

IMAGE: Final = re.compile(
    r"(?P<name>(?:[a-zA-Z0-9.-]+(?::\d+)?/)?[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
"""An image's name: registry, path, and a tag or a digest."""


def check_host(host: str) -> str:
    """Ask Kubeflow's API whether it is well.

    Raises:
        EnvironmentRefused: it does not answer, or refuses the token.
    """
    told = ask(host, "/healthz")
    users = "several users" if told.get("multi_user") else "one user"
    return f"{host}: answers, for {users}"


def check_namespace(host: str, namespace: str | None) -> str:
    """Ask for the experiments of a namespace.

    Raises:
        EnvironmentRefused: Kubeflow has several users and none is named, one user and one is named, or it is refused.
    """
    several = ask(host, "/healthz").get("multi_user")
    if several and not namespace:
        raise EnvironmentRefused("This Kubeflow keeps users apart: name yours with --namespace.")
    if namespace and not several:
        raise EnvironmentRefused(f"This Kubeflow has one user: leave --namespace {namespace} out.")
    query = {"page_size": "1"} | ({"namespace": namespace} if namespace else {})
    ask(host, f"/experiments?{urllib.parse.urlencode(query)}")
    return f"{namespace}: open to us" if namespace else "one user: none is needed"


def check_image(image: str) -> str:
    """Look at an image's name; whether the cluster can get it shows when it does.

    Raises:
        EnvironmentRefused: it is none, or names no version: Kubeflow's cache knows code by the image's name only.
    """
    found = IMAGE.fullmatch(image)
    if not found:
        raise EnvironmentRefused(f"{image!r} is no image's name: [registry/]name:tag, in small letters.")
    if not found["digest"] and found["tag"] in (None, "latest"):
        raise EnvironmentRefused(
            f"{image} names no version. Give a tag that was never used before, or a digest: Kubeflow's cache knows "
            "libraries by the image's name only."
        )
    return f"{image}: well-formed; not asked for at its registry"


def ask(host: str, path: str) -> dict[str, Any]:
    """GET from Kubeflow's API.

    Raises:
        EnvironmentRefused: it does not answer, or refuses.
    """
    request = urllib.request.Request(f"{host.rstrip('/')}{API}{path}")
    if os.environ.get(TOKEN):
        request.add_header("Authorization", f"Bearer {os.environ[TOKEN]}")
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            told: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code == 401:
            raise EnvironmentRefused(f"{host} refuses the token. Put a valid one into {TOKEN}.") from error
        if error.code == 403:
            raise EnvironmentRefused(
                f"{host} does not let us in (403). Check --namespace and the rights of the token in {TOKEN}."
            ) from error
        raise EnvironmentRefused(f"{host}{API}{path} answers with status {error.code}. Check --host.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise EnvironmentRefused(
            f"{host} does not answer as Kubeflow ({reason}). Check --host, and that its port is forwarded."
        ) from error
    return told
