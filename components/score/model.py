"""The model of a scoring process: loaded once, run on one thread, and verified to be the job's."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Final

import numpy as np

from components.beat import SAMPLES, ContextForm
from components.compat import import_tensorflow
from components.errors import DataRefused, HeartbeatError, UsageError
from components.io.artifact_files import CONTEXT_FILE, SIDECAR_DIR
from components.io.serving import DIGESTS, METRICS, PRECISIONS, ServingDirectory, model_digest, openvino_digests
from components.io.storage import absolute_path, is_remote, local_path, read_whole
from components.train.served import FAST_PRECISIONS, AnyPrecision, Precision, ServedModel, is_native, openvino_file

PROBE_BEATS: Final = 256
"""Enough beats for kernels with different instructions to round at least one answer differently."""


RELEASED: Final = "released"
"""Name of the model included in the package. Every worker loads it from its own installation."""


@dataclass(frozen=True)
class ModelRef:
    """A model that workers can load."""

    uri: str  # absolute path of its directory, URI of a version in a serving directory, or RELEASED
    digest: str  # 64 hex digits over its files
    # what a resumed job was computed with, see `ScoringModel.computing`; None for anything
    computing: str | None = None
    context: ContextForm | None = None  # the form of context that it reads; None if it reads only samples
    precision: Precision = "float32"  # in which it is computed

    @property
    def short_digest(self) -> str:
        """Return the 12 hex digits that every scored row carries."""
        return self.digest[:12]

    @property
    def released(self) -> bool:
        """Whether it is the model included in the package."""
        return self.uri == RELEASED


class ScoringModel(ServedModel):
    """The `beats` signature of a SavedModel, with its digest; arguments as for `ServedModel`.

    Raises:
        HeartbeatError: the directory holds no model that scores beats.
    """

    def __init__(self, model_dir: str, digest: str, precision: Precision = "float32") -> None:
        self.short_digest, self._precision = digest[:12], precision
        try:
            super().__init__(model_dir, precision)
        except (OSError, KeyError, ValueError) as error:
            raise HeartbeatError(
                f"{model_dir} is no model that scores beats: {type(error).__name__}: {error}. Name a directory that "
                "a run has pushed."
            ) from error

    @property
    def reads_context(self) -> bool:
        """Whether the model needs the context of beats."""
        return self.context_width > 0

    @cached_property
    def computing(self) -> str:
        """Name what the bytes of the results depend on besides the model and the beats.

        Engine, precision, version of pyarrow, which writes its own into files; and a digest of the answers to made-up
        beats, as their last digits vary with the processor's instructions.
        """
        import pyarrow as pa

        rng = np.random.default_rng(0)
        probe = rng.random((PROBE_BEATS, SAMPLES), np.float32)
        context = rng.random((PROBE_BEATS, self.context_width), np.float32) if self.reads_context else None
        answers = hashlib.sha256(self.answers(probe, PROBE_BEATS, context).probabilities.tobytes()).hexdigest()
        return f"{self.engine}, {self._precision}, pyarrow {pa.__version__}, arithmetic {answers[:8]}"


def use_one_thread() -> None:
    """Make TensorFlow compute on one thread; must be called before it has computed anything in this process.

    Raises:
        RuntimeError: TensorFlow has been used already, with more threads.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # its messages about devices are useless here
    threads = import_tensorflow().config.threading
    if (threads.get_intra_op_parallelism_threads(), threads.get_inter_op_parallelism_threads()) != (1, 1):
        threads.set_intra_op_parallelism_threads(1)
        threads.set_inter_op_parallelism_threads(1)


_loaded: dict[ModelRef, ScoringModel | HeartbeatError] = {}
_loading = threading.Lock()


def loaded_model(ref: ModelRef) -> ScoringModel:
    """Return the model of this process, loaded by the first call; if that failed, each call fails the same way.

    Raises:
        HeartbeatError: the model cannot be loaded, or is not the one the job began with.
    """
    with _loading:
        if ref not in _loaded:
            try:
                _loaded[ref] = _load(ref)
            except HeartbeatError as error:
                _loaded[ref] = error
        model = _loaded[ref]
    if isinstance(model, HeartbeatError):
        raise model
    return model


def _load(ref: ModelRef) -> ScoringModel:
    check_native(ref.precision)
    with opened_model(ref.uri) as folder:
        digest = model_digest(folder)
        if digest != ref.digest:
            raise HeartbeatError(
                f"The model in {ref.uri} is {digest[:12]}, the job began with {ref.short_digest}: it was changed. "
                "Score with a model that stays as it is."
            )
        if openvino_file(str(folder), ref.precision) is None:
            use_one_thread()
        else:
            _check_openvino_files(folder, digest)
        model = ScoringModel(str(folder), digest, ref.precision)
    if ref.computing not in (None, model.computing):
        raise HeartbeatError(
            f"The job was begun with {ref.computing}; here it is {model.computing}, so that the bytes would not be "
            "those of an unbroken run. Resume it on a machine like the first, or --overwrite it."
        )
    return model


