"""What differs between the two lanes: TFX 1.16 on Python 3.10, and TFX 1.21 on Python 3.12 and 3.13.

No other module asks for a version. Each entry says when it can go.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, Final

from components.errors import EnvironmentRefused

PYTHONS: Final = ((3, 10), (3, 12), (3, 13))
"""Versions of Python that a lane exists for; 3.10 goes in June 2028, with Debian 12's support."""

OLD_LANE: Final = sys.version_info[:2] == (3, 10)

LOCK: Final = "requirements-py310.txt" if OLD_LANE else "requirements-py312.txt"
"""The lock that this environment was made from; one name is left when the old lane goes."""


def import_tensorflow() -> Any:
    """Import TensorFlow without its greeting.

    Since 2.19 it writes to descriptor 2 before it reads TF_CPP_MIN_LOG_LEVEL; goes when it no longer does.

    Raises:
        EnvironmentRefused: it is not installed, as in the worker image.
    """
    if sys.modules.get("tensorflow") is None and find_spec("tensorflow") is None:
        raise EnvironmentRefused(
            "There is no TensorFlow here, which reads TFRecord files and computes bfloat16 and models that were pushed "
            "without float32.xml: give the workers the full image (docs/image.md) and --resume, or score CSV, Parquet "
            "or recordings anew with a model that has the file (--overwrite --precision float32)."
        )
    if OLD_LANE or "tensorflow" in sys.modules:
        import tensorflow as tf

        return tf
    with _silenced():
        import tensorflow as tf
    return tf


@contextmanager
def _silenced() -> Iterator[None]:
    """Drop what libraries write to descriptor 2 in the block, for which they have no switch."""
    sys.stderr.flush()
    terminal, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
        os.close(nowhere)
