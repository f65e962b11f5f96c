"""`docs/settings.md`, made from the settings themselves: python -m pipeline.settings_page > docs/settings.md."""

from __future__ import annotations

import sys
from typing import Any

from components.settings import Settings
from pipeline.profiles import PROFILES, profile_named
from pipeline.settings import RunSettings, settings_from

HEAD = """# Settings and profiles

A run's settings are a profile's values, changed by any number of `--set group.name=value`. A value is JSON where it
parses as JSON (`--set train.epochs=12`, `--set 'evaluate.draws=[1,2]'`), else a string (`--set train.policy=natural`).
An unknown name is refused with the nearest ones; what differs from the profile is printed at the start of the run and
kept, with everything else, in `runs/<run id>/settings.json`. This page is made by `make docs` from the code.

| profile | stages | what it is for |
|---|---|---|
"""

PURPOSE = {
    "demo": "minutes on the synthetic demo set, every stage in small; the default of `local_runner.py`",
    "full": "the real thing on real beats",
    "study": "the study's network and training, to reproduce its rows: 186 columns, 16,000 beats a class, batch 32, "
    "no standardisation, no Tuner",
}


def settings_page() -> str:
    """Return the page as Markdown."""
    profiles = {name: settings_from(profile_named(name)) for name in PROFILES}
    lines = [HEAD.rstrip("\n")]
    for name, settings in profiles.items():
        lines.append(f"| `{name}` | {' → '.join(settings.stages)} | {PURPOSE[name]} |")
    for name, field in RunSettings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Settings):
            lines += ["", f"## {name}", "", (field.annotation.__doc__ or "").splitlines()[0], ""]
            lines += [f"| setting | {' | '.join(f'`{profile}`' for profile in profiles)} | meaning |"]
            lines += ["|---|" + "---|" * (len(profiles) + 1)]
            lines += _rows(name, field.annotation, [getattr(settings, name) for settings in profiles.values()])
    return "\n".join(lines) + "\n"


def _rows(prefix: str, group: type[Settings], values: list[Any]) -> list[str]:
    rows: list[str] = []
    for name, field in group.model_fields.items():
        inner = field.annotation
        own = [getattr(value, name) for value in values]
        if isinstance(inner, type) and issubclass(inner, Settings):
            rows += _rows(f"{prefix}.{name}", inner, own)
        else:
            shown = " | ".join(_shown(value) for value in own)
            rows.append(f"| `{prefix}.{name}` | {shown} | {(field.description or '').replace('|', '/')} |")
    return rows


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value) or "none"
    return str(value)


if __name__ == "__main__":
    sys.stdout.write(settings_page())
