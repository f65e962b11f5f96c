"""Checks before a run: this machine, the stores it names, and Kubeflow. Nothing is created or changed."""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, Literal

from components.compat import LOCK, OLD_LANE, PYTHONS
from components.errors import EnvironmentRefused, HeartbeatError, UsageError, counted
from components.io.lock import is_flocked
from components.io.scratch import shared_temporary_folder
from components.score.engines.engine import check_not_ignored
from components.verdict import SYNTHETIC_MARK

LOCK_FILE: Final = Path(__file__).parents[1] / LOCK
"""What `make` installs, exactly; a package installed as a wheel does not have it."""

ROOM: Final = 2_000_000_000
"""Bytes that must be free in the root and for temporary files: beats are spooled, and artifacts kept."""

SHOWN: Final = 3
"""Maximum packages that a sentence names."""

PROBE: Final = "heartbeat-doctor"
"""Name of an object that need not exist: listing it shows that the bucket can be listed."""

CONNECT_SECONDS: Final = 4.0

IMAGE: Final = re.compile(
    r"(?P<name>(?:[a-zA-Z0-9.-]+(?::\d+)?/)?[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
"""An image's name: registry, path, and a tag or a digest."""

State = Literal["ok", "failed", "not looked at"]


@dataclass(frozen=True)
class Check:
    """One line of the table."""

    name: str
    state: State
    said: str  # what was found, or what to do


def examine(
    data: str | None,
    root: Path,
    serving: str | None,
    pipeline_root: str | None,
    host: str | None,
    namespace: str | None,
    image: str | None,
    beam_options: Sequence[str],
) -> Iterator[Check]:
    """Check this machine, then the named stores and Kubeflow.

    Raises:
        UsageError: flags that conflict, or a root that is not on an object store.
    """
    from components.io.storage import is_remote
    from pipeline.kubeflow.uris import check_root, default_serving, store_uri
    from pipeline.runfolder import DEMO_FOLDER, data_location

    if namespace and not host:
        raise UsageError("--namespace needs --host, the URL of the Kubeflow Pipelines API.")
    if pipeline_root:
        check_root(pipeline_root)
        serving = serving or default_serving(pipeline_root)
    location = data_location(root, data)
    yield checked("Python", check_python)
    yield check_lock()
    yield checked("disk", check_disk, root)
    yield checked("root", check_root_folder, root)
    yield checked("data", check_data, location, data is None and location == str(root / DEMO_FOLDER))
    yield checked("runner", check_runner, beam_options)
    for owner, uri in (("data", data), ("serving", serving), ("root", pipeline_root)):
        if uri and is_remote(uri):
            yield checked(f"{owner}'s bucket", check_bucket, store_uri(uri))
    if host:
        check = checked("host", check_host, host)
        yield check
        if check.state == "ok":
            yield checked("namespace", check_namespace, host, namespace)
    if image:
        yield checked("image", check_image, image)


def checked(name: str, look: Callable[..., str], *arguments: Any) -> Check:
    """Make one check: `look` returns what is there, or raises HeartbeatError if that is not good enough."""
    try:
        return Check(name, "ok", look(*arguments))
    except HeartbeatError as refused:
        return Check(name, "failed", " ".join(refused.sentences))


def check_python() -> str:
    """Check the interpreter's version."""
    here = platform.python_version()
    if sys.version_info[:2] not in PYTHONS:
        raise EnvironmentRefused(f"Python {here}: Heartbeat needs 3.13, 3.12 or 3.10. `make run` sets it up.")
    lane = "TFX 1.16, kept for Debian 12 and Ubuntu 22.04 until June 2028" if OLD_LANE else "TFX 1.21"
    return f"{here}, {lane}, {sys.executable}"


def check_lock(lock: Path = LOCK_FILE) -> Check:
    """Check that the installed packages are the locked ones."""
    if not lock.exists():
        return Check("lock", "not looked at", f"no {lock.name} beside the package")
    return checked("lock", _compare, lock)


def _compare(lock: Path) -> str:
    pins = dict(_pins(lock.read_text(encoding="utf-8")))
    differs = []
    for name, pinned in pins.items():
        try:
            installed = version(name)
        except PackageNotFoundError:
            differs.append(f"{name} {pinned} is not installed")
            continue
        if installed != pinned:
            differs.append(f"{name} is {installed}, locked is {pinned}")
    if differs:
        more = f", and {len(differs) - SHOWN} more" if len(differs) > SHOWN else ""
        raise EnvironmentRefused(f"{'; '.join(differs[:SHOWN])}{more}. `make clean run` sets it up anew.")
    return f"{counted(len(pins), 'package')} as in {lock.name}"


def _pins(text: str) -> Iterator[tuple[str, str]]:
    """Yield name and version of each requirement that holds on this machine."""
    from packaging.requirements import Requirement

    for line in text.splitlines():
        if "==" not in line or line[0] in " #":
            continue
        pinned = Requirement(line.removesuffix("\\").strip())
        if pinned.marker is None or pinned.marker.evaluate():
            yield pinned.name, next(iter(pinned.specifier)).version


def check_disk(root: Path) -> str:
    """Check the free space for artifacts and for temporary files."""
    sentences = []
    for folder in dict.fromkeys((_existing(root), shared_temporary_folder())):
        free = shutil.disk_usage(folder).free
        sentences.append(f"{free / 1e9:.1f} GB free in {folder}")
        if free < ROOM:
            raise EnvironmentRefused(
                f"{sentences[-1]}, {ROOM / 1e9:.0f} GB are needed. Make room, or name another place (--root, TMPDIR)."
            )
    return ", ".join(sentences)


def check_root_folder(root: Path) -> str:
    """Check that a root can be written and that no run holds it."""
    folder = _existing(root)
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise EnvironmentRefused(f"{folder} cannot be written: give the right to, or name another with --root.")
    try:
        busy = is_flocked(root / "lock")
    except OSError as error:
        raise EnvironmentRefused(f"{root}: {error.strerror}. Name another root with --root.") from error
    if busy:
        raise EnvironmentRefused(f"{root}: a run is in it. Wait for it, or name another root with --root.")
    return f"{root}: {'free' if root.exists() else 'will be made'}"


def _existing(path: Path) -> Path:
    """Return the path, or the nearest folder above it that exists."""
    return next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())


