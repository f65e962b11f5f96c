"""Rows read, scored and rejected, file by file; rejects by reason with examples; shards and their speed."""

from __future__ import annotations

import json

from components.report.content import Block, Bullets, Code, Folded, Pictures, Table, Words
from components.report.made import NotReachedError
from components.report.pictures.scoring import rates_picture
from components.report.scoring_material import ScoringMaterial
from components.report.sections.files import EXAMPLES, shortened
from components.report.wording import UNKNOWN, count, seconds
from components.score.record import ShardFailure, ShardRecord

SHARDS = 200
"""Shards that the table names; more of them would make the page heavy."""

SPEED = "Line: the median. Shards that run at once share the machine."


def outcome(material: ScoringMaterial) -> list[Block]:
    """Reconcile rows, file by file."""
    summary = material.summary
    blocks: list[Block] = []
    if not material.finished:
        blocks.append(Words("The job is not finished: these are the shards that are done so far.", "warn"))
    if summary["sentences"]:
        blocks.append(Bullets(summary["sentences"], "warn"))
    head = ["file", "rows", "scored", "rejected", "adds up"]
    rows = [
        [
            file["file"], count(file["rows"]), count(file["scored"]), count(file["rejected"]),
            "yes" if file["rows"] == file["scored"] + file["rejected"] else "NO" if material.finished else "not yet",
        ]
        for file in summary["files"]
    ]  # fmt: skip
    return [*blocks, Table("Rows of the input files, as counted before and after", head, rows)]


def rejects(material: ScoringMaterial) -> list[Block]:
    """Tabulate rejects by reason and show the first few."""
    reasons, rejected = material.summary["reasons"], material.summary["rows"]["rejected"]
    if not rejected:
        told = "Every row is a beat: nothing was rejected."
        return [Words(told if material.finished else "No row has been rejected so far.")]
    shown: list[Block] = []
    for _, record in material.records:
        if len(shown) >= EXAMPLES or not record.rejected:
            continue
        lines = (material.folder.read(record.rejects.name) or b"").decode("utf-8", "backslashreplace").splitlines()
        for line in lines[: EXAMPLES - len(shown)]:
            told = json.loads(line)
            label = f"{told['file']}, row {told['row']:,}: {told['reason']}"
            shown.append(Code(label, shortened(told["text"] if told["text"] is not None else "(no text)")))
    ordered = sorted(reasons.items(), key=lambda item: -item[1])
    return [
        Table("Rejected rows by reason", ["reason", "rows"], [[reason, count(rows)] for reason, rows in ordered]),
        Folded(f"First rejected rows as they are in the inputs: {len(shown)}", shown),
    ]


def shards(material: ScoringMaterial) -> list[Block]:
    """Tabulate shards with their rows a second."""
    if not material.left:
        raise NotReachedError("No shard was planned.")
    rates = [record.rows / record.seconds for _, record in material.records if record.seconds and record.rows]
    rows = [_shard(stem, what) for stem, what in list(material.left.items())[:SHARDS]]
    more = len(material.left) - len(rows)
    return [
        *([Pictures([rates_picture(rates, SPEED)])] if rates else []),
        Table("Shards", ["shard", "state", "rows", "scored", "rejected", "time", "rows/s"], rows, left=(0, 1)),
        *([Words(f"And {count(more)} more.")] if more else []),
    ]


def _shard(stem: str, what: ShardRecord | ShardFailure | None) -> list[str]:
    if not isinstance(what, ShardRecord):
        return [stem, "FAILED" if isinstance(what, ShardFailure) else "not done", *[UNKNOWN] * 5]
    rate = count(round(what.rows / what.seconds)) if what.seconds else UNKNOWN
    return [stem, "done", count(what.rows), count(what.scored), count(what.rejected), seconds(what.seconds), rate]
