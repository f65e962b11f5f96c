"""Run the whole pipeline on this machine: python local_runner.py [--data DIR] [--profile demo|full|study|patient]."""

from __future__ import annotations

import sys

from components.compat import PYTHONS

if sys.version_info[:2] not in PYTHONS:
    sys.exit(
        "Heartbeat needs Python 3.13, 3.12 or 3.10: `make run` sets up its environment in .venv; use .venv/bin/python."
    )

from pipeline.cli import main
from pipeline.commands.run import run

if __name__ == "__main__":
    sys.exit(main(run))
