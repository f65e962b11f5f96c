"""An image's files as a pod with every restriction sees them: read-only, an unknown user, no rights, no network.

The kernel does it, without an engine: namespaces of mounts, processes and network, and capabilities taken away. What a
cluster has beyond that and this has not: a seccomp profile, limits of memory and processor.
"""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

SETUP = """
set -e
mount --make-rprivate /
mount --bind "$ROOT" "$ROOT"
mount -o remount,bind,ro "$ROOT"
mount -t proc -o ro,nosuid,nodev,noexec proc "$ROOT/proc"
mount --rbind /dev "$ROOT/dev"
mount --bind "$SCRATCH" "$ROOT/tmp"
ip link set lo up
hostname localhost  # Kubernetes gives a pod a name that it can resolve
exec chroot "$ROOT" /usr/bin/setpriv --reuid="$USER_ID" --regid="$USER_ID" --clear-groups --inh-caps=-all \\
    --bounding-set=-all --no-new-privs -- /usr/bin/env -i "$@"
"""


@dataclass(frozen=True)
class Sandbox:
    """Where commands of an image run.

    Attributes:
        root: the image's files.
        scratch: what is mounted at /tmp, all that can be written.
        config: of the image: its environment and working directory.
    """

    root: Path
    scratch: Path
    config: dict

    def run(self, *command, user=54321, environ=(), seconds=1200):
        """Run a command of the image and return the finished process.

        Args:
            command: words; without any, what the image runs by itself.
            user: number of a user that no file of the image knows.
            environ: lines NAME=value that come after the image's own, as a pod's do.
            seconds: when to give up.
        """
        self.scratch.chmod(0o1777)
        words = [
            f"--chdir={self.config['WorkingDir']}",
            *self.config["Env"],
            *environ,
            *(command or self.config["Cmd"]),
        ]
        return subprocess.run(
            [
                "unshare",
                "--mount",
                "--pid",
                "--fork",
                "--kill-child",
                "--net",
                "--ipc",
                "--uts",
                "sh",
                "-c",
                SETUP,
                "sh",
                *words,
            ],
            env=os.environ | {"ROOT": str(self.root), "SCRATCH": str(self.scratch), "USER_ID": str(user)},
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
