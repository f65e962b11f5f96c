"""How training tells how far it is: one JSON line an epoch, to the logger `heartbeat.progress`."""

from __future__ import annotations

import json
import logging

_LOGGER = logging.getLogger("heartbeat.progress")


def report_epoch(
    stage: str, phase: str, epoch: int, epochs: int, loss: float, val_accuracy: float | None, seconds: float
) -> None:
    """Log the end of an epoch.

    Args:
        stage: `Tuner`, `Trainer` or `FineTuner`.
        phase: what the stage is at: `trial 2`, `clean`, `frozen`, `finetuned`, `refitted`.
        epoch: number of the epoch that ended, from 1.
        epochs: epochs of the phase.
        loss: mean over the epoch's training batches.
        val_accuracy: 0..1, on the clean beats of the eval split; None where they are trained on.
        seconds: wall time of the epoch, validation included.
    """
    line: dict[str, str | float] = {"stage": stage, "phase": phase, "epoch": epoch, "epochs": epochs}
    line["loss"] = round(loss, 5)
    if val_accuracy is not None:
        line["val_accuracy"] = round(val_accuracy, 5)
    line["seconds"] = round(seconds, 2)
    _LOGGER.info(json.dumps(line))
