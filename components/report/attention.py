"""What the network attends to: integrated gradients over test beats, compared with a network with random weights.

Integrated gradients (Sundararajan, Taly and Yan, 2017): the mean gradient of the class's log probability along the
straight line from a baseline beat to the beat, times the difference between the two. Positive values support the
class, negative ones oppose it; they add up to the difference of the two log probabilities. The network with redrawn
weights is the control: it has learnt nothing, so if its picture looks the same, the picture shows the beat's shape
and not what was learnt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES, SAMPLES
from components.errors import HeartbeatError, counted
from components.io.artifact_files import SERVING_MODEL
from components.report.content import Block, Picture, Pictures, Words
from components.report.drawing import INK, MAIN, SECOND, TIME_MS, WINDOW_MS, new_figure, picture
from components.report.material import RunMaterial
from components.report.wording import class_title

EACH: Final = 2
"""Number of beats per class."""

STEPS: Final = 64
"""Points on the line; sums then differ from the log probabilities by about a percent."""

FLOOR: Final = 1e-7
"""Added to a probability before its logarithm."""

CONTROL_SEED: Final = 8
"""Seed of the redrawn weights."""

CENTRE, HALF_HEIGHT = -0.45, 0.38
"""Where the attributions are drawn below the beat, in units of its amplitude."""

EXPLANATION: Final = (
    "Integrated gradients from the average training beat to each beat. Below the beat, solid blue marks samples that "
    "support the class, hatched orange samples that oppose it; each beat has its own scale. On the right is the same "
    "for the network with its weights redrawn at random, which has learnt nothing. If both sides look alike, the "
    "picture shows the beat's shape, not what was learnt. The beats are the first two of each class in the test split "
    "that were classified correctly; none was chosen by eye."
)

Signal = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Attribution:
    """Attributions of some beats by the model and by its control, float32[n, 187], in units of log probability."""

    learnt: Signal
    control: Signal

    def likeness(self) -> npt.NDArray[np.float64]:
        """Return the correlation of the absolute attributions of model and control, float64[n].

        Source: Adebayo et al., Sanity checks for saliency maps, 2018: compare with randomised weights.
        """
        pairs = zip(np.abs(self.learnt), np.abs(self.control), strict=True)
        return np.array([np.corrcoef(*pair)[0, 1] if pair[0].any() and pair[1].any() else 0 for pair in pairs])


def attention(material: RunMaterial) -> list[Block]:
    """Attribute a few test beats of each class to their samples."""
    if material.reads_context:
        return [Words("The network reads the context of beats, not their samples.")]
    label, probabilities = material.predictions["label"], material.predictions["candidate"]
    right = probabilities.argmax(axis=1) == label
    chosen = np.concatenate([np.flatnonzero(right & (label == index))[:EACH] for index in range(len(CLASSES))])
    beats = material.test_beats(chosen)
    model = str(Path(material.uri("FineTuner", "model"), SERVING_MODEL))
    attribution = attribute(model, beats.signal, material.train.mean, beats.label)
    pictures, absent = [], []
    for index, symbol in enumerate(CLASSES):
        of_class = np.flatnonzero(beats.label == index)
        if not len(of_class):
            absent.append(symbol)
            continue
        part = Attribution(attribution.learnt[of_class], attribution.control[of_class])
        names = [f"test row {row:,}" for row in chosen[of_class]]
        pictures.append(attention_picture(index, beats.signal[of_class], part, names))
    likeness = float(attribution.likeness().mean()) if len(chosen) else 0.0
    return [
        Words(EXPLANATION),
        Pictures(pictures),
        *([Words(f"No test beat of class {', '.join(absent)} was classified correctly.")] if absent else []),
        Words(f"Mean similarity to the control over these beats: {likeness:.2f} (1 would be identical)."),
    ]


def attention_picture(label: int, signal: Signal, attribution: Attribution, names: Sequence[str]) -> Picture:
    """Draw beats of one class, float32[n, 187], with the samples that support and oppose it."""
    columns = ((attribution.learnt, "this model"), (attribution.control, "weights redrawn"))
    with new_figure(0.9 + 1.15 * len(signal)) as figure:
        plots = figure.subplots(len(signal), 2, sharex=True, sharey=True, squeeze=False)
        for column, (values, title) in enumerate(columns):
            for row, beat in enumerate(signal):
                axes = plots[row, column]
                height = CENTRE + HALF_HEIGHT * values[row] / (float(np.abs(values[row]).max()) or 1.0)
                axes.plot(TIME_MS, beat, color=INK, linewidth=1.2)
                axes.axhline(CENTRE, color=INK, linewidth=0.5)
                for side, colour, hatch in ((values[row] > 0, MAIN, ""), (values[row] < 0, SECOND, "////")):
                    axes.fill_between(TIME_MS, CENTRE, np.where(side, height, CENTRE), step="mid", color=colour,
                                      linewidth=0, hatch=hatch)  # fmt: skip
                axes.set(xlim=WINDOW_MS, xticks=(0, 500, 1000, 1500), ylim=(-0.9, 1.08), yticks=())
                axes.grid(visible=False)
                if row == 0:
                    axes.set_title(title)
                if column == 0:
                    axes.set_ylabel(names[row], fontsize=8)
        figure.suptitle(class_title(label), fontsize=9.5)
        figure.supxlabel("time (ms)", fontsize=9.5)
    likeness = ", ".join(f"{value:.2f}" for value in attribution.likeness())
    peaks = ", ".join(f"{TIME_MS[int(np.abs(values).argmax())]:.0f} ms" for values in attribution.learnt)
    alt = (
        f"Attribution over {counted(len(signal), 'beat')} of class {class_title(label)}, next to a control with "
        f"redrawn weights. The samples that count most are at {peaks}; similarity to the control {likeness}."
    )
    caption = f"Class {CLASSES[label]}. Similarity to the control (correlation): {likeness}."
    return picture(figure, alt, caption)


def attribute(model_dir: str, signal: Signal, baseline: Signal, label: npt.NDArray[np.int64]) -> Attribution:
    """Attribute the class of each beat, float32[n, 187], to its samples, for a SavedModel and for its control.

    The baseline is float32[187].

    Raises:
        HeartbeatError: the model does not expose its weights, so there can be no control.
    """
    import tensorflow as tf

    model = tf.saved_model.load(model_dir)
    learnt = _integrated_gradients(model.signatures["beats"], signal, baseline, label)
    redraw_weights(model)
    return Attribution(learnt, _integrated_gradients(model.signatures["beats"], signal, baseline, label))


def redraw_weights(model: Any) -> None:
    """Replace every kernel of a loaded model by normal random numbers of the same mean and spread.

    Raises:
        HeartbeatError: the model does not expose its weights.
    """
    import tensorflow as tf

    weights = tf.nest.flatten([getattr(model, "weights", []), getattr(model, "folded", [])])
    kernels = [weight for weight in weights if len(weight.shape) > 1]
    if not kernels:
        raise HeartbeatError("The model does not expose its weights, so there is no control with redrawn ones.")
    rng = np.random.default_rng(CONTROL_SEED)
    for kernel in kernels:
        values = kernel.numpy()
        kernel.assign(rng.normal(values.mean(), values.std(), values.shape).astype(values.dtype))


def _integrated_gradients(signature: Any, signal: Signal, baseline: Signal, label: npt.NDArray[np.int64]) -> Signal:
    import tensorflow as tf

    shares = ((np.arange(STEPS, dtype=np.float32) + 0.5) / STEPS)[:, None]
    difference = signal - baseline
    line = tf.constant((baseline + shares * difference[:, None, :]).reshape(-1, SAMPLES))  # (n * STEPS, 187)
    classes = np.repeat(label, STEPS)[:, None]
    with tf.GradientTape() as tape:
        tape.watch(line)
        probability = tf.gather(signature(signal=line)["probabilities"], classes, batch_dims=1)
        log_probability = tf.math.log(probability + FLOOR)
    gradient: Signal = tape.gradient(log_probability, line).numpy()
    return gradient.reshape(len(signal), STEPS, SAMPLES).mean(axis=1) * difference
