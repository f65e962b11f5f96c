"""`local_runner.py` as a newcomer starts it, and how it ended."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOP = Path(__file__).parents[1]


@dataclass(frozen=True)
class Ended:
    """A run as it stood when it ended; later runs change the root.

    Attributes:
        code: exit code.
        versions: names of what is pushed.
    """

    root: Path
    code: int
    out: str
    err: str
    summary: dict[str, Any]
    versions: tuple[str, ...]

    @property
    def states(self) -> dict[str, str]:
        """Stage -> ran, cached, failed or skipped."""
        return {stage["name"]: stage["state"] for stage in self.summary["stages"]}

    @property
    def folder(self) -> Path:
        return self.root / "runs" / self.summary["run"]


def local_runner(root: Path, *words: str, source: Path = TOP) -> Ended:
    """Run the pipeline as a process, with the code of a source tree."""
    command = [sys.executable, "local_runner.py", "--root", str(root), *words]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True)
    summary = json.loads((root / "summary.json").read_text())
    versions = tuple(sorted(path.name for path in (root / "serving").iterdir()))
    return Ended(root, done.returncode, done.stdout, done.stderr, summary, versions)
