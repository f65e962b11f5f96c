"""What the report takes from the object store comes side by side."""

import json
import threading
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline.kubeflow import notes, report
from pipeline.kubeflow.notes import StepNote, read_notes
from pipeline.kubeflow.report import Copies
from pipeline.kubeflow.uris import RunFolder

SECONDS = 20
"""Longest that a read waits for the others; one after another, they would all wait in vain."""


def test_objects_are_fetched_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    others = threading.Barrier(9)

    class Store:
        def __init__(self, uri: str) -> None:
            self.uri = uri

        def sizes(self) -> dict[str, int]:
            return {f"part-{number}": 1 for number in range(4)} if self.uri.endswith("folder") else {}

        def match(self) -> list[str]:
            return [self.uri] if self.uri.endswith("object") else []

        def fetch(self, name: str, copy: Path) -> None:
            others.wait(SECONDS)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(f"{self.uri} {name}", encoding="utf-8")

    monkeypatch.setattr(report, "ObjectStore", Store)
    copies = Copies(tmp_path)
    copies.fetch(["minio://bucket/1/folder", "s3://bucket/2/folder", "gs://bucket/object", "gs://bucket/gone"])
    files = {str(file.relative_to(tmp_path)): file.read_text() for file in tmp_path.rglob("*") if file.is_file()}
    assert files == {
        "gs/bucket/object": "gs://bucket/object ",
        **{
            f"s3/bucket/{top}/folder/part-{n}": f"s3://bucket/{top}/folder part-{n}" for top in (1, 2) for n in range(4)
        },
    }
    assert copies.path_of("minio://bucket/1/folder").is_dir()
    assert not copies.path_of("gs://bucket/gone").exists()


def test_notes_are_read_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    others = threading.Barrier(5)
    held = {f"s3://b/runs/1/steps/{name}.json": StepNote(name, "ran") for name in "ABCDE"}

    def read(path: str) -> bytes:
        others.wait(SECONDS)
        return json.dumps(asdict(held[path])).encode()

    monkeypatch.setattr(notes, "list_files", lambda glob: [SimpleNamespace(path=path) for path in held])
    monkeypatch.setattr(notes, "read_whole", read)
    assert read_notes(RunFolder("minio://b", "1")) == {note.stage: note for note in map(plain, held.values())}


def plain(note: StepNote) -> StepNote:
    """The note as it is read: JSON has lists only."""
    return StepNote(**{**asdict(note), "verdict": []})
