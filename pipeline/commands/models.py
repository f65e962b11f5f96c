"""`heartbeat models`: list, show and roll back pushed models."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import click

from components.verdict import SYNTHETIC_MARK
from pipeline.commands.flags import DEFAULT_SERVING, PLACE
from pipeline.console import print_table

if TYPE_CHECKING:
    from components.io.serving import PushedVersion

_serving = click.option(
    "--serving",
    metavar="DIR|URI",
    type=PLACE,
    default=DEFAULT_SERVING,
    show_default=True,
    help="Where models are pushed to.",
)
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout instead of a table.")


@click.group()
def models() -> None:
    """List, show and roll back pushed models.

    The version with the highest number serves; its number is the time of its push, in seconds since 1970.
    """


@models.command("list")
@_serving
@_as_json
def list_command(serving: str, as_json: bool) -> None:
    """List the pushed versions, oldest first."""
    from components.io.serving import ServingDirectory

    versions = ServingDirectory(serving).describe_all()
    if as_json:
        click.echo(json.dumps([asdict(version) for version in versions], indent=1))
        return
    if not versions:
        click.echo(f"Nothing was pushed to {serving} yet: `heartbeat score` uses the released model.", err=True)
        return
    print_table(
        ["version", "pushed (UTC)", "model", "accuracy", "macro-F1", "noisy accuracy", "data", ""],
        [_row(version) for version in versions],
        whole=("version", "model"),
    )


@models.command("show")
@click.argument("version", type=click.IntRange(min=1))
@_serving
@_as_json
def show_command(version: int, serving: str, as_json: bool) -> None:
    """Show what is known of one pushed VERSION."""
    from components.io.serving import ServingDirectory

    directory = ServingDirectory(serving)
    shown, now = directory.describe(version), directory.digest_now(version)
    if as_json:
        click.echo(json.dumps({**asdict(shown), "digest_now": now}, indent=1))
        return
    digests = shown.digests
    print_table(
        ["", f"version {version}"],
        [
            ["place", shown.location],
            ["pushed (UTC)", _pushed(version)],
            ["serves now", "yes" if shown.newest else "no"],
            *([["copy of", str(shown.origin)]] if shown.origin else []),
            ["model", now],
            *([["", f"CHANGED since its push: it was {shown.digest}"]] if shown.digest not in (None, now) else []),
            ["data", _data_of(shown)],
            *([f"{name} data", digest] for name, digest in digests.get("data", {}).items()),
            *([name, digests[name]] for name in ("code", "settings") if name in digests),
            *([f"{kind} {name}", _figure(shown, kind, name)] for kind in ("clean", "noisy") for name in _FIGURES),
        ],
    )


@models.command("rollback")
@click.argument("version", type=click.IntRange(min=1))
@_serving
@_as_json
def rollback_command(version: int, serving: str, as_json: bool) -> None:
    """Make an earlier VERSION serve again, by copying it under a new highest number."""
    from components.io.serving import ServingDirectory

    directory = ServingDirectory(serving)
    new = directory.roll_back(version)
    location = directory.location(new)
    if as_json:
        click.echo(json.dumps({"version": new, "location": location, "origin": version}))
        return
    click.echo(f"Version {new}, a copy of {version}, serves now: {location}")


_FIGURES = {"accuracy": "{:.2%}", "macro_f1": "{:.3f}", "loss": "{:.4f}"}


def _figure(version: PushedVersion, kind: str, name: str) -> str:
    figures = version.metrics.get("metrics", {}).get(kind)
    return _FIGURES[name].format(figures[name]) if figures else "unknown"


def _data_of(version: PushedVersion) -> str:
    if not version.metrics:
        return "unknown"
    return SYNTHETIC_MARK if version.metrics["synthetic"] else str(version.metrics["split"])


def _pushed(version: int) -> str:
    return datetime.fromtimestamp(version, timezone.utc).strftime("%Y-%m-%d %H:%M")


def _row(version: PushedVersion) -> list[str]:
    notes = [*(["serves now"] if version.newest else []), *([f"copy of {version.origin}"] if version.origin else [])]
    figures = [_figure(version, *of) for of in (("clean", "accuracy"), ("clean", "macro_f1"), ("noisy", "accuracy"))]
    return [
        str(version.version),
        _pushed(version.version),
        version.digest[:12] if version.digest else "unknown",
        *figures,
        _data_of(version),
        ", ".join(notes),
    ]
