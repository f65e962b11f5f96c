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

FULL: dict[str, Any] = {
    "stages": ALL_STAGES,
    "tune": {"trials": 4, "epochs": 2, "share": 0.5},
    "train": {
        "network": {"stem_stride": 2, "block_filters": (32, 48, 64, 96)},
        "epochs": 12,
        "stretch": 0.08,
        "mix": 0.15,
    },
    "finetune": {
        "head_epochs": 1,
        "head_learning_rate": 2e-3,
        "epochs": 20,
        "learning_rate": 1.5e-3,
        "noisy_share": 0.5,
        "wide_share": 0.5,
    },
}

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