def _check_openvino_files(folder: Path, digest: str) -> None:
    """Refuse files that are not those pushed with the SavedModel of this digest; a model without digests is accepted.

    Raises:
        HeartbeatError: one of them, or the SavedModel beside them, is another.
    """
    file = folder / SIDECAR_DIR / DIGESTS
    pushed = json.loads(file.read_bytes()) if file.is_file() else {}
    if pushed.get("model", digest) != digest:
        raise HeartbeatError(
            f"The model in {folder} is {digest[:12]}, but the files for OpenVINO were pushed with "
            f"{pushed['model'][:12]}. Push the model again."
        )
    found = openvino_digests(folder)
    for name, expected in pushed.get("openvino", {}).items():
        if found.get(name) != expected:
            raise HeartbeatError(f"{folder / name} is not the file that was pushed. Push the model again.")


@contextmanager
def opened_model(uri: str) -> Iterator[Path]:
    """Yield a model's local directory; a remote one is copied temporarily.

    Raises:
        UsageError: a URI that is not a version in a serving directory.
        EnvironmentRefused: the store is unreachable.
    """
    if not is_remote(uri):
        yield Path(local_path(model_place(uri)))
        return
    top, _, version = uri.rstrip("/").rpartition("/")
    if not version.isdigit():
        raise UsageError(f"{uri} is no pushed version: name one, such as {uri.rstrip('/')}/1700000000.")
    with ServingDirectory(top).opened(int(version)) as folder:
        yield folder


def find_model(model: str | None, serving: str, or_released: bool = False) -> ModelRef:
    """Return the model to score with: the one named, else the newest in the serving directory, else the released one.

    If the released one is allowed, a newest model that was trained on simulated beats must be named to be used.

    Raises:
        UsageError: there is no model there, and the released one is not allowed instead.
        EnvironmentRefused: it cannot be read.
    """
    named = model or _newest(serving)
    if or_released and model is None and (named is None or is_synthetic(named)):
        named = RELEASED
    if named is None:
        raise UsageError(
            f"Nothing was pushed to {serving} yet: train a model first (`make run`), or name one with --model, such as "
            f"{RELEASED}, or another serving directory with --serving."
        )
    uri = RELEASED if named == RELEASED else absolute_path(named)
    with opened_model(uri) as folder:
        try:
            return ModelRef(uri, model_digest(folder), context=_context_of(folder))
        except FileNotFoundError as error:
            raise UsageError(f"{error}. Name the directory of a model with --model.") from error


def choose_precision(wanted: AnyPrecision, uri: str, here: bool) -> Precision:
    """Return the precision to score in: for `auto` the fastest released one that all processors support.

    Args:
        wanted: a precision, or `auto`.
        uri: of the model.
        here: whether all workers are processes of this machine; other machines' processors are not known.

    Raises:
        UsageError: the model was not released in this precision, what says so is damaged, or this machine does not
            compute it.
        EnvironmentRefused: it cannot be read.
    """
    if wanted == "float32" or (wanted == "auto" and not here):
        return "float32"
    file = f"{model_place(uri)}/{SIDECAR_DIR}/{PRECISIONS}"
    try:
        measured = json.loads(read_whole(file))
    except DataRefused:
        measured = {}
    except ValueError as error:
        raise UsageError(f"{file} is damaged ({error}): push the model again, or score with float32.") from error
    released = [each for each in FAST_PRECISIONS if each in measured and measured[each]["refused"] is None]
    if wanted == "auto":
        return next((each for each in released if is_native(each)), "float32")
    if wanted not in released:
        why = measured[wanted]["refused"] if wanted in measured else f"What {wanted} changes was not measured."
        which = "The released model" if uri == RELEASED else f"The model in {uri}"
        raise UsageError(f"{which} does not come in {wanted}: {why} Score with --precision float32.")
    if here:
        check_native(wanted)
    return wanted


def check_native(precision: Precision) -> None:
    """Refuse what this machine would compute differently: TensorFlow in float32, OpenVINO with overflowing sums.

    Raises:
        UsageError: its processor has no instructions for the precision.
    """
    if not is_native(precision):
        raise UsageError(
            f"This machine's processor does not compute {precision}: score on one that does, or with --precision "
            "float32, and --overwrite where the job was begun."
        )


def model_place(uri: str) -> str:
    """Return where a model's files are; the released one's are in this installation."""
    return str(files("components.push") / RELEASED) if uri == RELEASED else uri


def is_synthetic(uri: str) -> bool:
    """Return whether a model was trained on simulated beats; False if nothing beside the model says so."""
    try:
        return bool(json.loads(read_whole(f"{model_place(uri)}/{SIDECAR_DIR}/{METRICS}"))["synthetic"])
    except (HeartbeatError, ValueError, KeyError):
        return False


def _context_of(folder: Path) -> ContextForm | None:
    """Return the form of context that a model reads.

    Raises:
        UsageError: the file that says so is damaged.
    """
    file = folder / CONTEXT_FILE
    if not file.is_file():
        return None
    try:
        return ContextForm.from_json(file.read_bytes())
    except ValueError as error:
        raise UsageError(
            f"{file} does not say which context the model reads ({error}): push the model again."
        ) from error


def _newest(serving: str) -> str | None:
    directory = ServingDirectory(serving)
    versions = directory.versions()
    return directory.location(versions[-1]) if versions else None
