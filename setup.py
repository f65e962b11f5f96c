"""Package Heartbeat: its stages, its pipeline, its schema, and the `heartbeat` command."""

import sys

from setuptools import find_packages, setup

if sys.version_info[:2] != (3, 10):
    sys.exit(
        f"Heartbeat needs Python 3.10 (this is {sys.version_info[0]}.{sys.version_info[1]}): "
        "TFX 1.16.0, the newest that can be installed, is used on that version only. Create the environment with it."
    )

setup(
    name="heartbeat",
    version="0.1.0",
    description="Train, judge, ship and run an ECG heartbeat classifier with TFX and Apache Beam",
    license="Apache-2.0",
    python_requires="==3.10.*",
    packages=find_packages(include=["pipeline", "pipeline.*", "components", "components.*", "schema"]),
    package_data={"schema": ["*.pbtxt", "*.json"], "components": ["**/*.xz", "**/*.j2", "**/*.txt"]},
    install_requires=[
        "tfx==1.16.0",
        "tensorflow==2.16.2",
        "tensorflow-data-validation==1.16.1",
        "tensorflow-transform==1.16.0",
        "apache-beam[aws,gcp]==2.62.0",
        "keras-tuner==1.4.8",
        "pandas",
        "click",
        "google-crc32c",
        "jinja2",
        "matplotlib",
        "pydantic>=2",
        "rich",
        "wfdb==4.1.2",
    ],
    extras_require={"kfp": ["kfp==2.5.0"]},
    entry_points={
        "console_scripts": [
            "heartbeat = pipeline.cli:run",
            "heartbeat-worker = components.score.engines.worker:main",
        ]
    },
)
