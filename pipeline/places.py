"""Where a run reads and writes: the data, the root, the serving directory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

DEFAULT_ROOT = "output"
"""The local folder of runs when none is named."""

DEFAULT_SERVING = f"{DEFAULT_ROOT}/serving"
"""Where that root's runs push to."""


@dataclass(frozen=True)
class Places:
    """The places of a run.

    Attributes:
        data: directory or URI of the CSVs.
        root: local directory of runs, metadata and artifacts.
        serving: directory or URI that models are pushed to.
    """

    data: str
    root: Path
    serving: str

    @property
    def artifacts(self) -> Path:
        """Folder of TFX's artifacts and metadata."""
        return self.root / "tfx"

    @property
    def metadata(self) -> Path:
        """The SQLite file that remembers executions, and so the cache."""
        return self.artifacts / "metadata.sqlite"
