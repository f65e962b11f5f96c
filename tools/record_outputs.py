"""Record what users see of the product on a small real set, so that `diff -r` shows what a change does to it.

    python -m tools.record_outputs --wfdb FOLDER_OF_MIT_BIH OUT

It records the source tree that is first on the import path: exit codes, screens and `--help` of the commands in
recorded_commands.txt, summaries, model cards, compiled specifications, scored rows, rejects, and the text of pages.
"""

from __future__ import annotations

import hashlib
import html
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import pyarrow as pa
import pyarrow.parquet as pq

COMMANDS = Path(__file__).with_name("recorded_commands.txt")
SCORING = "1700000000"  # version of the model that beats are scored with
RECORDS = ("100", "119", "200", "208")

VOLATILE = (
    (r"(?m)^.*\d+ of [\d,]+ (records|rows)(, .* left)?\n", ""),  # lines of progress
    (r"(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ .*\n", ""),  # a log's lines
    (r"\b\d{8}T\d{6}(-\d+)?\b", "RUN_ID"),
    (r"(?m)(^|scoring job )[0-9a-f]{16}$", r"\1JOB_ID"),
    (r"(?<![\d.])1[6-9]\d{8}\b", "VERSION"),
    (r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|\+00:00)?", "TIME"),
    (r"(?m)(^|\bin|:| [a-z]+)(( +|^)[\d,.]+ (s|min)\b)+", r"\1 SECONDS"),
    (r"\b[\d,.]+ ([a-zA-Z]+/s|(beats|rows) a second)\b", r"RATE \1"),
    (r"(?m)\[Rows a second of .*\]$|(?<= SECONDS\n)[\d,]+$", "RATE"),  # of a page
    (r"│ (rows/s|seconds) +│ +[\d,.]+ │", r"│ \1 │ VOLATILE │"),
    (r"\b[\d.,]+ [KMGT]i?B free( in \S+)?( +│)?", "SIZE free"),
    (r"(│ +\d+\.\d ){2}(?=│)", "│ SECONDS │ CPU "),
    (r'("(?:seconds|cpu_seconds|rows_per_second)": )[^,\n}]+', r"\1VOLATILE"),
    (r"mtime \d+ ns", "mtime"),
    (r"((?:code_digest\W+|constant: |\bcode\W+))[0-9a-f]{64}", r"\1CODE"),
    (r"(?<![\w.])(components|pipeline)\.[a-z_.]+\.(?=\w)", r"\1.MODULE."),
)
"""Patterns of what differs between two runs of one commit or says where code lies, and what is written instead."""


class Recorder:
    """Run the commands of a source tree in a scratch folder and write what they leave, normalised, into another."""

    def __init__(self, source: Path, work: Path, out: Path) -> None:
        self.source, self.work, self.out = source, work, out
        self.environment = {**os.environ, "PYTHONPATH": str(source), "COLUMNS": "120", "TERM": "dumb", "NO_COLOR": "1"}
        self.texts: dict[str, str] = {}
        (work / "heartbeat").write_text("from pipeline.cli import run\n\nif __name__ == '__main__':\n    run()\n")

    def write(self) -> None:
        """Write all texts without what is volatile in them."""
        stand_ins = [(str(self.work), "WORK"), (str(self.source), "SOURCE"), (sys.executable, "PYTHON")]
        for model in (self.version, self.work / "serving" / SCORING):
            digest = json.loads((model / "assets.extra" / "heartbeat" / "digests.json").read_text())["model"]
            stand_ins += [(digest, "MODEL"), (digest[:12], "MODEL")]
        for name, text in self.texts.items():
            for found, stand_in in stand_ins:
                text = text.replace(found, stand_in)
            for pattern, replacement in VOLATILE:
                text = re.sub(pattern, replacement, text)
            (self.out / name).parent.mkdir(parents=True, exist_ok=True)
            (self.out / name).write_text(text, encoding="utf-8")

    def run(self, section: str, **words: str) -> None:
        """Run a section of recorded_commands.txt; record each command's exit code, stdout and stderr."""
        text = COMMANDS.read_text(encoding="utf-8").partition(f"[{section}]\n")[2].partition("\n[")[0]
        for paragraph in text.strip().split("\n\n"):
            lines = (re.sub(r"{(\w+)}", lambda name: words[name[1]], line) for line in paragraph.split("\n"))
            commands = [line.partition(": ") for line in lines]
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(lambda command: self._run(command[0], shlex.split(command[2])), commands))

    def _run(self, name: str, words: Sequence[str]) -> None:
        program = (self.work if words[0] == "heartbeat" else self.source) / words[0]
        command = [sys.executable, str(program), *words[1:]]
        ended = subprocess.run(command, cwd=self.work, env=self.environment, capture_output=True, text=True)
        print(ended.returncode, name, file=sys.stderr)
        said = f"exit code {ended.returncode}\n--- stdout\n{ended.stdout}--- stderr\n{ended.stderr}"
        self.texts[f"screens/{name}.txt"] = f"$ {shlex.join(words)}\n{said}"

    def keep_texts(self) -> None:
        """Record texts and pages that the commands have left; runs of a root are numbered."""
        for runs in self.work.glob("*/runs"):
            for number, run in enumerate(sorted(runs.iterdir()), start=1):
                for file in (*run.glob("s*.json"), *run.glob("report/index.html")):
                    self.keep_text(f"runs/{runs.parent.name}-{number}/{file.name}", file)
        for job in self.work.glob("scored*"):
            for file in (*job.glob("*.json"), *job.glob("rejects/*"), *job.glob("parts/*.csv"), *job.glob("report/*")):
                self.keep_text(f"{job.name}/{file.name}", file)
        for sidecar in (self.version / "assets.extra" / "heartbeat").iterdir():
            if sidecar.suffix in (".md", ".json"):
                self.keep_text(f"pushed/{sidecar.name}", sidecar)
        for specification in self.work.glob("*.yaml"):
            self.keep_text(specification.name, specification)

    def keep_text(self, name: str, file: Path) -> None:
        """Record a text file, and of an HTML page what a reader sees."""
        text = file.read_text(encoding="utf-8")
        self.texts[name] = text_of_page(text) if file.suffix == ".html" else text

    def keep_values(self) -> None:
        """Record scored rows, the digests of files that must keep their bytes, and the names of all files."""
        for parts in self.work.glob("scored*/parts"):
            if any(parts.glob("*.parquet")):
                table = pq.read_table(parts)
                rows = (json.dumps(list(row.values())) for row in table.to_pylist())
                self.texts[f"{parts.parent.name}/rows.txt"] = "\n".join([str(table.schema.remove_metadata()), *rows])
        files = [file for pattern in ("beats*/*", "scored*/[pr]*/*", "pred/*") for file in self.work.glob(pattern)]
        lines = (f"{hashlib.sha256(file.read_bytes()).hexdigest()} {file.relative_to(self.work)}" for file in files)
        self.texts["digests.txt"] = "\n".join(sorted(line for line in lines if not line.endswith("html")))
        kept = (self.version, *self.work.glob("scored*"), *self.work.glob("*/runs/*"))
        names = (file.relative_to(self.work) for folder in kept for file in folder.rglob("*"))
        self.texts["files.txt"] = "\n".join(sorted(map(str, names)))

    @property
    def version(self) -> Path:
        """The pushed model."""
        return max((self.work / "root" / "serving").iterdir())


