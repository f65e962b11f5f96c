"""Every row accounted for: rows of the input files, rejects by reason with examples, shards of a scoring job."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np

from components.errors import counted
from components.ingest.report import REJECTS_FILE
from components.report.content import Block, Bullets, Code, Folded, Picture, Pictures, Table, Words
from components.report.drawing import INK, MAIN, new_figure, picture
from components.report.material import NotReachedError, RunMaterial, ScoringMaterial
from components.report.wording import UNKNOWN, count, seconds
from components.score.record import ShardFailure, ShardRecord

EXAMPLES: Final = 12
"""Number of rejected rows shown."""

TEXT: Final = 160
"""Number of characters shown of a rejected row."""

SHARDS: Final = 200
"""Shards that the table names; the picture of more is partly a bitmap. Both keep the page small."""

NOTHING_REJECTED: Final = Words("Every row is a beat: nothing was rejected.")


def files(material: RunMaterial) -> list[Block]:
    """Tabulate the input files of a run, and the rows that were rejected."""
    ingest = material.ingest
    rows = [
        [Path(file.file).name, file.into, count(file.rows), count(file.examples), count(file.rejects)]
        for file in ingest.files
    ]
    blocks: list[Block] = [Table("Rows of the input files", ["file", "into", "rows", "beats", "rejects"], rows)]
    sentences = [sentence for file in ingest.files for sentence in (*file.sentences, *file.faults)]
    if sentences:
        blocks.append(Bullets(sentences, "warn"))
    reasons = [
        [reason, Path(file.file).name, count(rows)] for file in ingest.files for reason, rows in file.reasons.items()
    ]
    if not reasons:
        return [*blocks, NOTHING_REJECTED]
    rejects = Path(material.uri("ExampleGen", "report"), REJECTS_FILE)
    with rejects.open(encoding="utf-8") as lines:
        shown = _reject_examples({**reject, "file": Path(reject["file"]).name} for reject in map(json.loads, lines))
    return [
        *blocks,
        Table("Rejected rows by reason", ["reason", "file", "rows"], reasons, left=(0, 1)),
        Folded(
            f"First rejected rows as they are in the files: {len(shown)}",
            [*shown, Words(f"All of them are in {rejects}.")],
        ),
    ]


def _reject_examples(rejects: Iterable[Mapping[str, Any]]) -> list[Block]:
    """Show the first few rejects: `file`, `row`, `reason`, and the beginning of the `text` if there is one."""
    shown: list[Block] = []
    for reject in islice(rejects, EXAMPLES):
        label = f"{reject['file']}, row {reject['row']:,}: {reject['reason']}"
        if reject["text"] is None:
            shown.append(Words(label))
            continue
        text = str(reject["text"])
        if len(text) > TEXT:
            text = f"{text[:TEXT]} ... ({len(text):,} characters)"
        shown.append(Code(label, text))
    return shown


def scored_files(material: ScoringMaterial) -> list[Block]:
    """Reconcile the rows of a scoring job, file by file."""
    summary = material.summary
    blocks: list[Block] = []
    if not material.finished:
        blocks.append(Words("The job is not finished: these are the shards that are done so far.", "warn"))
    if summary["sentences"]:
        blocks.append(Bullets(summary["sentences"], "warn"))
    if (tally := material.recordings) is not None:
        return [*blocks, _scored_recordings(tally, summary["rows"])]
    head = ["file", "rows", "scored", "rejected", "adds up"]
    rows = [
        [
            file["file"], count(file["rows"]), count(file["scored"]), count(file["rejected"]),
            "yes" if file["rows"] == file["scored"] + file["rejected"] else "NO" if material.finished else "not yet",
        ]
        for file in summary["files"]
    ]  # fmt: skip
    return [*blocks, Table("Rows of the input files, as counted before and after", head, rows)]


def _scored_recordings(tally: Mapping[str, Any], rows: Mapping[str, int]) -> Table:
    """Reconcile recordings, their time and their beats; the command counts a refused recording as a rejected beat."""
    refused = tally["unusable"]
    counts = {
        "recordings": (tally["planned"], tally["used"], refused),
        "beats": (rows["read"] - refused, rows["scored"], rows["rejected"] - refused),
    }
    if refused:
        counts["beats as the command counts them, with one for each refused recording"] = (
            rows["read"], rows["scored"], rows["rejected"],
        )  # fmt: skip
    table = [
        [name, *map(count, numbers), "yes" if numbers[0] == numbers[1] + numbers[2] else "NO"]
        for name, numbers in counts.items()
    ]
    time = tally["seconds"], tally["seconds_read"], tally["seconds"] - tally["seconds_read"]
    return Table(
        "Recordings, their beats and their time",
        ["of", "all", "used or scored", "refused or rejected", "adds up"],
        [*table, ["time, with and without an ECG", *map(seconds, time), "yes"]],
    )


def scoring_rejects(material: ScoringMaterial) -> list[Block]:
    """Tabulate the rejects of a scoring job by reason and show the first few."""
    if not material.summary["rows"]["rejected"]:
        return [NOTHING_REJECTED if material.finished else Words("No row has been rejected so far.")]
    shown = _reject_examples(_read_rejects(material))
    reasons = sorted(material.summary["reasons"].items(), key=lambda item: -item[1])
    first = "First rejected rows" if material.recordings else "First rejected rows as they are in the inputs"
    return [
        Table("Rejected rows by reason", ["reason", "rows"], [[reason, count(rows)] for reason, rows in reasons]),
        Folded(f"{first}: {len(shown)}", shown),
    ]


def _read_rejects(material: ScoringMaterial) -> Iterator[Mapping[str, Any]]:
    for record in material.records:
        if record.rejected:
            text = (material.folder.read(record.rejects.name) or b"").decode("utf-8", "backslashreplace")
            yield from map(json.loads, text.splitlines())


def shards(material: ScoringMaterial) -> list[Block]:
    """Tabulate the shards of a scoring job with their rows per second."""
    if not material.shards:
        raise NotReachedError("No shard was planned.")
    rates = [record.rows / record.seconds for record in material.records if record.seconds and record.rows]
    rows = [_shard_row(stem, shard) for stem, shard in islice(material.shards.items(), SHARDS)]
    more = len(material.shards) - len(rows)
    return [
        *([Pictures([speed_picture(rates)])] if rates else []),
        Table("Shards", ["shard", "state", "rows", "scored", "rejected", "time", "rows/s"], rows, left=(0, 1)),
        *([Words(f"And {count(more)} more.")] if more else []),
    ]


def _shard_row(stem: str, shard: ShardRecord | ShardFailure | None) -> list[str]:
    if not isinstance(shard, ShardRecord):
        return [stem, "FAILED" if isinstance(shard, ShardFailure) else "not done", *[UNKNOWN] * 5]
    rate = count(round(shard.rows / shard.seconds)) if shard.seconds else UNKNOWN
    return [stem, "done", count(shard.rows), count(shard.scored), count(shard.rejected), seconds(shard.seconds), rate]


def speed_picture(rates: Sequence[float]) -> Picture:
    """Draw rows per second of each shard."""
    from matplotlib.ticker import MaxNLocator

    with new_figure(2.7) as figure:
        axes = figure.subplots()
        many = len(rates) > SHARDS
        axes.plot(range(len(rates)), rates, color=MAIN, marker="o", markersize=3.5, linestyle="", rasterized=many)
        axes.axhline(float(np.median(rates)), color=INK, linewidth=0.9, linestyle="-.")
        axes.set(title="Rows a second, by shard", xlabel="shard", ylabel="rows/s", ylim=(0, 1.15 * max(rates)))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_formatter("{x:,.0f}")
    spread = f"{min(rates):,.0f} to {max(rates):,.0f}, median {np.median(rates):,.0f}"
    alt = f"Rows a second of {counted(len(rates), 'shard')}: {spread}."
    return picture(figure, alt, "Line: the median. Shards that run at once share the machine.")
