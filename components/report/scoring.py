"""Results of a scoring job compared with its model's training data, and its provenance: model and inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES
from components.errors import HeartbeatError
from components.io.text import arrow_buffer
from components.recordings.inputs import Recording
from components.report.classes import confusion_picture
from components.report.content import Block, Picture, Pictures, Table, Words
from components.report.drawing import CLASS_COLOURS, MAIN, SECOND, new_figure, picture
from components.report.material import NotReachedError, ScoringMaterial
from components.report.wording import class_title, count, number, percent
from components.score.job import JOB_FILE
from components.validate.settings import ValidateSettings

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_READ: Final = 500_000
"""Maximum scored rows whose probabilities are read: a second or two."""

NEW_PATIENTS: Final = "If the model was trained on beats of these patients, it will do worse on new ones."

LEVELS: Final = (0.5, 0.8, 0.9, 0.95, 0.99)
"""Probabilities below which the table counts rows."""

PROBABILITIES: Final = [f"p_{symbol}" for symbol in CLASSES]
"""Columns of scored rows."""

INPUTS: Final = 200
"""Maximum inputs in the table."""

CONFIDENCE_BINS: Final = 40

DASHES: Final = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
"""A line style for each class, in addition to its colour."""


def predicted_classes(material: ScoringMaterial) -> list[Block]:
    """Compare the classes' shares with those of training, and with the inputs' own labels."""
    summary = material.summary
    counts = list(summary["classes"].values())
    scored, trained = _shares(counts), _shares(material.training_counts)
    if not summary["rows"]["scored"]:
        raise NotReachedError("No row was scored.")
    change, limit = share_change(material), ValidateSettings().label_drift
    verdict = "more than" if change > limit else "not more than"
    pictures = [shares_beside_picture(scored, trained)]
    if summary["confusion"] is not None:
        right = float(np.trace(summary["confusion"]) / max(np.sum(summary["confusion"]), 1))
        caption = f"Rows are the inputs' own labels; {percent(right)} agree. {NEW_PATIENTS}"
        pictures.append(confusion_picture(summary["confusion"], "scored rows, by their own labels", caption))
    blocks: list[Block] = [
        Words(
            f"The largest change in a class's share is {change:.3f}, {verdict} the {limit:g} at which the data gate "
            "stops a training run. Predicted classes are compared with the true classes of the training data, so the "
            "model's own mistakes are part of the change.",
            "warn" if change > limit else "plain",
        ),
        Pictures(pictures),
        Table(
            "Rows by predicted class",
            ["class", "rows", "share", "share in training"],
            [
                [class_title(index), count(rows), percent(scored[index]), percent(trained[index])]
                for index, rows in enumerate(counts)
            ],
        ),
    ]
    if summary["confusion"] is None:
        blocks.append(Words("Not all inputs have labels, so it is not known how many of these are right."))
    return blocks


def _shares(counts: Sequence[int]) -> list[float]:
    return [of_class / max(sum(counts), 1) for of_class in counts]


def shares_beside_picture(scored: Sequence[float], trained: Sequence[float]) -> Picture:
    """Draw each class's share of the scored rows (full) next to that of the training beats (hatched)."""
    x = np.arange(len(CLASSES))
    with new_figure(3.0) as figure:
        axes = figure.subplots()
        axes.bar(x - 0.2, scored, 0.38, color=CLASS_COLOURS)
        axes.bar(x + 0.2, trained, 0.38, color="none", edgecolor=CLASS_COLOURS, hatch="////")
        for middle, share in [*zip(x - 0.2, scored, strict=True), *zip(x + 0.2, trained, strict=True)]:
            axes.annotate(f"{100 * share:.1f}", (middle, share), (0, 2), textcoords="offset points", ha="center",
                          fontsize=7.5)  # fmt: skip
        axes.set_xticks(x, CLASSES)
        axes.set(title="Scored rows (full) and training beats (hatched)", ylabel="share", ylim=(0, 1.1))
        axes.grid(visible=False, axis="x")
    listed = "; ".join(
        f"{symbol} {100 * now:.1f} % of the rows, {100 * before:.1f} % in training"
        for symbol, now, before in zip(CLASSES, scored, trained, strict=True)
    )
    return picture(figure, f"Class shares. {listed}.", "The numbers are percentages.")


