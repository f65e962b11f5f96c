"""The `beats` signature of a SavedModel as a function of beats, computed with as many bits as is asked for."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES, SAMPLES
from components.compat import import_tensorflow, silenced
from components.io.artifact_files import INT8_FILE

Precision = Literal["float32", "bfloat16", "int8"]

AnyPrecision = Literal[Precision, "auto"]
"""One of them, or the fastest that can be had."""

FAST_PRECISIONS: Final[tuple[Precision, ...]] = ("int8", "bfloat16")
"""Those with fewer bits, fastest first."""

INSTRUCTIONS: Final = {"int8": {"avx512_vnni", "avx_vnni"}, "bfloat16": {"avx512_bf16"}}
"""Any of these makes a processor compute a precision natively; names as in /proc/cpuinfo."""

BFLOAT16_OPTION: Final = "auto_mixed_precision_onednn_bfloat16"
"""TensorFlow's option, which holds for all of a process."""

INT8_BEATS: Final = 64
"""Beats in a call of the int8 model, always, so that nothing is planned again: as fast as larger calls."""

Columns = dict[str, npt.NDArray[np.float32]]
Ask = Callable[[Columns], dict[str, npt.NDArray[Any]]]
"""Answers the inputs of the signature, by name, with its outputs, by name."""


@dataclass(frozen=True)
class Answers:
    """What a model says of n beats."""

    probabilities: npt.NDArray[np.float32]  # float32[n, 5]
    abstain: npt.NDArray[np.bool_]  # bool[n]; all false for a model without a threshold

    @cached_property
    def predicted(self) -> npt.NDArray[np.int64]:
        """The most probable class of each beat, int64[n]."""
        predicted: npt.NDArray[np.int64] = self.probabilities.argmax(axis=1)
        return predicted


class ServedModel:
    """The `beats` signature of a SavedModel.

    Args:
        model_dir: a local directory.
        precision: that it is computed in; int8 only for a model that was released so.

    Raises:
        OSError, KeyError, ValueError: the directory holds no such model.
    """

    def __init__(self, model_dir: str, precision: Precision = "float32") -> None:
        self.context_width = 0  # numbers that it reads of a beat's context
        if precision == "int8":
            self._ask = _int8_model(Path(model_dir, INT8_FILE))
            return
        tf = import_tensorflow()
        model = tf.saved_model.load(model_dir)
        signature = model.signatures["beats"]
        context = signature.structured_input_signature[1].get("context")
        self.context_width = 0 if context is None else int(context.shape[1])

        def ask(columns: Columns) -> dict[str, npt.NDArray[Any]]:
            _ = model  # the signature alone does not keep its variables alive
            with _bfloat16() if precision == "bfloat16" else nullcontext():
                outputs = signature(**{name: tf.constant(values, tf.float32) for name, values in columns.items()})
            return {name: values.numpy() for name, values in outputs.items()}

        self._ask = ask

    def answers(
        self, signal: npt.NDArray[np.float32], batch: int, context: npt.NDArray[np.float32] | None = None
    ) -> Answers:
        """Answer beats, in as few calls as take `batch` beats each, all about as large.

        Args:
            signal: float32[n, 187] in 0..1.
            batch: most beats in a call.
            context: float32[n, k], for a model that reads it; may be left out where there are no beats.

        Raises:
            ValueError: the context is not of as many numbers as the model reads.
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
        calls = -(-len(signal) // batch)
        split = {name: np.array_split(values, calls) if calls else [] for name, values in columns.items()}
        for call, block in enumerate(split["signal"]):
            outputs = self._ask({name: each[call] for name, each in split.items()})
            probabilities.append(outputs["probabilities"])
            abstain.append(outputs.get("abstain", np.zeros(len(block), np.bool_)))
        return Answers(np.concatenate(probabilities), np.concatenate(abstain))


_one_precision = threading.Lock()


@contextmanager
def _bfloat16() -> Iterator[None]:
    """Have TensorFlow compute in bfloat16 meanwhile, and what the process does afterwards in float32 again."""
    options = import_tensorflow().config.optimizer
    with _one_precision:  # a thread that ends would take it from the others
        options.set_experimental_options({BFLOAT16_OPTION: True})
        try:
            yield
        finally:
            options.set_experimental_options({BFLOAT16_OPTION: False})


def _int8_model(file: Path) -> Ask:
    """Load a TFLite model, whose calls are all of INT8_BEATS beats, the last filled up with zeros.

    Not by its signature's runner, which TensorFlow 2.16 computes without its fast kernels.
    """
    with silenced(), warnings.catch_warnings():  # that TFLite has a package of its own, and which kernels it uses
        warnings.simplefilter("ignore")
        interpreter = import_tensorflow().lite.Interpreter(model_content=file.read_bytes(), num_threads=1)
        [signal_tensor] = (each["index"] for each in interpreter.get_input_details())
        interpreter.resize_tensor_input(signal_tensor, (INT8_BEATS, SAMPLES))
        interpreter.allocate_tensors()
    one_thread = threading.Lock()
    outputs = {
        "probabilities" if len(each["shape"]) == 2 else "abstain": each["index"]
        for each in interpreter.get_output_details()
    }

    def ask(columns: Columns) -> dict[str, npt.NDArray[Any]]:
        signal = columns["signal"]
        filled = np.zeros((-(-len(signal) // INT8_BEATS) * INT8_BEATS, SAMPLES), np.float32)
        filled[: len(signal)] = signal
        answers: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in outputs}
        with one_thread:  # of those of a Beam worker, which share the tensors
            for start in range(0, len(filled), INT8_BEATS):
                interpreter.set_tensor(signal_tensor, filled[start : start + INT8_BEATS])
                interpreter.invoke()
                for name, tensor in outputs.items():
                    answers[name].append(interpreter.get_tensor(tensor))
        return {name: np.concatenate(each)[: len(signal)] for name, each in answers.items()}

    return ask


def is_native(precision: Precision) -> bool:
    """Return whether this machine's processor has instructions for a precision; not known but on Linux."""
    if precision == "float32":
        return True
    cpuinfo = Path("/proc/cpuinfo")
    flags = set(cpuinfo.read_text().split()) if cpuinfo.exists() else set[str]()
    return bool(flags & INSTRUCTIONS[precision])
