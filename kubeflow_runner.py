"""Compile the pipeline for Kubeflow: python kubeflow_runner.py --image IMAGE --data URI --pipeline-root URI."""

from __future__ import annotations

import sys

if sys.version_info[:2] != (3, 10):
    sys.exit("Heartbeat needs Python 3.10: `make run` makes its environment in .venv; run .venv/bin/python.")

from pipeline.cli import main
from pipeline.commands.kubeflow import kubeflow

if __name__ == "__main__":
    sys.exit(main(kubeflow))