def confidence(material: ScoringMaterial) -> list[Block]:
    """Draw the model's confidence."""
    probabilities = _probabilities(material)
    if not len(probabilities):
        raise NotReachedError("No row was scored.")
    highest, predicted = probabilities.max(axis=1), probabilities.argmax(axis=1)
    read, total = len(probabilities), material.summary["rows"]["scored"]
    caption = f"{count(read)} scored rows." if read == total else f"The first {count(read)} of {count(total)}."
    below = [(level, highest < level) for level in LEVELS]
    rows = [[f"{level:g}", count(int(lower.sum())), percent(float(lower.mean()))] for level, lower in below]
    return [
        Pictures([confidence_picture(highest, predicted, caption)]),
        Table("Rows by how sure the model was", ["probability below", "rows", "share"], rows),
    ]


def _probabilities(material: ScoringMaterial) -> npt.NDArray[np.float32]:
    """Read the probabilities of the first scored rows, float32[n, 5]."""
    parts, read = [np.empty((0, len(CLASSES)), np.float32)], 0
    for record in material.records:
        if read >= ROWS_READ:
            break
        content = material.folder.read(record.parts.name)
        if content is not None and record.scored:
            table = read_rows(content, material.folder.path(record.parts.name), PROBABILITIES)
            parts.append(np.column_stack([table.column(name).to_numpy() for name in PROBABILITIES]))
            read += record.scored
    return np.concatenate(parts).astype(np.float32)


def read_rows(content: bytes, path: str, names: Sequence[str]) -> pa.Table:
    """Return columns of a file of scored rows, Parquet or CSV by its name.

    Raises:
        HeartbeatError: it cannot be read.
    """
    import pyarrow as pa
    from pyarrow import csv, parquet

    file = pa.BufferReader(arrow_buffer(content))
    try:
        if path.endswith(".parquet"):
            return parquet.read_table(file, columns=list(names))
        return csv.read_csv(file, convert_options=csv.ConvertOptions(include_columns=names))
    except (pa.ArrowException, OSError) as error:
        raise HeartbeatError(
            f"{path} cannot be read ({error}): `heartbeat score --resume` scores its shard again."
        ) from error


def confidence_picture(highest: npt.NDArray[np.float32], predicted: npt.NDArray[np.int64], caption: str) -> Picture:
    """Draw the model's confidence in its predicted classes, int64[n]; `highest` has their probabilities."""
    with new_figure(3.1) as figure:
        axes = figure.subplots()
        for index, colour in enumerate(CLASS_COLOURS):
            counts, edges = np.histogram(highest[predicted == index], CONFIDENCE_BINS, (0, 1))
            axes.stairs(counts, edges, color=colour, linestyle=DASHES[index], linewidth=1.6, label=CLASSES[index])
        axes.set(title="How sure the model was", xlabel="probability of the predicted class", ylabel="rows (log)",
                 xlim=(0, 1), yscale="log")  # fmt: skip
        figure.legend(loc="outside lower center", ncols=len(CLASSES))
    low, median = np.percentile(highest, (5, 50))
    alt = f"Histogram of the probabilities of the predicted classes: half above {median:.3f}, 5 % below {low:.3f}."
    return picture(figure, alt, caption)


