"""The `beats` signature of a SavedModel as a function of beats, computed in the requested precision."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES
from components.compat import import_tensorflow
from components.io.artifact_files import FLOAT32_FILE, INT8_FILE

Precision = Literal["float32", "bfloat16", "int8"]

AnyPrecision = Literal[Precision, "auto"]
"""One of them, or the fastest available."""

FAST_PRECISIONS: Final[tuple[Precision, ...]] = ("int8", "bfloat16")
"""The lower precisions, fastest first."""

INSTRUCTIONS: Final = {"int8": {"avx512_vnni", "avx_vnni"}, "bfloat16": {"avx512_bf16"}}
"""Any of these makes a processor compute a precision natively; names as in /proc/cpuinfo."""

BFLOAT16_OPTION: Final = "auto_mixed_precision_onednn_bfloat16"
"""TensorFlow's option, which applies to the whole process."""

OPENVINO_BEATS: Final = 256
"""Beats in every call of OpenVINO, so that it plans once; the last call is padded."""

Columns = dict[str, npt.NDArray[np.float32]]
Ask = Callable[[Columns], dict[str, npt.NDArray[Any]]]
"""Maps the signature's inputs, by name, to its outputs, by name."""


@dataclass(frozen=True)
class Answers:
    """A model's answers for n beats."""

    probabilities: npt.NDArray[np.float32]  # float32[n, 5]
    abstain: npt.NDArray[np.bool_]  # bool[n]; all false for a model without a threshold

    @cached_property
    def predicted(self) -> npt.NDArray[np.int64]:
        """The most probable class of each beat, int64[n]."""
        predicted: npt.NDArray[np.int64] = self.probabilities.argmax(axis=1)
        return predicted