def check_data(data: str, demo: bool) -> str:
    """Check that the beats exist; `demo` means that a run would create them."""
    if demo:
        return "none named: a run makes the synthetic demo set"
    from components.ingest.locate import find_inputs

    inputs = find_inputs(data)
    size = sum(source.file.size for source in inputs.sources)
    kind = f"{SYNTHETIC_MARK}, " if inputs.synthetic else ""
    if inputs.sources[0].kind == "parquet":
        return f"{data}: {kind}{size / 1e6:,.0f} MB, Parquet"
    known = "with" if any(source.provenance for source in inputs.sources) else "without"
    return f"{data}: {kind}{size / 1e6:,.0f} MB, {known} provenance"


def check_bucket(uri: str) -> str:
    """Check that a store can be reached and listed; only a write shows whether it can be written."""
    from components.io.storage import list_files

    list_files(f"{uri.rstrip('/')}/{PROBE}")
    return f"{uri}: can be listed"


def check_runner(options: Sequence[str]) -> str:
    """Check that the endpoint of the Beam runner in the options answers, and that the local runner ignores none."""
    check_not_ignored(options)
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for name in ("--runner", "--job_endpoint", "--flink_master", "--spark_master_url"):
        parser.add_argument(name)
    arguments, _ = parser.parse_known_args(list(options))
    if not arguments.runner:
        return "Beam's local runner"
    endpoint = arguments.job_endpoint or arguments.flink_master or arguments.spark_master_url
    if not endpoint or endpoint.startswith("["):
        return f"{arguments.runner}, on this machine"
    from components.score.engines.job_server import check_listens

    address = endpoint.rpartition("://")[2].partition("/")[0]
    check_listens(address, "runner", "check the address, and that it is up", CONNECT_SECONDS)
    return f"{arguments.runner}: {endpoint} answers"


def check_host(host: str) -> str:
    """Ask Kubeflow's API for its health."""
    from pipeline.kubeflow.api import ask

    users = "several users" if ask(host, "/healthz").get("multi_user") else "one user"
    return f"{host}: answers, for {users}"


def check_namespace(host: str, namespace: str | None) -> str:
    """Ask for the experiments of a namespace."""
    from pipeline.kubeflow.api import ask

    several = ask(host, "/healthz").get("multi_user")
    if several and not namespace:
        raise EnvironmentRefused("This Kubeflow keeps users apart: name yours with --namespace.")
    if namespace and not several:
        raise EnvironmentRefused(f"This Kubeflow has one user: leave --namespace {namespace} out.")
    ask(host, "/experiments", page_size="1", **({"namespace": namespace} if namespace else {}))
    return f"{namespace}: open to us" if namespace else "one user: none is needed"


def check_image(image: str) -> str:
    """Check an image's name; only the cluster shows whether it can be pulled."""
    parts = IMAGE.fullmatch(image)
    if not parts:
        raise EnvironmentRefused(
            f"{image!r} is not a valid image name; expected [registry/]name:tag, the name in lower case."
        )
    if not parts["digest"] and parts["tag"] in (None, "latest"):
        raise EnvironmentRefused(
            f"{image} names no version. Give a tag that was never used before, or a digest: Kubeflow's cache knows "
            "libraries by the image's name only."
        )
    return f"{image}: well-formed; its registry was not checked"
