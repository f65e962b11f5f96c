"""A process that only scores starts without the parts of Beam and TensorFlow that scoring never calls."""

from __future__ import annotations

import sys
from typing import Final

NEVER_CALLED: Final = (
    "IPython",  # apache_beam, to see whether it is in a notebook
    "google.cloud.bigquery",  # apache_beam.io
    "google.cloud.bigquery_storage_v1",  # apache_beam.io
    "google.cloud.pubsub",  # apache_beam.io
    "pymongo",  # apache_beam.io
    "keras",  # tensorflow, for what loads Keras models; brings scikit-learn and SciPy with it
)
"""Packages that Beam or TensorFlow import when they can and do without when they cannot."""


def leave_out_unused() -> None:
    """Makes importing `NEVER_CALLED` fail in this process from now on; what is imported already stays.

    To be called where a process begins that does nothing but score: Beam's sources and sinks on BigQuery, Pub/Sub and
    MongoDB, and `tf.keras`, do not work in it. Source: Python's import system, where `None` in `sys.modules` says that
    there is no such module.
    """
    for name in NEVER_CALLED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
