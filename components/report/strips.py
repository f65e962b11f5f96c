"""Strips of ten seconds of a recording with the labels of its beats: runs and pauses, sure and unsure beats."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES
from components.errors import HeartbeatError
from components.recordings.annotation_files import ABSTAINED, REJECTED
from components.recordings.inputs import opened_recording
from components.recordings.lead import open_lead
from components.recordings.signal import LeadReader
from components.report.content import Block, Bullets, Picture, Pictures, Words
from components.report.drawing import CLASS_COLOURS, INK, new_figure, picture
from components.report.findings import ECTOPIC, longest_and_fastest
from components.report.recording import RecordingMaterial
from components.report.wording import clock, seconds
from components.score.inputs import changed_files
from components.score.recording_lines import RATE_BEATS, RUN_BEATS, running_rates

ROW_SECONDS: Final = 5
"""A strip has two rows: on the screen and on paper a second is then about as wide as at 25 mm/s."""

STRIP_SECONDS: Final = 2 * ROW_SECONDS

BEFORE_SECONDS: Final = 2.5
"""What a strip shows before its subject."""

LEAST_MILLIVOLTS, MOST_MILLIVOLTS = 2.0, 6.0
"""Least and greatest height of a row."""

SQUARE_SECONDS, SQUARE_MILLIVOLTS = 0.2, 0.5
"""The large squares of ECG paper."""


@dataclass(frozen=True)
class Spot:
    """The subject of a strip, with start and end in seconds."""

    title: str
    begin: float
    end: float


def extremes(material: RecordingMaterial) -> list[Block]:
    """Draw the longest and the fastest runs, the fastest intervals, the longest one and gap."""
    return _strips(material, extreme_spots(material))


def strips(material: RecordingMaterial) -> list[Block]:
    """Draw the surest and the least sure beat of each class."""
    material.check_scored()
    return _strips(material, doubtful_spots(material))


def extreme_spots(material: RecordingMaterial) -> list[Spot]:
    """Return the longest and the fastest run of each ectopic class, the fastest intervals, the longest one and gap."""
    spots = []
    for symbol in ECTOPIC:
        found = material.runs(symbol)
        among = np.flatnonzero(found.beats >= RUN_BEATS).tolist()
        for at in longest_and_fastest(found, among, 1):
            long, fast = (getattr(found, name)[at] == getattr(found, name)[among].max() for name in ("beats", "rate"))
            kind = "longest and fastest" if long and fast else "longest" if long else "fastest"
            title = f"The {kind} run of {symbol}: {found.beats[at]} beats, {found.rate[at]:.0f} a minute"
            spots.append(Spot(title, *material.seconds[[found.first[at], found.first[at] + found.beats[at] - 1]]))
    rates = running_rates(np.diff(material.seconds), material.known)
    if np.isfinite(rates).any():
        at = int(np.nanargmax(rates))
        title = f"The fastest {RATE_BEATS} intervals in a row: {rates[at]:.0f} a minute"
        spots.append(Spot(title, *material.seconds[[at, at + RATE_BEATS]]))
    if material.known.any():
        rr = np.where(material.known, np.diff(material.seconds), 0.0)
        at = int(rr.argmax())
        spots.append(Spot(f"The longest RR interval: {rr[at]:.2f} s", *material.seconds[[at, at + 1]]))
    if material.gaps:
        begin, end = material.gaps[0]
        spots.append(Spot(f"The longest stretch without a beat: {seconds(end - begin)}", begin, end))
    return spots


def doubtful_spots(material: RecordingMaterial) -> list[Spot]:
    """Return the surest and the least sure beat of each class."""
    spots = []
    for symbol in CLASSES:
        beats = np.flatnonzero(material.of_class(symbol))
        if not len(beats):
            continue
        order = beats[np.argsort(material.sure[beats], kind="stable")]
        chosen = {"The surest": order[-1], "The least sure": order[0]} if len(beats) > 1 else {"The only": order[0]}
        for kind, at in chosen.items():
            spots.append(Spot(f"{kind} {symbol}: probability {material.sure[at]:.3f}", *material.seconds[[at, at]]))
    return spots


def _strips(material: RecordingMaterial, spots: Sequence[Spot]) -> list[Block]:
    """Draw a strip of each spot; without the recording a list of the spots is left."""
    try:
        with _reader(material) as reader:
            return [
                Pictures(
                    [_strip(material, reader, start, those) for start, those in _by_start(material, spots).items()]
                ),
                Words(
                    f"`{ABSTAINED}` after a class: the model abstains. `{REJECTED}`: a rejected beat. "
                    f"Large squares are {SQUARE_SECONDS:g} s and {SQUARE_MILLIVOLTS:g} mV."
                ),
            ]
    except HeartbeatError as error:
        why = f"There are no strips, as the recording can no longer be read: {error}"
        return [Words(why, "warn"), Bullets([_sentence(spot) for spot in spots])]


@contextmanager
def _reader(material: RecordingMaterial) -> Iterator[LeadReader]:
    """Open the lead that was scored.

    Raises:
        HeartbeatError: the recording is gone, or is not the one that was scored.
    """
    for path in changed_files([material.recording]):
        raise HeartbeatError(f"{path} was changed or removed after it was scored.")
    with opened_recording(material.recording) as stem:
        yield LeadReader(open_lead(stem, material.task.settings.lead))


def _by_start(material: RecordingMaterial, spots: Sequence[Spot]) -> dict[int, list[Spot]]:
    """Return the spots of each strip, by the second at which it starts: shortly before them."""
    latest = (material.line.seconds or 0.0) - STRIP_SECONDS
    starts: dict[int, list[Spot]] = {}
    for spot in spots:
        start = int(max(min(spot.begin - BEFORE_SECONDS, latest), 0.0))
        starts.setdefault(start, []).append(spot)
    return starts


def _strip(material: RecordingMaterial, reader: LeadReader, start: int, spots: Sequence[Spot]) -> Picture:
    """Draw ten seconds from a second on, with some spots in it."""
    from matplotlib.ticker import MultipleLocator

    fs, samples = float(reader.lead.fs), ten_seconds(reader, start)
    lasting = len(samples) / fs
    lefts = [start, start + ROW_SECONDS] if lasting > ROW_SECONDS else [start]
    beats = np.flatnonzero((material.seconds >= start) & (material.seconds < start + STRIP_SECONDS))
    low, high = _heights(samples)
    with new_figure(1.5 * len(lefts)) as figure:
        for left, axes in zip(lefts, figure.subplots(len(lefts), 1, squeeze=False)[:, 0], strict=True):
            values = samples[round((left - start) * fs) : round((left - start + ROW_SECONDS) * fs) + 1]
            axes.plot(left + np.arange(len(values)) / fs, values, color=INK, linewidth=0.8)
            for spot in spots:
                axes.axvspan(spot.begin - 0.15, spot.end + 0.15, color=CLASS_COLOURS[0], alpha=0.12, linewidth=0)
            axes.set(xlim=(left, left + ROW_SECONDS), ylim=(low, high), ylabel="mV")
            axes.xaxis.set(major_locator=MultipleLocator(1), minor_locator=MultipleLocator(SQUARE_SECONDS))
            axes.yaxis.set(major_locator=MultipleLocator(1), minor_locator=MultipleLocator(SQUARE_MILLIVOLTS))
            axes.xaxis.set_major_formatter(lambda value, _: clock(value))
            axes.grid(visible=True, which="both")
            axes.tick_params(which="minor", length=0)
            here = (material.seconds[beats] >= left) & (material.seconds[beats] < left + ROW_SECONDS)
            for at in beats[here].tolist():
                text, colour = _said(material, at)
                axes.annotate(text, (material.seconds[at], high), (0, 2), textcoords="offset points", ha="center",
                              fontsize=8, fontweight="bold", color=colour, annotation_clip=False)  # fmt: skip
    said = " ".join(_said(material, at)[0] for at in beats.tolist())
    length = "Ten seconds" if lasting >= STRIP_SECONDS else seconds(lasting)
    alt = f"{length} from {clock(start)}, lead {reader.lead.sig_name}. Beats: {said or 'none'}."
    return picture(figure, alt, " ".join(map(_sentence, spots)))


def _sentence(spot: Spot) -> str:
    return f"{spot.title}, at {clock(spot.begin, 1)}."


def ten_seconds(reader: LeadReader, start: int) -> npt.NDArray[np.float64]:
    """Return ten seconds in mV, float64[10 fs], from a second on; fewer at the end of the recording, NaN in gaps."""
    first, last = (round(second * reader.lead.fs) for second in (start, start + STRIP_SECONDS))
    return reader.millivolts(reader.read(first, min(last, reader.lead.length)))


def _heights(samples: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return the vertical range of a strip, in mV: all of it, except for the largest artefacts."""
    known = samples[~np.isnan(samples)]
    if not len(known):
        return -LEAST_MILLIVOLTS / 2, LEAST_MILLIVOLTS / 2
    low, high = np.percentile(known, (0.1, 99.9))
    height = float(np.clip(1.15 * (high - low), LEAST_MILLIVOLTS, MOST_MILLIVOLTS))
    middle = float(low + high) / 2
    return middle - height / 2, middle + height / 2


def _said(material: RecordingMaterial, at: int) -> tuple[str, str]:
    """Return the label of a beat, and the colour of its class."""
    label = int(material.label[at])
    if label < 0:
        return REJECTED, INK
    return CLASSES[label] + (ABSTAINED if material.abstain[at] else ""), CLASS_COLOURS[label]
