"""Where a soaked job writes: a directory, or a prefix of a bucket, by the same acts."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from tests.s3_server import S3Server
from tests.score.jobs import digests

BUCKET = "soak"


@dataclass(frozen=True)
class LocalPlace:
    folder: Path

    @property
    def environ(self):
        return {}

    def output(self, name):
        return str(self.folder / name)

    def digests(self, name):
        return digests(self.folder / name)

    def has(self, name, file):
        return (self.folder / name / file).exists()

    def bury(self, name):
        """What a dead job leaves that another waits for: a lock of a directory dies with it."""


@dataclass(frozen=True)
class S3Place:
    server: S3Server

    @property
    def environ(self):
        return self.server.environ

    def output(self, name):
        return f"s3://{BUCKET}/{name}"

    def _objects(self, prefix):
        pages = self.server.client().get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return [each["Key"] for page in pages for each in page.get("Contents", [])]

    def digests(self, name):
        found = {}
        for key in [*self._objects(f"{name}/parts/"), *self._objects(f"{name}/rejects/")]:
            content = self.server.client().get_object(Bucket=BUCKET, Key=key)["Body"].read()
            found[key.removeprefix(f"{name}/")] = hashlib.sha256(content).hexdigest()
        return found

    def has(self, name, file):
        return bool(self._objects(f"{name}/{file}"))

    def bury(self, name):
        """The claim of a dead job would hold others off for two minutes."""
        for key in self._objects(f"{name}/lock/"):
            self.server.client().delete_object(Bucket=BUCKET, Key=key)
