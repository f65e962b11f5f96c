"""Profiles: named lists of stages and settings. `--set` changes one value of a profile for one run."""

from __future__ import annotations

from typing import Any

from components.beats.errors import UsageError

DATA_STAGES = (
    "ExampleGen",
    "IngestGate",
    "CuratedSchema",
    "StatisticsGen",
    "SchemaGen",
    "ExampleValidator",
    "DataGate",
    "Transform",
)
MODEL_STAGES = ("Trainer", "FineTuner", "Evaluator", "Judge", "ModelGate", "Pusher")
ALL_STAGES = (*DATA_STAGES, "Tuner", *MODEL_STAGES)

DEMO: dict[str, Any] = {"stages": ALL_STAGES}
FULL: dict[str, Any] = {"stages": ALL_STAGES}
STUDY: dict[str, Any] = {"stages": (*DATA_STAGES, *MODEL_STAGES)}

PROFILES = {"demo": DEMO, "full": FULL, "study": STUDY}


def profile_named(name: str) -> dict[str, Any]:
    """Return a profile's values, its name among them.

    Raises:
        UsageError: there is no such profile.
    """
    if name not in PROFILES:
        raise UsageError(f"There is no profile {name!r}; there are {', '.join(PROFILES)}.")
    return {"profile": name, **PROFILES[name]}
