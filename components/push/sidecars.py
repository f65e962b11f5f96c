"""Files beside a pushed model, written into its folder before the version appears."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from components.beat import ContextForm
from components.io.artifact_files import CONTEXT_FILE, KERAS_FILE, SIDECAR_DIR, write_json
from components.io.code_digest import code_digest
from components.io.serving import DIGESTS, HISTOGRAM, METRICS, MODEL_CARD, STATISTICS, model_digest, openvino_digests
from components.push.histogram import histogram_json
from components.push.model_card import model_card
from components.verdict import Verdict


@dataclass(frozen=True)
class Sidecars:
    """What is known of a model when it is pushed.

    Attributes:
        judgement: what `judgement.json` holds.
        verdict: the gate's.
        rows: beats of each split.
        data_digests: SHA-256 of the train and test files, 64 hex digits each.
        settings: the run's settings as JSON text.
        statistics: TFDV's statistics file of the train split.
        counts: int64[32], the train samples by value.
        precisions: what `precisions.json` holds, if it is among the model's extra assets.
    """

    judgement: Mapping[str, Any]
    verdict: Sequence[Verdict]
    rows: Mapping[str, int]
    data_digests: Mapping[str, str]
    settings: str
    statistics: Path
    counts: npt.NDArray[np.int64]
    precisions: Mapping[str, Any] = field(default_factory=dict)


def stage_version(model_dir: Path, staged: Path, known: Sidecars) -> str:
    """Copy a SavedModel and write its sidecars: a whole version, before it is pushed.

    Args:
        model_dir: the SavedModel, with its Keras file among its extra assets.
        staged: the folder to make.
        known: all else about the model.

    Returns:
        The model's digest.

    Raises:
        FileNotFoundError: the folder is not a SavedModel, or lacks its Keras file or the statistics file.
    """
    digest = model_digest(model_dir)
    if not (model_dir / KERAS_FILE).is_file():
        raise FileNotFoundError(f"{model_dir} holds no {KERAS_FILE}, which a pushed model carries along")
    shutil.copytree(model_dir, staged)
    beside = staged / SIDECAR_DIR
    shutil.copyfile(known.statistics, beside / STATISTICS)
    write_json(str(beside), METRICS, known.judgement)
    write_json(str(beside), HISTOGRAM, histogram_json(known.counts))
    digests = {
        "model": digest,
        "data": dict(known.data_digests),
        "code": code_digest(),
        "settings": hashlib.sha256(known.settings.encode()).hexdigest(),
        "openvino": openvino_digests(staged),
    }
    write_json(str(beside), DIGESTS, digests)
    file = model_dir / CONTEXT_FILE
    context = ContextForm.from_json(file.read_bytes()) if file.is_file() else None
    card = model_card(
        known.judgement, known.rows, digests, json.loads(known.settings), known.verdict, context, known.precisions
    )
    (beside / MODEL_CARD).write_text(card, encoding="utf-8")
    return digest
