"""A stand-in for the Python image, which needs a registry: Debian with its own Python, moved to /usr/local."""

import shutil
import subprocess

VERSION = "3.13"
DEBIAN = "trixie"
SLIM = f"docker.io/library/python:{VERSION}-slim-{DEBIAN}"

PACKAGES = "ca-certificates,netbase,tzdata,python3,python3-venv"
"""What the slim image has."""

ABSENT = ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/info", "usr/share/locale", "usr/share/man")
"""What it does not have."""


def make_base(buildah):
    """Make it, under the name that the Dockerfile begins with."""
    with buildah.mounted("scratch") as (root, container):
        _install_debian(root)
        _move_python(root)
        buildah("config", "--env", "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", container)
        buildah("config", "--env", "LANG=C.UTF-8", "--cmd", "python3", container)
        buildah("commit", "--quiet", container, SLIM)


def _install_debian(root):
    private = ["unshare", "--mount"]  # what debootstrap mounts ends with it, however it ends
    command = [*private, "debootstrap", "--variant=minbase", f"--include={PACKAGES}", DEBIAN, str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    for folder in ABSENT:
        shutil.rmtree(root / folder)
        (root / folder).mkdir()


def _move_python(root):
    shutil.rmtree(root / f"usr/local/lib/python{VERSION}")  # holds an empty folder for Debian's users
    for name in (f"bin/python{VERSION}", f"lib/python{VERSION}"):
        shutil.move(root / "usr" / name, root / "usr/local" / name)
    (root / "usr/bin/python3").unlink()
    for name in ("python", "python3"):
        (root / "usr/local/bin" / name).symlink_to(f"python{VERSION}")
