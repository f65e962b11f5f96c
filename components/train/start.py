"""A clean start for each stage that trains: several of them run one after another in one process."""

from __future__ import annotations


def start_afresh(seed: int) -> None:
    """Drop what Keras holds of earlier models and seed everything that draws numbers."""
    import keras

    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
