"""The train beats of a run: a beat of each class, the classes as recorded and balanced, and the normalised samples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from components.beat import CLASSES, SAMPLE_RATE_HZ, SAMPLES, Beats
from components.beats.kaggle import TRAIN_COUNTS
from components.errors import DataRefused, HeartbeatError
from components.io.examples import example_files, read_columns
from components.report.content import Block, Heading, Picture, Pictures, Table, Words
from components.report.drawing import CLASS_COLOURS, INK, TIME_MS, WINDOW_MS, new_figure, picture
from components.report.material import NotReachedError, RunMaterial
from components.report.study import BALANCED
from components.report.survey import Survey
from components.report.wording import SPLIT_WORDS, UNKNOWN, class_title, count, percent
from components.train.batches import choose_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN: Final = (0, 1, 2, 3, 20, 60, 120, SAMPLES - 1)
"""Number of samples in the tables."""

KAGGLE_CAPTION: Final = "As recorded. For comparison, Kaggle's train file, with which the study starts"

NORMALISED_READ: Final = 256
"""Number of transformed beats that mean and deviation are derived from."""

ROUNDING: Final = 1e-3
"""Largest difference from Transform's output that rounding explains."""


def beats(material: RunMaterial) -> list[Block]:
    """Draw a sample beat and the median beat of each class."""
    kept = material.train.kept
    return [
        Words(
            f"A beat is {SAMPLES} samples at {SAMPLE_RATE_HZ} Hz from one annotated beat to a little past the next, "
            "scaled 0 to 1, with zeros after its end. (The data set's page says 125 Hz, but every third sample of the "
            "records' 360 Hz is 120 Hz.)"
        ),
        Pictures([samples_picture(kept), medians_picture(kept)]),
    ]


def data(material: RunMaterial) -> list[Block]:
    """Tabulate and draw the classes, as recorded and balanced."""
    train, validation, test = (material.ingest.classes[split] for split in ("train", "eval", "test"))
    kaggle_shares = [percent(_share(TRAIN_COUNTS, index)) for index in range(len(CLASSES))]
    return [
        Words(f"{SPLIT_WORDS[material.ingest.split].capitalize()}. Validation (eval) is cut from the train file."),
        Table(
            "Beats of each class, with Kaggle's train file and the study's balanced training set to compare",
            ["class", "train", "share", "eval", "test", "share", "Kaggle train", "study"],
            [
                *(
                    [
                        class_title(index), count(train[index]), percent(_share(train, index)),
                        count(validation[index]), count(test[index]), percent(_share(test, index)),
                        count(TRAIN_COUNTS[index]), count(BALANCED),
                    ]
                    for index in range(len(CLASSES))
                ),
                [
                    "all", count(sum(train)), "", count(sum(validation)), count(sum(test)), "",
                    count(sum(TRAIN_COUNTS)), count(BALANCED * len(CLASSES)),
                ],
            ],
        ),
        Pictures(
            [
                counts_picture(
                    train, "Train beats of each class", f"{KAGGLE_CAPTION}: {_listed(map(count, TRAIN_COUNTS))}."
                ),
                shares_picture(
                    train, "Class shares of the train beats", f"{KAGGLE_CAPTION}: {_listed(kaggle_shares)}."
                ),
            ]
        ),
        _first_beats(
            "Training data: the first train beat of each class", material.train, "record", _records(material.train)
        ),
        *_normalised(material),
        *_balanced(material),
    ]  # fmt: skip


def _normalised(material: RunMaterial) -> list[Block]:
    try:
        transformed = material.uri("Transform", "transformed_examples")
    except NotReachedError:
        return [Words("There is no table of the normalised beats: the run ended before Transform finished.")]
    if material.reads_context:
        return [Words("The network reads the context of beats, not their samples, which are therefore not normalised.")]
    mean, deviation = read_normalisation(f"{transformed}/Split-train")
    formula = f"(sample − {mean:.4f}) / {deviation:.4f}"
    caption = f"The same beats after normalising: {formula}, computed on the train split alone"
    return [_first_beats(caption, material.train, "record", _records(material.train), mean, deviation)]


