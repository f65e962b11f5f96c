"""Leave out the packages that Beam and TensorFlow import if they are there, and that scoring never calls.

It saves 1.5 of 3.3 s at the start of `heartbeat score` and of every worker.
"""

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
    """Make importing `NEVER_CALLED` fail in this process from now on; what is imported already stays.

    Only for the entry point of a process that does nothing but score, never for a notebook, a test or a pipeline's
    process: Beam's sources and sinks on BigQuery, Pub/Sub and MongoDB, and `tf.keras`, do not work afterwards. `None`
    in `sys.modules` is Python's own way to say that there is no such module.
    """
    for name in NEVER_CALLED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
