"""What a pushed model runs from: OpenVINO's files, and the lower precisions, released or refused with a reason.

OpenVINO reads float32 and int8 from separate files, so that scoring needs no TensorFlow.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import absl.logging
import numpy as np
import numpy.typing as npt

from components.beat import Beats
from components.compat import import_tensorflow
from components.evaluate.calibration import reliability
from components.evaluate.intervals import paired_bootstrap
from components.evaluate.judge import noisy_signal
from components.evaluate.metrics import accuracy_of, measure
from components.evaluate.settings import EvaluateSettings
from components.io.artifact_files import FLOAT32_FILE, INT8_FILE, SIDECAR_DIR, write_json
from components.io.serving import PRECISIONS
from components.train.served import FAST_PRECISIONS, Answers, Precision, ServedModel, is_native, openvino_core

LEAST_ANSWERS: Final = 10_000
"""Least number of answers to validation beats, clean and noisy, for a precision to be released."""

MOST_CHANGED: Final = 0.001
"""Share of the answers to validation beats that a precision may change."""

CALIBRATED_ON: Final = 2_000
"""Train beats, evenly spread over the split, for the value ranges of the int8 model, clean and noisy."""

IN_FLOAT: Final = ("SUB", "MUL", "FULLY_CONNECTED", "PACK", "MEAN", "SOFTMAX", "REDUCE_MAX", "LESS")
"""TFLite operations that stay float32: normalisation, head and threshold, as int8 has only 256 values."""

TOLERANCE: Final = 1e-5
"""Largest difference between a probability by OpenVINO in float32 and by TensorFlow."""

BATCH: Final = 2048

Answered = dict[str, Answers]
"""Answers to `clean` and `noisy` beats."""


def stage_precisions(model_dir: Path, read_beats: Callable[[str], Beats], settings: EvaluateSettings) -> dict[str, Any]:
    """Write OpenVINO's files and `precisions.json` beside a model that is about to be pushed: int8 if it is released.

    Args:
        model_dir: the SavedModel as TensorFlow computes it, with its Keras file among its extra assets.
        read_beats: reads the split `train`, `eval` or `test`.
        settings: the noise and the seed that the model was judged with.

    Returns:
        Precision -> `refused`, a sentence or None, and figures by split, each by `clean` and `noisy`; empty if there
        are too few beats, or the model reads context: it is small, and fast in float32.
    """
    judged_on = {"eval": read_beats("eval")}
    reference = stage_float32(model_dir, judged_on["eval"])
    if reference.context_width or 2 * len(judged_on["eval"].label) < LEAST_ANSWERS:
        return {}
    judged_on["test"] = read_beats("test")
    kinds = {split: _clean_and_noisy(beats.signal, settings) for split, beats in judged_on.items()}
    expected = {split: _answers(reference, each) for split, each in kinds.items()}
    if is_native("int8"):
        train = read_beats("train").signal
        seen = _clean_and_noisy(train[:: max(len(train) // CALIBRATED_ON, 1)], settings)
        (model_dir / INT8_FILE).write_bytes(quantised(str(model_dir), np.concatenate(list(seen.values()))))
    measured: dict[str, Any] = {}
    for precision in FAST_PRECISIONS:
        if not is_native(precision):
            measured[precision] = {"refused": "The machine that pushed it does not compute it, so it was not measured."}
            continue
        model = ServedModel(str(model_dir), precision)
        found = {split: _answers(model, each) for split, each in kinds.items()}
        measured[precision] = {
            "refused": refusal(precision, found["eval"], expected["eval"], judged_on["eval"].label, settings.seed),
            **{split: _figures(found[split], expected[split], judged_on[split].label) for split in found},
        }
    if measured["int8"]["refused"] is not None:
        (model_dir / INT8_FILE).unlink(missing_ok=True)
    write_json(str(model_dir / SIDECAR_DIR), PRECISIONS, measured)
    return measured


def stage_float32(model_dir: Path, beats: Beats) -> ServedModel:
    """Write a SavedModel's signature `beats` for OpenVINO; not if its answers to these beats differ.

    Returns:
        The model as TensorFlow computes it.
    """
    reference = ServedModel(str(model_dir))
    expected = reference.answers(beats.signal, BATCH, beats.context).probabilities
    write_float32(model_dir)
    found = ServedModel(str(model_dir)).answers(beats.signal, BATCH, beats.context).probabilities
    if len(beats) and (difference := float(np.abs(found - expected).max())) > TOLERANCE:
        file = model_dir / FLOAT32_FILE
        file.unlink()
        file.with_suffix(".bin").unlink()
        absl.logging.warning("OpenVINO's probabilities differ by %g: TensorFlow will score with this model", difference)
    return reference


def write_float32(model_dir: Path) -> None:
    """Convert a SavedModel's signature `beats` for OpenVINO, in float32."""
    tf = import_tensorflow()
    core, _ = openvino_core()
    import openvino  # after it, without its converter

    with tempfile.TemporaryDirectory() as scratch:
        model = tf.saved_model.load(str(model_dir))
        # OpenVINO reads this signature alone.
        tf.saved_model.save(model, scratch, signatures={"serving_default": model.signatures["beats"]})
        openvino.save_model(core.read_model(scratch), model_dir / FLOAT32_FILE, compress_to_fp16=False)


