"""Heart rate and ectopic beats over the time of a recording: the picture, and the same in figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES
from components.report.content import Block, Folded, Picture, Pictures, Table
from components.report.drawing import CLASS_COLOURS, INK, MAIN, new_figure, picture
from components.report.findings import ECTOPIC
from components.report.recording import RecordingMaterial
from components.report.wording import clock, count, number, seconds
from components.score.recording_lines import RATE_BEATS, RUN_BEATS, running_rates

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTHS: Final = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 21_600, 43_200, 86_400)
"""Allowed lengths of a time step, in seconds."""

CURVE_STEPS: Final = 240
"""Maximum steps of the heart rate curve: one or two CSS pixels each."""

ROWS: Final = 48
"""Maximum steps of the bars and of the table."""

UNITS: Final = ((86_400 * 4, 86_400, "days"), (7200, 3600, "hours"), (240, 60, "minutes"), (0, 1, "seconds"))
"""(Shortest recording, in seconds, that is drawn in the unit; the unit's seconds; its name)."""

GAPS_SHADED: Final = 100

GREY: Final = "Grey: no beat for longer than the longest RR interval."


def step_seconds(duration: float, most: int) -> int:
    """Return the shortest step that covers a duration with at most this many steps."""
    return next((width for width in WIDTHS if duration <= width * most), WIDTHS[-1])


def rhythm(material: RecordingMaterial) -> list[Block]:
    """Draw heart rate, V and S over the time, and tabulate them."""
    material.check_scored()
    step = step_seconds(material.line.seconds or 0.0, ROWS)
    return [
        Pictures([rate_picture(material), ectopy_picture(material, step)]),
        Folded("The same in figures", [_table(material, step)]),
    ]


class Steps:
    """Steps of equal length that cover a recording; beats and intervals are counted in the one that they end in."""

    def __init__(self, material: RecordingMaterial, width: int) -> None:
        self.width = width
        self.count = max(int(np.ceil((material.line.seconds or 0.0) / width)), 1)
        self._at = self.of(material.seconds)
        rr = np.where(material.known, np.diff(material.seconds), 0.0)
        self.beats = self.counted(np.ones(len(self._at), bool))
        intervals = np.bincount(self._at[1:], material.known, self.count)
        lasting = np.bincount(self._at[1:], rr, self.count)
        with np.errstate(invalid="ignore", divide="ignore"):
            self.rate = 60 * intervals / lasting  # float64[count], beats per minute, NaN without an interval
        rates = running_rates(np.diff(material.seconds), material.known)
        here = self._at[RATE_BEATS : RATE_BEATS + len(rates)]
        self.slowest, self.fastest = np.full((2, self.count), np.nan)
        np.fmin.at(self.slowest, here, rates)
        np.fmax.at(self.fastest, here, rates)

    def of(self, seconds: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        """Return the step of each time."""
        return np.clip(seconds // self.width, 0, self.count - 1).astype(np.int64)

    def counted(self, mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """Return how many of the beats, bool[n], are in each step."""
        return np.bincount(self._at[mask], minlength=self.count)


def rate_picture(material: RecordingMaterial) -> Picture:
    """Draw the heart rate and its range over eight intervals."""
    line, steps = material.line, Steps(material, step_seconds(material.line.seconds or 0.0, CURVE_STEPS))
    with _over_time(material, 1) as (figure, (axes,), unit):
        axes.set(title="Heart rate", ylabel="beats a minute")
        if len(material.seconds) <= CURVE_STEPS:
            at, rr = material.seconds[1:], np.diff(material.seconds)
            axes.plot(at / unit, 60 / np.where(material.known, rr, np.nan), color=MAIN, marker="o", markersize=3)
            caption = "A point for each interval, at its end."
        else:
            edges = np.arange(steps.count + 1) * steps.width / unit
            low, high = np.nan_to_num(steps.slowest), np.nan_to_num(steps.fastest)
            axes.stairs(high, edges, baseline=low, fill=True, color=MAIN, alpha=0.25, linewidth=0)
            axes.stairs(steps.rate, edges, baseline=None, color=MAIN, linewidth=1.2)
            known = np.concatenate([steps.slowest, steps.fastest, steps.rate])
            if np.isfinite(known).any():
                axes.set_ylim(0.9 * np.nanmin(known), 1.06 * np.nanmax(known))
            caption = (
                f"Line: the mean of {seconds_of(steps.width)}. Band: slowest and fastest eight intervals in a row."
            )
    alt = f"Heart rate over {seconds(line.seconds or 0.0)}: mean {number(line.rate_mean, 0)} beats a minute"
    if line.rate_least is not None:
        alt += f", {number(line.rate_least, 0)} to {number(line.rate_greatest, 0)} over eight intervals"
    return picture(figure, f"{alt}.", f"{caption} {GREY}")


def ectopy_picture(material: RecordingMaterial, step: int) -> Picture:
    """Draw how many V and S there are in each step."""
    from matplotlib.ticker import MaxNLocator

    steps, line = Steps(material, step), material.line
    with _over_time(material, len(ECTOPIC)) as (figure, panels, unit):
        starts = np.arange(steps.count) * step / unit
        for axes, symbol in zip(panels, ECTOPIC, strict=True):
            counts, colour = steps.counted(material.of_class(symbol)), CLASS_COLOURS[CLASSES.index(symbol)]
            axes.bar(starts, counts, step / unit, align="edge", color=colour, edgecolor=INK, linewidth=0.3)
            axes.set(
                title=f"{symbol} in steps of {seconds_of(step)}",
                ylabel=f"beats {symbol}",
                ylim=(0, 1.1 * max(counts.max(), 1)),
            )
            axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    alt = f"{count(line.n_V)} V and {count(line.n_S)} S, in steps of {seconds_of(step)}."
    return picture(figure, alt, GREY)


@contextmanager
def _over_time(material: RecordingMaterial, panels: int) -> Iterator[tuple[Figure, Sequence[Axes], int]]:
    """Yield a figure, its panels one below the other, and the seconds of their axis' unit; shade the gaps."""
    from matplotlib.ticker import MaxNLocator

    duration = material.line.seconds or 0.0
    _, unit, name = next(each for each in UNITS if duration >= each[0])
    with new_figure(3.4) as figure:
        every = figure.subplots(panels, 1, sharex=True, squeeze=False)[:, 0].tolist()
        yield figure, every, unit
        for begin, end in material.gaps[:GAPS_SHADED]:
            for axes in every:
                axes.axvspan(begin / unit, end / unit, color=INK, alpha=0.12, linewidth=0)
        every[-1].set(xlabel=f"{name} since the start", xlim=(0, duration / unit))
        every[-1].xaxis.set_major_locator(MaxNLocator(8, steps=[1, 1.2, 2, 2.4, 3, 4, 5, 6, 10]))


def seconds_of(step: int) -> str:
    """Name a step of time."""
    for unit, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if step % unit == 0:
            return f"{step // unit} {name}"
    return f"{step} s"


def _table(material: RecordingMaterial, step: int) -> Table:
    steps = Steps(material, step)
    columns = [steps.beats, steps.counted(material.abstain)]
    head = ["from", "mean rate", "slowest", "fastest", "beats", "abstained"]
    for symbol in ECTOPIC:
        found = material.runs(symbol)
        at = steps.of(material.seconds[found.first])
        columns.append(steps.counted(material.of_class(symbol)))
        for long in (found.beats < RUN_BEATS, found.beats >= RUN_BEATS):
            columns.append(np.bincount(at[long], minlength=steps.count))
        head += [symbol, f"{symbol} couplets", f"{symbol} runs"]
    rows = [
        [
            clock(index * step),
            *(
                number(None if np.isnan(each[index]) else each[index], 0)
                for each in (steps.rate, steps.slowest, steps.fastest)
            ),
            *(count(int(each[index])) for each in columns),
        ]
        for index in range(steps.count)
    ]
    return Table(f"In steps of {seconds_of(step)}", head, rows)
