"""`prepare` as a function, and the provenance that it writes."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

from components.recordings.prepare import PrepareReport, PrepareSettings, prepare


def silent(records: int) -> Callable[[float, int], None]:
    return lambda share, rows: None


def run(wfdb: Path | tuple[Path, ...], out: Path, **options: object) -> PrepareReport:
    places = wfdb if isinstance(wfdb, tuple) else (wfdb,)
    return prepare(PrepareSettings.model_validate({"wfdb": places, "out": out, **options}), silent)


def provenance(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
