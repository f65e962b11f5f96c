"""Debian's buildah with a store of its own: no engine, no registry, nothing left behind outside a folder."""

import json
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Buildah:
    """A store of images.

    Attributes:
        folder: that holds it; no other user of buildah sees it.
    """

    folder: Path

    def __call__(self, *words):
        """Run a command and return what it prints; its own words are in the error when it fails."""
        policy = self.folder / "policy.json"
        if not policy.exists():
            policy.write_text(json.dumps({"default": [{"type": "insecureAcceptAnything"}]}))
        store = ["--storage-driver", "vfs", "--root", self.folder / "store", "--runroot", self.folder / "run"]
        command, *rest = words
        trusting = ["--signature-policy", policy] if command in ("bud", "commit", "from") else []
        done = subprocess.run(
            [str(word) for word in ["buildah", *store, command, *trusting, *rest]],
            capture_output=True,
            text=True,
            check=False,
            env=self._environ(),
        )
        assert done.returncode == 0, f"buildah {command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done.stdout.strip()

    def _environ(self):
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(self.folder), "TMPDIR": str(temporary)}

    @contextmanager
    def mounted(self, image):
        """The files of an image ("scratch": none), and the container that they belong to."""
        container = self("from", "--pull-never", image)
        try:
            yield Path(self("mount", container)), container
        finally:
            self("umount", container)
            self("rm", container)

    def config(self, image):
        """The image's configuration as OCI has it."""
        return json.loads(self("inspect", "--type", "image", image))["OCIv1"]
