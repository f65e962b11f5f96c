"""What was read: each file's rows, and the rows that are no beats, by reason and with examples."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

from components.ingest.report import REJECTS_FILE
from components.report.content import Block, Bullets, Code, Folded, Table, Words
from components.report.material import RunMaterial
from components.report.wording import count

EXAMPLES = 12
"""Rejected rows that are shown."""

TEXT = 160
"""Characters of a rejected row that are shown."""


def files(material: RunMaterial) -> list[Block]:
    """Tabulate files and rejects."""
    ingest = material.ingest
    blocks: list[Block] = [
        Table(
            "Rows of the input files",
            ["file", "into", "rows", "beats", "rejects"],
            [
                [Path(file.file).name, file.into, count(file.rows), count(file.examples), count(file.rejects)]
                for file in ingest.files
            ],
        )
    ]
    told = [sentence for file in ingest.files for sentence in (*file.sentences, *file.faults)]
    if told:
        blocks.append(Bullets(told, "warn"))
    reasons = [
        [reason, Path(file.file).name, count(rows)] for file in ingest.files for reason, rows in file.reasons.items()
    ]
    if not reasons:
        return [*blocks, Words("Every row is a beat: nothing was rejected.")]
    blocks.append(Table("Rejected rows by reason", ["reason", "file", "rows"], reasons, left=(0, 1)))
    return [*blocks, _examples(material)]


def _examples(material: RunMaterial) -> Block:
    rejects = Path(material.place("ExampleGen", "report"), REJECTS_FILE)
    with rejects.open(encoding="utf-8") as lines:
        first = [json.loads(line) for line in islice(lines, EXAMPLES)]
    shown: list[Block] = [
        Code(f"{Path(each['file']).name}, row {each['row']:,}: {each['reason']}", shortened(str(each["text"])))
        for each in first
    ]
    shown.append(Words(f"All of them are in {rejects}."))
    return Folded(f"First rejected rows as they are in the files: {len(first)}", shown)


def shortened(text: str) -> str:
    """The beginning of a row, with how much is left out."""
    if len(text) <= TEXT:
        return text
    return f"{text[:TEXT]} ... ({len(text):,} characters)"