def quantised(model_dir: str, signal: npt.NDArray[np.float32]) -> bytes:
    """Convert a SavedModel's signature `beats` to TFLite with its convolutions in int8.

    Args:
        model_dir: a local directory.
        signal: float32[n, 187], beats for the value ranges.
    """
    tf = import_tensorflow()

    def beats() -> Iterator[dict[str, npt.NDArray[np.float32]]]:
        for row in signal:
            yield {"signal": row[None]}

    converter = tf.lite.TFLiteConverter.from_saved_model(model_dir, signature_keys=["beats"])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = beats
    options = tf.lite.experimental.QuantizationDebugOptions(denylisted_ops=list(IN_FLOAT))
    chosen = tf.lite.experimental.QuantizationDebugger(converter=converter, debug_dataset=beats, debug_options=options)
    content: bytes = chosen.get_nondebug_quantized_model()
    return content


def refusal(
    precision: Precision, found: Answered, expected: Answered, label: npt.NDArray[np.int64], seed: int
) -> str | None:
    """Say why a precision is not released, by validation beats; None if it is.

    Args:
        precision: the measured one.
        found: its answers.
        expected: those of float32.
        label: int64[n], the true classes.
        seed: of the interval's resamples.
    """
    changed = float(np.mean([found[kind].predicted != expected[kind].predicted for kind in found]))
    if changed > MOST_CHANGED:
        return (
            f"{precision} changes {changed:.3%} of {2 * len(label):,} answers to validation beats, clean and noisy, "
            f"more than {MOST_CHANGED:.1%}."
        )
    for kind, answers in found.items():
        low, high = paired_bootstrap(label, answers.predicted, expected[kind].predicted, accuracy_of, seed)
        if high < 0:
            return f"{precision} loses {-high:.3%} to {-low:.3%} of accuracy on {kind} validation beats."
    return None


def _clean_and_noisy(signal: npt.NDArray[np.float32], settings: EvaluateSettings) -> dict[str, npt.NDArray[np.float32]]:
    return {"clean": signal, "noisy": noisy_signal(signal, settings.draws[0], settings.noise_sd)}


def _answers(model: ServedModel, signals: Mapping[str, npt.NDArray[np.float32]]) -> Answered:
    return {kind: model.answers(signal, BATCH) for kind, signal in signals.items()}


def _figures(found: Answered, expected: Answered, label: npt.NDArray[np.int64]) -> dict[str, Any]:
    return {
        kind: {
            "beats": len(label),
            "changed": int((found[kind].predicted != expected[kind].predicted).sum()),
            "float32": _figures_of(expected[kind], label),
            "own": _figures_of(found[kind], label),
        }
        for kind in found
    }


def _figures_of(answers: Answers, label: npt.NDArray[np.int64]) -> dict[str, float]:
    figures = measure(answers.probabilities, label)
    _, error = reliability(answers.probabilities.max(axis=1), answers.predicted == label)
    return {
        "accuracy": figures["accuracy"],
        "macro_f1": figures["macro_f1"],
        "abstained": float(answers.abstain.mean()),
        "ece": error,
    }