class ServedModel:
    """The `beats` signature of a SavedModel: computed by OpenVINO if it was pushed in the precision, or by TensorFlow.

    Attributes:
        context_width: how many numbers of context it reads per beat.
        engine: what computes it, and its version.

    Args:
        model_dir: a local directory.
        precision: to compute in; int8 only for a model that was released in it.

    Raises:
        OSError, KeyError, ValueError: the directory holds no such model.
    """

    def __init__(self, model_dir: str, precision: Precision = "float32") -> None:
        file = openvino_file(model_dir, precision)
        self._pads_calls = file is not None
        self._ask, self.context_width, self.engine = (
            _tensorflow_model(model_dir, precision) if file is None else _openvino_model(file)
        )

    def answers(
        self, signal: npt.NDArray[np.float32], batch: int, context: npt.NDArray[np.float32] | None = None
    ) -> Answers:
        """Answer beats, in the fewest calls of at most `batch` beats, all about equally large.

        Args:
            signal: float32[n, 187] in 0..1.
            batch: maximum beats per call of TensorFlow; OpenVINO's calls have a fixed size.
            context: float32[n, k], for a model that reads it; may be left out if there are no beats.

        Raises:
            ValueError: the context has not as many numbers as the model reads.
        """
        columns = {"signal": signal}
        if self.context_width and len(signal):
            numbers = 0 if context is None else context.shape[1]
            if context is None or numbers != self.context_width:
                raise ValueError(
                    f"it reads a context of {self.context_width} numbers a beat, and these beats have {numbers}"
                )
            columns["context"] = context
        probabilities = [np.empty((0, len(CLASSES)), np.float32)]
        abstain = [np.empty(0, np.bool_)]
        # If OpenVINO's were also split here, most of their last calls would be padded: a tenth of its time.
        calls = min(len(signal), 1) if self._pads_calls else -(-len(signal) // batch)
        split = {name: np.array_split(values, calls) if calls else [] for name, values in columns.items()}
        for call, block in enumerate(split["signal"]):
            outputs = self._ask({name: each[call] for name, each in split.items()})
            probabilities.append(outputs["probabilities"])
            abstain.append(outputs.get("abstain", np.zeros(len(block), np.bool_)))
        return Answers(np.concatenate(probabilities), np.concatenate(abstain))


def openvino_file(model_dir: str, precision: Precision) -> Path | None:
    """Return the file that OpenVINO computes a precision from; None if TensorFlow computes the SavedModel."""
    if precision == "int8":
        return Path(model_dir, INT8_FILE)
    file = Path(model_dir, FLOAT32_FILE)
    return file if precision == "float32" and file.is_file() else None


def _tensorflow_model(model_dir: str, precision: Precision) -> tuple[Ask, int, str]:
    """Load a SavedModel into TensorFlow; return it, the numbers of context that it reads, and the engine.

    Raises:
        OSError, KeyError, ValueError: the directory holds no such model.
    """
    tf = import_tensorflow()
    try:
        model = tf.saved_model.load(model_dir)
    except tf.errors.OpError as error:
        raise ValueError(str(error)) from error
    signature = model.signatures["beats"]
    context = signature.structured_input_signature[1].get("context")

    def ask(columns: Columns) -> dict[str, npt.NDArray[Any]]:
        _ = model  # the signature alone does not keep its variables alive
        with _bfloat16() if precision == "bfloat16" else nullcontext():
            outputs = signature(**{name: tf.constant(values, tf.float32) for name, values in columns.items()})
        return {name: values.numpy() for name, values in outputs.items()}

    return ask, 0 if context is None else int(context.shape[1]), f"TensorFlow {tf.__version__}"


_one_precision = threading.Lock()


@contextmanager
def _bfloat16() -> Iterator[None]:
    """Make TensorFlow compute in bfloat16 within the block, and in float32 again after it."""
    options = import_tensorflow().config.optimizer
    with _one_precision:  # else the first thread to end would switch it off for the others
        options.set_experimental_options({BFLOAT16_OPTION: True})
        try:
            yield
        finally:
            options.set_experimental_options({BFLOAT16_OPTION: False})


def _openvino_model(file: Path) -> tuple[Ask, int, str]:
    """Load a model into OpenVINO, to be computed on one thread.

    Returns:
        The model, the numbers of context that it reads, and the engine with its version.

    Raises:
        ValueError: the file is missing, or is not such a model.
    """
    core, version = openvino_core()
    # By default OpenVINO computes float32 in bfloat16 if that is faster.
    settings = {"INFERENCE_NUM_THREADS": 1, "ENABLE_CPU_PINNING": False, "INFERENCE_PRECISION_HINT": "f32"}
    try:
        model = core.read_model(file)
        widths = {each: each.get_partial_shape()[1].get_length() for each in model.inputs}
        model.reshape({each: [OPENVINO_BEATS, width] for each, width in widths.items()})
        request = core.compile_model(model, "CPU", settings).create_infer_request()
    except RuntimeError as error:
        raise ValueError(str(error).strip().rpartition("\n")[2]) from error
    # TFLite's names have the signature's before them.
    inputs = {
        "context" if "context" in each.get_any_name() else "signal": request.get_tensor(each).data
        for each in request.model_inputs
    }
    outputs = {
        "probabilities" if len(each.shape) == 2 else "abstain": request.get_tensor(each)
        for each in request.model_outputs
    }
    one_thread = threading.Lock()

    def ask(columns: Columns) -> dict[str, npt.NDArray[Any]]:
        beats = len(columns["signal"])
        answers = {name: np.empty((beats, *tensor.shape[1:]), tensor.data.dtype) for name, tensor in outputs.items()}
        with one_thread:  # of those of a Beam worker, which share the tensors
            for start in range(0, beats, OPENVINO_BEATS):
                block = slice(start, min(start + OPENVINO_BEATS, beats))
                size = block.stop - start
                for name, values in inputs.items():
                    values[:size], values[size:] = columns[name][block], 0
                request.infer()
                for name, tensor in outputs.items():
                    answers[name][block] = tensor.data[:size]
        return answers

    width = inputs["context"].shape[1] if "context" in inputs else 0
    return ask, width, f"OpenVINO {version}"


@cache
def openvino_core() -> tuple[Any, str]:
    """Return OpenVINO's core, one for the process, and its version.

    It sets the thread's alternate signal stack while it lives. Cores deleted in another order than created leave
    a dangling stack, and the next signal, even Ctrl-C's, ends the process with 139.
    """
    sys.modules.setdefault("openvino.tools.ovc", None)  # type: ignore[arg-type]
    # The converter: nothing here calls it, it takes half of the time of the import, and it sends telemetry.
    import openvino

    return openvino.Core(), openvino.__version__.partition("-")[0]


def is_native(precision: Precision) -> bool:
    """Return whether this machine's processor has instructions for a precision; False unless Linux says so."""
    if precision == "float32":
        return True
    cpuinfo = Path("/proc/cpuinfo")
    flags = set(cpuinfo.read_text().split()) if cpuinfo.exists() else set[str]()
    return bool(flags & INSTRUCTIONS[precision])
