"""Package Heartbeat: its stages, its pipeline, its schema, and the `heartbeat` command."""

from setuptools import find_packages, setup

OLD, NEW = "python_version < '3.11'", "python_version >= '3.12'"
"""The two lanes: TFX 1.16 for glibc below 2.39, TFX 1.21 for all else (docs/decisions.md)."""

setup(
    name="heartbeat",
    version="0.1.0",
    description="Train, judge, ship and run an ECG heartbeat classifier with TFX and Apache Beam",
    license="Apache-2.0",
    python_requires=">=3.10,<3.14,!=3.11.*",
    packages=find_packages(include=["pipeline", "pipeline.*", "components", "components.*", "schema"]),
    package_data={
        "schema": ["*.pbtxt"],
        "components": ["**/*.xz", "**/*.j2", "**/*.txt", "recordings/example/*", "push/released/**/*"],
    },
    install_requires=[
        f"tfx==1.16.0; {OLD}",
        f"tfx==1.21.0; {NEW}",
        f"tensorflow==2.16.2; {OLD}",
        f"tensorflow==2.21.0; {NEW}",
        f"tensorflow-data-validation==1.16.1; {OLD}",
        f"tensorflow-data-validation==1.21.0; {NEW}",
        f"tensorflow-transform==1.16.0; {OLD}",
        f"tensorflow-transform==1.21.0; {NEW}",
        f"apache-beam[aws,gcp]==2.62.0; {OLD}",
        f"apache-beam[aws,gcp]==2.77.0; {NEW}",
        f"tensorboard; {NEW}",
        "keras-tuner==1.4.8",
        "pandas",
        "boto3",
        "click",
        "google-cloud-storage",
        "google-crc32c",
        "jinja2",
        "matplotlib",
        "openvino",
        "psutil",
        "pydantic>=2",
        "requests",
        "rich",
        "wfdb",
    ],
    extras_require={"kfp": [f"kfp==2.5.0; {OLD}", f"kfp==2.16.1; {NEW}"]},
    entry_points={
        "console_scripts": [
            "heartbeat = pipeline.cli:run",
            "heartbeat-worker = components.score.engines.worker:main",
        ]
    },
)
