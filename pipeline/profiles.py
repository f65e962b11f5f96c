"""Profiles: named lists of stages and settings. `--set` changes one value of a profile for one run."""

from __future__ import annotations

from typing import Any

from pipeline.stages import STAGES

ALL_STAGES = tuple(name for name, stage in STAGES.items() if not stage.on_request)
WITHOUT_TUNER = tuple(name for name in ALL_STAGES if name != "Tuner")

DEMO: dict[str, Any] = {
    "stages": ALL_STAGES,
    "tune": {"trials": 2, "epochs": 2, "share": 1.0},
    "train": {"network": {"towers": 1, "block_filters": (32, 48, 64)}, "epochs": 10, "batch": 64},
    "finetune": {"head_epochs": 2, "epochs": 8, "refit_epochs": 0},
}
"""Small enough for minutes on two cores: half a network, a few epochs."""

FULL: dict[str, Any] = {"stages": ALL_STAGES}
"""The settings' own defaults: docs/lab/experiments.md has what they rest on."""

STUDY: dict[str, Any] = {
    "stages": WITHOUT_TUNER,
    "transform": {"normalisation": "none"},
    "train": {
        "network": {"name": "study"},
        "policy": "balanced:16000",
        "epochs": 12,
        "batch": 32,
        "learning_rate": 1e-3,
        "schedule": "constant",
        "weight_decay": 0,
        "average_epochs": 0,
        "stretch": 0,
        "mix": 0,
    },
    "finetune": {
        "head_epochs": 10,
        "head_learning_rate": 1e-3,
        "head_dropout": 0.25,
        "epochs": 10,
        "refit_epochs": 0,
        "learning_rate": 1e-4,
        "noise": "fixed",
        "noisy_share": 1.0,
    },
    "gate": {
        "kaggle": {
            "clean_accuracy": 0.93,
            "clean_macro_f1": 0.70,
            "noisy_accuracy": 0.92,
            "noisy_macro_f1": 0.68,
            "recall": {"N": 0.90, "S": 0, "V": 0, "F": 0, "Q": 0},
        }
    },
}
"""The study's training, judged by the study's own results: its fine-tuned model is far below our thresholds."""

PATIENT: dict[str, Any] = {
    "stages": WITHOUT_TUNER,
    "data": {"context": True, "eval_share": 0.15},
    "train": {
        "network": {"name": "context", "context_units": (128,), "towers": 5},
        "epochs": 3,
        "batch": 1024,
        "weight_decay": 0.02,
        "class_weight": {"S": 0.3, "V": 0.15, "F": 0.15},
        "label_smoothing": 0.05,
    },
    "finetune": {"epochs": 3, "refit_epochs": 1, "abstain_accuracy": 0.98},
}
"""Beats with context, from recordings that `prepare` has split by patient: judged on people never seen. Its values were
chosen by cross-validation over people (docs/patients.md): a search on one eval split of a few would only add chance."""

PROFILES = {"demo": DEMO, "full": FULL, "study": STUDY, "patient": PATIENT}
