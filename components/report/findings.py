"""What was found in one recording: the first screen of its page, its beats by class, its runs, the unread parts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import numpy as np

from components.beat import CLASSES
from components.errors import counted
from components.report.content import Block, Card, Folded, Table, Words
from components.report.recording import RecordingMaterial
from components.report.wording import UNKNOWN, class_title, clock, count, number, percent, seconds
from components.score.recording_lines import RUN_BEATS, Ectopy, Runs

LISTED: Final = 5
"""Maximum runs, gaps and times of each kind in a table."""

ECTOPIC: Final = ("V", "S")
"""Classes of which runs and couplets are shown."""


def recording_warnings(material: RecordingMaterial) -> list[str]:
    """Return the warnings to read before any figure of the recording."""
    line = material.line
    warnings = {
        "It could not be used": line.refused,
        "Unlike what the model was trained on": line.unlike,
        "Note": line.notes,
    }
    return [f"{kind}: {text}" for kind, text in warnings.items() if text is not None]


def recording_cards(material: RecordingMaterial) -> list[Card]:
    """Say what was recorded, how fast the heart was, how many beats are ectopic, and how far to trust it."""
    line = material.line
    if line.refused is not None:
        return []
    recorded = Card(
        "What was recorded",
        seconds(line.seconds or 0.0),
        [
            f"Lead {line.lead}, {line.fs:g} samples a second.",
            f"{counted(line.beats, 'beat')}: {count(line.scored)} scored, {count(line.rejected)} rejected.",
        ],
        links=[("unread", "What was not read, and why")],
    )
    if not line.scored:
        return [recorded]
    rate = Card(
        "How fast?",
        f"{number(line.rate_mean, 0)} a minute",
        [
            *(
                [f"{number(line.rate_least, 0)} to {number(line.rate_greatest, 0)} over eight intervals."]
                if line.rate_least is not None
                else []
            ),
            f"Longest RR interval: {number(line.longest_rr, 2)} s.",
        ],
        links=[("rhythm", "Over time")],
    )
    ectopic = Card(
        "How many ectopic beats?",
        f"V {number(line.v_per_hour, 1)}, S {number(line.s_per_hour, 1)} an hour"
        if line.v_per_hour is not None
        else f"V {count(line.n_V)}, S {count(line.n_S)} in {seconds(line.seconds_read or 0)}",
        [_in_a_row(symbol, line.ectopy(symbol)) for symbol in ECTOPIC],
        links=[("runs", "Runs and couplets"), ("classes", "Beats by class")],
    )
    trust = Card(
        "How far to trust it",
        "Unlike training" if line.unlike else "Look at the strips",
        [
            f"The model abstains from {percent(line.abstained_share)} of the scored beats.",
            f"{percent(line.noise)} has no ECG.",
        ],
        "warn" if line.unlike else "plain",
        links=[("strips", "The surest and least sure beats"), ("extremes", "The longest and the fastest")],
    )
    return [recorded, rate, ectopic, trust]


def _in_a_row(symbol: str, found: Ectopy) -> str:
    longest = f", the longest of {count(found.longest_run)} beats" if found.runs else ""
    return f"{symbol}: {counted(found.couplets, 'couplet')}, {counted(found.runs, 'run')}{longest}."


def classes(material: RecordingMaterial) -> list[Block]:
    """Count the beats by class."""
    material.check_scored()
    rows = []
    for index, symbol in enumerate(CLASSES):
        of_class = material.of_class(symbol)
        beats, abstained = int(of_class.sum()), int(material.abstain[of_class].sum())
        median = f"{np.median(material.sure[of_class]):.3f}" if beats else UNKNOWN
        rows.append([class_title(index), count(beats), percent(beats / material.line.scored), count(abstained), median])
    return [Table("Scored beats by class", ["class", "beats", "share", "abstained", "median probability"], rows)]


def runs(material: RecordingMaterial) -> list[Block]:
    """Tabulate runs and couplets, and list the longest and the fastest."""
    material.check_scored()
    head = ["class", "an hour", "couplets", "runs", "beats of the longest", "fastest, beats a minute"]
    rows, lists, couplets = [], list[Block](), list[Block]()
    for symbol in ECTOPIC:
        tally, found = material.line.ectopy(symbol), material.runs(symbol)
        counts = map(count, (tally.couplets, tally.runs, tally.longest_run))
        rows.append([symbol, number(tally.per_hour, 1), *counts, number(tally.fastest_run, 0)])
        of_runs = np.flatnonzero(found.beats >= RUN_BEATS).tolist()
        of_two = np.flatnonzero(found.beats < RUN_BEATS).tolist()
        if (tally.runs, tally.couplets) != (len(of_runs), len(of_two)):
            lists.append(
                Words(
                    f"The lists of {symbol} differ from the counts above: they join beats across gaps that are "
                    "shorter than the longest RR interval.",
                    "warn",
                )
            )
        if of_runs:
            shown = longest_and_fastest(found, of_runs, LISTED)
            caption = _caption("longest and fastest", shown, of_runs, f"runs of {symbol}")
            lists.append(_listed(material, found, shown, caption))
        if of_two:
            shown = fastest(found, of_two)[:LISTED]
            caption = _caption("fastest", shown, of_two, f"couplets of {symbol}")
            couplets.append(_listed(material, found, shown, caption))
    return [
        Table("Ectopic beats", head, rows),
        *lists,
        *([Folded("Couplets", couplets)] if couplets else []),
        Words(f"A run is {RUN_BEATS} or more beats of one class in a row, a couplet two. Neither spans a gap."),
    ]


def _caption(which: str, shown: Sequence[int], among: Sequence[int], what: str) -> str:
    return f"All {what}" if len(shown) == len(among) else f"The {which} of {count(len(among))} {what}"


def fastest(found: Runs, among: Sequence[int]) -> list[int]:
    """Return some runs, the fastest first."""
    return sorted(among, key=lambda at: -found.rate[at])


def longest_and_fastest(found: Runs, among: Sequence[int], most: int) -> list[int]:
    """Return which of some runs are the longest and the fastest, up to `most` of each, the longest first."""
    by_length = sorted(among, key=lambda at: (-found.beats[at], -found.rate[at]))
    kept = {*by_length[:most], *fastest(found, among)[:most]}
    return [at for at in by_length if at in kept]


def _listed(material: RecordingMaterial, found: Runs, shown: Sequence[int], caption: str) -> Table:
    rows = [
        [
            clock(material.seconds[found.first[at]], 1),
            count(int(found.beats[at])),
            number(float(found.rate[at]), 0),
            seconds(float(60 * (found.beats[at] - 1) / found.rate[at])),
        ]
        for at in shown
    ]
    return Table(caption, ["at", "beats", "beats a minute", "from first to last"], rows)


def unread(material: RecordingMaterial) -> list[Block]:
    """List the seconds without an ECG and the rejected beats, with the reason."""
    line = material.line
    if line.refused is not None:
        return [Words(f"Nothing was read: {line.refused}", "warn")]
    silent = (line.seconds or 0.0) - (line.seconds_read or 0.0)
    blocks: list[Block] = [
        Words("All of it is an ECG.")
        if not silent
        else Words(
            f"{seconds(silent)} of {seconds(line.seconds or 0.0)} ({percent(line.noise)}) have no ECG: the lead was "
            "off, flat, saturated or noise, or samples are missing. No beat is found there, and no interval spans it."
        )
    ]
    if gaps := material.gaps:
        which = f"The longest of {count(len(gaps))} stretches" if len(gaps) > LISTED else "Stretches"
        rows = [[clock(begin, 1), clock(end, 1), seconds(end - begin)] for begin, end in gaps[:LISTED]]
        caption = f"{which} without a beat, longer than the longest RR interval"
        blocks.append(Table(caption, ["from", "to", "lasting"], rows, left=()))
    reasons = defaultdict[str, list[int]](list)
    for reason, at in material.rejects:
        reasons[reason].append(at)
    rows = [
        [reason, count(len(beats)), ", ".join(clock(material.seconds[at], 1) for at in beats[:LISTED])]
        for reason, beats in reasons.items()
    ]
    if rows:
        blocks.append(Table("Rejected beats by reason", ["reason", "beats", "the first at"], rows, left=(0, 2)))
    else:
        blocks.append(Words("No beat was rejected."))
    return blocks