def _balanced(material: RunMaterial) -> list[Block]:
    setting = str(material.settings["train"]["policy"])
    used = setting != "natural"
    policy = setting if used else f"balanced:{BALANCED}"
    why = (
        f"The policy of this run is {policy}: it trains on these."
        if used
        else f"NOT USED in this run, whose policy is natural: this is what {policy}, the study's, would give. Drawing "
        "rare beats repeatedly moves the operating point; it costs accuracy and macro-F1."
    )
    survey = material.train
    rng = np.random.default_rng(material.settings["train"]["seed"])
    try:
        rows = choose_rows(survey.label, policy, 1.0, rng)
    except DataRefused as error:
        return [Heading("Balanced"), Words(f"{why} {error}", "warn")]
    counts = np.bincount(survey.label[rows], minlength=len(CLASSES)).tolist()
    each = int(policy.removeprefix("balanced:"))
    mark = "balanced" if used else "balanced, not used"
    caption = f"Training data, {mark}: the first beats again, and how often an epoch draws each"
    drawn = [f"{int((rows == of_class[0]).sum())} times" for of_class in survey.rows]
    return [
        Heading("Balanced"),
        Words(why),
        Pictures(
            [
                counts_picture(counts, f"Train beats of each class, {mark}", f"Per epoch; the study: {each:,} each."),
                shares_picture(counts, f"Class shares, {mark}", "Per epoch; the study: 20 % each."),
            ]
        ),
        _first_beats(caption, survey, "drawn", drawn),
    ]


def _first_beats(
    caption: str, survey: Survey, title: str, cells: Sequence[str], mean: float = 0.0, deviation: float = 1.0
) -> Table:
    """Tabulate some normalised samples of the first beat of each class, after a column that has a cell for each."""
    rows = []
    for index, beats in enumerate(survey.kept):
        if len(beats):
            samples = [f"{value:.3f}" for value in (beats.signal[0, SHOWN] - mean) / deviation]
            rows.append([CLASSES[index], count(int(survey.rows[index][0])), cells[index], *samples])
    return Table(caption, ["class", "row", title, *(f"sample {sample}" for sample in SHOWN)], rows, wide=True)


def _records(survey: Survey) -> list[str]:
    """Return the record of the first beat of each class."""
    return [beats.record[0] if beats.record else UNKNOWN for beats in survey.kept]


def _listed(values: Iterable[str]) -> str:
    return ", ".join(f"{symbol} {value}" for symbol, value in zip(CLASSES, values, strict=True))


def _share(counts: Sequence[int], index: int) -> float | None:
    return counts[index] / sum(counts) if sum(counts) else None


def read_normalisation(split_dir: str) -> tuple[float, float]:
    """Derive the mean and the deviation that all samples were normalised by from a split's first transformed beats.

    Raises:
        HeartbeatError: there is no transformed beat, or its samples were not all treated alike.
    """
    block = next(read_columns(example_files(split_dir), ("clean", "signal"), NORMALISED_READ), None)
    if block is None:
        raise HeartbeatError(f"There is no transformed beat in {split_dir}.")
    clean, normalised = (block[name].astype(np.float64).ravel() for name in ("clean", "signal"))
    slope, offset = np.polyfit(clean, normalised, 1)
    if np.abs(slope * clean + offset - normalised).max() > ROUNDING:
        raise HeartbeatError("Transform did not treat all samples alike; the normalised table cannot be made.")
    return float(-offset / slope), float(1 / slope)


