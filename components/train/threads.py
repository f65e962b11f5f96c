"""How TensorFlow uses the cores of a machine in processes that train."""

from __future__ import annotations

import os


def run_operations_side_by_side() -> None:
    """Give each of TensorFlow's operations one thread, and every core an operation.

    A step's operations are too small to be shared among cores, and a network's towers do not wait for one another:
    on two cores a step of the default network takes three quarters of the time that it takes with TensorFlow's own
    setting. To be called before TensorFlow first computes in this process; who has set TF_NUM_INTRAOP_THREADS knows
    better.
    """
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
