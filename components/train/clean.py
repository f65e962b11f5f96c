"""Training a new network on beats without noise: what the Trainer does once and the Tuner for each trial."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from components.train.augment import Augmentation
from components.train.fit import History, Phase, fit
from components.train.input import choose_rows, make_batches
from components.train.material import Material
from components.train.networks import build_network
from components.train.settings import TrainSettings
from components.train.start import start_afresh

if TYPE_CHECKING:
    import keras


def train_clean(
    material: Material, settings: TrainSettings, stage: str, phase: str, share: float, log_dir: str | None
) -> tuple[keras.Model, History]:
    """Train from fresh weights; the same settings and material give the same network.

    Args:
        material: the beats.
        settings: the network and how it is trained.
        stage: for the progress.
        phase: for the progress.
        share: share of each class's train beats that is used.
        log_dir: folder for TensorBoard logs; None writes none.

    Raises:
        DataRefused: a class missing where the policy needs it.
    """
    start_afresh(settings.seed)
    rows = choose_rows(material.train.label, settings.policy, share, np.random.default_rng(settings.seed))
    how = Augmentation(stretch=settings.stretch, mix=settings.mix)
    batches = make_batches(material.train, rows, settings.batch, how, material.normalise, settings.seed)
    model = build_network(settings.network)
    history = fit(
        model,
        batches,
        material.validation,
        Phase(
            stage=stage,
            name=phase,
            epochs=settings.epochs,
            learning_rate=settings.learning_rate,
            schedule=settings.schedule,
            weight_decay=settings.weight_decay,
            average_epochs=settings.average_epochs,
            label_smoothing=settings.label_smoothing,
            log_dir=log_dir,
        ),
    )
    return model, history