def samples_picture(kept: Sequence[Beats]) -> Picture:
    """Draw the first beat of each class."""
    with new_figure(6.6) as figure:
        for axes, beats, colour in _class_plots(figure, kept):
            axes.plot(TIME_MS, beats.signal[0], color=colour, linewidth=1.3)
    alt = f"A sample beat of each class ({_present(kept)}) over 1,560 ms, amplitude scaled 0 to 1."
    return picture(figure, alt, "The first train beat of each class, as in the study, its time axis in ms.")


def medians_picture(kept: Sequence[Beats]) -> Picture:
    """Draw the median of each class and the band that holds the middle 80 % of its beats, sample by sample."""
    with new_figure(6.6) as figure:
        for axes, beats, colour in _class_plots(figure, kept):
            low, median, high = np.percentile(beats.signal, (10, 50, 90), axis=0)
            axes.fill_between(TIME_MS, low, high, color=colour, alpha=0.25, linewidth=0)
            axes.plot(TIME_MS, median, color=colour)
    alt = f"Median beat of each class ({_present(kept)}) with the band of the middle 80 %, over 1,560 ms."
    caption = f"Median and middle 80 % of the first {max(map(len, kept))} train beats of each class."
    return picture(figure, alt, caption)


def _class_plots(figure: Figure, kept: Sequence[Beats]) -> Iterator[tuple[Axes, Beats, str]]:
    """Set up a plot for each class; yield those of classes that have beats, with the beats and the class's colour."""
    plots = figure.subplots(len(CLASSES), 1, sharex=True, sharey=True)
    for index, axes in enumerate(plots):
        axes.set_title(class_title(index), loc="left", pad=2)
        axes.set(ylim=(-0.05, 1.08), xlim=WINDOW_MS, yticks=(0, 0.5, 1))
        if len(kept[index]):
            yield axes, kept[index], CLASS_COLOURS[index]
        else:
            axes.text(780, 0.5, "no beat of this class", ha="center", va="center")
    plots[-1].set_xlabel("time (ms)")
    plots[2].set_ylabel("amplitude, scaled 0 to 1")


def _present(kept: Sequence[Beats]) -> str:
    return ", ".join(symbol for symbol, beats in zip(CLASSES, kept, strict=True) if len(beats)) or "none"


def counts_picture(counts: Sequence[int], title: str, caption: str) -> Picture:
    """Draw a bar for each class, its count beside it."""
    from matplotlib.ticker import MaxNLocator

    with new_figure(2.7) as figure:
        axes = figure.subplots()
        bars = axes.barh(range(len(CLASSES)), counts, color=CLASS_COLOURS)
        axes.bar_label(bars, [f" {count:,}" for count in counts], color=INK)
        axes.set_yticks(range(len(CLASSES)), [class_title(index).replace(" or ", "\nor ") for index in range(5)])
        axes.invert_yaxis()
        axes.set(title=title, xlabel="beats", xlim=(0, 1.18 * max(*counts, 1)))
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.grid(visible=False, axis="y")
    return picture(figure, f"{title}: {_listed(map(count, counts))}.", caption)


def shares_picture(counts: Sequence[int], title: str, caption: str) -> Picture:
    """Draw a pie of the classes' shares, with their percentages in the legend."""
    total = max(sum(counts), 1)
    labels = [f"{class_title(index)}  {100 * of_class / total:.1f} %" for index, of_class in enumerate(counts)]
    with new_figure(2.7) as figure:
        pie, legend = figure.subplots(1, 2, width_ratios=(1.0, 1.15))
        if sum(counts):
            edges = {"linewidth": 1, "edgecolor": INK}
            wedges = pie.pie(counts, colors=CLASS_COLOURS, startangle=90, counterclock=False, wedgeprops=edges)[0]
            legend.legend(wedges, labels, loc="center left", bbox_to_anchor=(-0.12, 0.5), handlelength=1.0)
        legend.set_axis_off()
        figure.suptitle(title, fontsize=9.5)
    return picture(figure, f"{title}: {'; '.join(labels)}.", caption)