def drift(material: ScoringMaterial) -> list[Block]:
    """Compare the distribution of samples over 0..1 with training."""
    if not material.summary["rows"]["scored"]:
        raise NotReachedError("No row was scored.")
    divergence, limit = signal_divergence(material), ValidateSettings().signal_drift
    verdict = "more than" if divergence > limit else "not more than"
    return [
        Words(
            f"The Jensen-Shannon divergence from training is {number(divergence, 4)} (0: equal; 1: nothing in common), "
            f"{verdict} the {limit:g} at which the data gate stops a training run (it uses other buckets). "
            "Padding counts too, as the length of a beat is part of what the model sees.",
            "warn" if divergence > limit else "plain",
        ),
        Pictures([histogram_picture(material.summary["histogram"]["counts"], material.training_histogram, divergence)]),
    ]


def histogram_picture(scored: Sequence[int], trained: Sequence[int], divergence: float) -> Picture:
    """Draw the distribution of samples over 0..1, in the scored rows and in training."""
    edges = np.linspace(0, 1, len(scored) + 1)
    with new_figure(3.1) as figure:
        axes = figure.subplots()
        for counts, colour, dash, name in ((scored, MAIN, "-", "scored"), (trained, SECOND, "--", "training")):
            axes.stairs(_shares(counts), edges, color=colour, linestyle=dash, linewidth=1.6, label=name)
        axes.set(title="Samples by value", xlabel="value of a sample, 0..1", ylabel="share of samples (log)",
                 yscale="log", xlim=(0, 1))  # fmt: skip
        figure.legend(loc="outside lower center", ncols=2)
    alt = f"Shares of samples in {len(scored)} bins of value, scored and training; divergence {divergence:.4f}."
    return picture(figure, alt, f"All samples of the scored rows, in {len(scored)} equal bins.")


def share_change(material: ScoringMaterial) -> float:
    """Return the largest difference between a class's share of the scored rows and of the training beats.

    Raises:
        HeartbeatError: nothing is known of the training beats.
    """
    scored, trained = _shares(list(material.summary["classes"].values())), _shares(material.training_counts)
    return max(abs(now - before) for now, before in zip(scored, trained, strict=True))


def signal_divergence(material: ScoringMaterial) -> float:
    """Return the distance between the distributions of scored and training samples: see `jensen_shannon`.

    Raises:
        HeartbeatError: nothing is known of the training samples.
    """
    return jensen_shannon(material.summary["histogram"]["counts"], material.training_histogram)


def jensen_shannon(first: Sequence[int], second: Sequence[int]) -> float:
    """Return the Jensen-Shannon divergence, base 2, of two histograms with the same bins: 0 equal, 1 disjoint.

    scipy.spatial.distance.jensenshannon gives its square root, and NaN if rounding makes it slightly negative.
    """
    from scipy.special import rel_entr

    shares = np.array([_shares(first), _shares(second)])
    return max(0.0, float(rel_entr(shares, shares.mean(axis=0)).sum() / 2 / np.log(2)))


def scoring_origin(material: ScoringMaterial) -> list[Block]:
    """Tabulate the model, the settings and the inputs of a scoring job."""
    fingerprint = material.job.fingerprint
    settings = fingerprint.settings.model_dump(exclude_none=True)
    if material.recordings is not None and "annotator" not in settings:
        del settings["labelled"]  # there are no labels without annotations
    facts = [
        ["job", fingerprint.digest],
        ["model", fingerprint.model],
        ["model's version", str(material.job.model_version or "none: it was not pushed")],
        ["model's location", material.summary["model"]["place"]],
        *([name, str(value)] for name, value in settings.items()),
    ]
    inputs = [
        [each.file.path, "recording", count(each.file.size + sum(file.size for file in each.others)), "none"]
        if isinstance(each, Recording)
        else [each.file.path, each.kind, count(each.file.size), each.provenance.path if each.provenance else "none"]
        for each in fingerprint.inputs[:INPUTS]
    ]
    more = len(fingerprint.inputs) - len(inputs)
    return [
        Table("What the results depend on", ["of", "value"], facts, left=(0, 1)),
        Table("Inputs", ["file", "kind", "bytes", "provenance"], inputs, left=(0, 1, 3)),
        *([Words(f"And {count(more)} more: {JOB_FILE} names them all.")] if more else []),
    ]