def text_of_page(page: str) -> str:
    """Return what a reader sees of an HTML page, and the words for its pictures, in lines."""
    page = re.sub(r"<(style|script)\b.*?</\1>", "", page, flags=re.DOTALL)
    page = re.sub(r'<[^>]*\b(?:alt|title|aria-label)="([^"]*)"[^>]*>', r"\n[\1]\n", page)
    lines = html.unescape(re.sub(r"<[^>]+>", "\n", page)).splitlines()
    return "\n".join(" ".join(line.split()) for line in lines if line.strip())


def copy_records(wfdb: Path, work: Path) -> None:
    """Make `mitdb`, the whole archive, and `records`, a few records of it."""
    (work / "mitdb").symlink_to(wfdb.absolute())
    (work / "records").mkdir()
    for file in (wfdb / f"{name}.{extension}" for name in RECORDS for extension in ("hea", "dat", "atr")):
        shutil.copy(file, work / "records")


def make_inputs(work: Path) -> None:
    """Make inputs with faults, and a Parquet file, from the prepared beats."""
    lines = (work / "beats" / "mitbih_test.csv").read_bytes().splitlines(keepends=True)[:500]
    (work / "bad").mkdir()
    shutil.copy(work / "beats" / "mitbih_train.csv", work / "bad")
    faulty = b"1.25" + lines[41][lines[41].index(b",") :]
    (work / "bad" / "mitbih_test.csv").write_bytes(b"".join([*lines[:41], faulty, *lines[42:]]))
    faults = [b"\n", b"0.5," * 187 + b"7\n", b"abc" + lines[9][lines[9].index(b",") :]]
    (work / "beats.csv").write_bytes(b"".join([*lines[:7], *faults, *lines[10:]]))
    (work / "empty.csv").touch()
    rows = [[float(value) for value in line.split(b",")] for line in lines]
    signal, label = pa.array([row[:187] for row in rows], pa.list_(pa.float32())), [int(row[187]) for row in rows]
    pq.write_table(pa.table({"signal": signal, "label": label}), work / "beats.parquet")


@click.command()
@click.option("--wfdb", type=click.Path(exists=True, path_type=Path), required=True, help="Folder of MIT-BIH.")
@click.option("--model", type=click.Path(path_type=Path), help="Model to score with; made if it is not there yet.")
@click.argument("out", type=click.Path(path_type=Path))
def main(wfdb: Path, model: Path | None, out: Path) -> None:
    """Record the outputs of the source tree that is first on the import path into the new folder OUT.

    Scored rows name their model, so only recordings with the same --model have the same bytes of rows.
    """
    if out.exists():
        raise click.UsageError(f"{out} exists: name a new folder.")
    pipeline = importlib.util.find_spec("pipeline")
    assert pipeline is not None
    assert pipeline.origin is not None
    others = sorted({file.stem for file in wfdb.glob("*.hea")} - set(RECORDS))
    with tempfile.TemporaryDirectory(prefix="heartbeat-record-") as folder:
        recorder = Recorder(Path(pipeline.origin).parents[1], Path(folder), out)
        copy_records(wfdb, recorder.work)
        recorder.run("help")
        recorder.run("prepare", others=" ".join(f"--exclude {name}" for name in others))
        make_inputs(recorder.work)
        recorder.run("kubeflow")
        recorder.run("run")
        recorder.run("models", version=recorder.version.name)
        if model and not model.exists():
            shutil.copytree(recorder.version, model)
        shutil.copytree(model or recorder.version, recorder.work / "serving" / SCORING)
        recorder.run("score")
        recorder.keep_texts()
        recorder.keep_values()
        recorder.write()


if __name__ == "__main__":
    main()
