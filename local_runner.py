"""Run the whole pipeline on this machine: python local_runner.py [--data DIR] [--profile demo|full|study]."""

from __future__ import annotations

from pipeline.commands.run import run

if __name__ == "__main__":
    import sys

    from pipeline.cli import main

    sys.exit(main(run))
