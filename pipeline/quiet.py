"""Keep from the screen what libraries say of themselves."""

from __future__ import annotations

import logging
import os
import warnings


def silence_libraries() -> None:
    """Silence TensorFlow's start, warnings of an ageing Python, and Google's look for credentials.

    Must run before the first of them is imported. A run of the pipeline keeps everything else they say in its log.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("PYTHONWARNINGS", "ignore::FutureWarning")  # for processes of ours
    warnings.simplefilter("ignore", FutureWarning)
    for name in ("apache_beam.internal.gcp.auth", "google.auth", "heartbeat.report"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
