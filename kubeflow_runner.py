"""Compile the pipeline for Kubeflow: python kubeflow_runner.py --image IMAGE --data URI --pipeline-root URI."""

from __future__ import annotations

from pipeline.commands.kubeflow import kubeflow

if __name__ == "__main__":
    import sys

    from pipeline.cli import main

    sys.exit(main(kubeflow))
