"""Stand-ins for the Python images, which need a registry: Debian itself, and this machine's Python at /usr/local."""

import shutil
import subprocess
import sys
from pathlib import Path

VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
DEBIAN = "bookworm"
SLIM = f"docker.io/library/python:{VERSION}-slim-{DEBIAN}"
FULL = f"docker.io/library/python:{VERSION}-{DEBIAN}"

LIBRARIES = "ca-certificates,netbase,tzdata,libbz2-1.0,libexpat1,libffi8,liblzma5,libreadline8,libsqlite3-0,libssl3,"
LIBRARIES += "libuuid1,zlib1g"
"""What the slim image has, and Python's own modules are linked with."""

COMPILERS = "build-essential"
"""What the full image has more, as far as a package may need it."""


def make_bases(buildah):
    """Make both images, under the names that the Dockerfile begins with."""
    for name, packages in ((SLIM, LIBRARIES), (FULL, f"{LIBRARIES},{COMPILERS}")):
        with buildah.mounted("scratch") as (root, container):
            _install_debian(root, packages)
            _copy_python(root)
            buildah("config", "--env", "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", container)
            buildah("config", "--env", "LANG=C.UTF-8", "--cmd", "python3", container)
            buildah("commit", "--quiet", container, name)


def _install_debian(root, packages):
    private = ["unshare", "--mount"]  # what debootstrap mounts ends with it, however it ends
    command = [*private, "debootstrap", "--variant=minbase", f"--include={packages}", DEBIAN, str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    for package in (root / "var/cache/apt/archives").glob("*.deb"):
        package.unlink()


def _copy_python(root):
    prefix, local = Path(sys.base_prefix), root / "usr/local"
    leave = shutil.ignore_patterns("test", "tests", "site-packages", "__pycache__", "config-*", "idlelib")
    for folder in (f"lib/python{VERSION}", f"include/python{VERSION}"):
        shutil.copytree(prefix / folder, local / folder, symlinks=True, ignore=leave)
    (local / f"lib/python{VERSION}/site-packages").mkdir()
    for library in (prefix / "lib").glob("libpython*.so*"):
        shutil.copy2(library, local / "lib", follow_symlinks=False)
    shutil.copy2(prefix / f"bin/python{VERSION}", local / "bin")
    for name in ("python", "python3"):
        (local / "bin" / name).symlink_to(f"python{VERSION}")
    subprocess.run(["chroot", str(root), "ldconfig"], check=True)
