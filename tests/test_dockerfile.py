"""Dockerfile: clean for hadolint, and the build context holds what it copies and nothing else."""

import ctypes
import fnmatch
import re
import subprocess
import sys
from pathlib import Path

import zstandard.backend_c

from tools.cut_symbols import cut

TOP = Path(__file__).parents[1]
DOCKERFILE = (TOP / "Dockerfile").read_text()
IGNORE = (TOP / ".dockerignore").read_text().splitlines()


def requirements(name):
    return set(re.findall(r"^([A-Za-z0-9_.-]+)(?:==|\s|$)", (TOP / name).read_text(), flags=re.MULTILINE))


def test_hadolint_has_nothing_to_say():
    linter = Path(sys.executable).with_name("hadolint")
    told = subprocess.run([linter, TOP / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout) == (0, "")
    assert "hadolint ignore" not in DOCKERFILE


def test_the_context_holds_what_is_copied_and_nothing_else():
    allowed = {line[1:] for line in IGNORE if line.startswith("!")}
    assert "*" in IGNORE
    copied = set()
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, flags=re.MULTILINE):
        copied |= set(line.split()[:-1])
    assert allowed == copied
    assert all((TOP / name).exists() for name in allowed)
    assert any(fnmatch.fnmatch("components/__pycache__", line) for line in IGNORE)


def test_every_package_is_locked_with_its_hashes():
    for name in ("py312", "image", "setup", "worker"):
        lock = (TOP / f"requirements-{name}.txt").read_text()
        packages = re.findall(r"^[a-z0-9][^\n]*==[^\n]*\n", lock, flags=re.MULTILINE)
        hashed = re.findall(r"^[a-z0-9][^\n]*==[^\n]* \\\n +--hash=sha256:[0-9a-f]{64}", lock, flags=re.MULTILINE)
        assert len(packages) == len(hashed) > 0, name
    assert DOCKERFILE.count("--require-hashes") == 2


def test_what_the_image_goes_without_is_something_that_it_would_have():
    assert requirements("requirements-image-without.txt") <= requirements("requirements-py312.txt")


def test_the_stand_in_for_tensorflow_is_of_the_same_version():
    versions = {
        package: re.search(rf"^{package}==(\S+)", (TOP / name).read_text(), flags=re.MULTILINE)[1]
        for package, name in (("tensorflow", "requirements-py312.txt"), ("tensorflow-cpu", "requirements-image.txt"))
    }
    assert versions["tensorflow"] == versions["tensorflow-cpu"]


def test_workers_have_the_versions_of_the_full_image():
    everything, worker = (
        dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (TOP / f"requirements-{name}.txt").read_text(), flags=re.MULTILINE))
        for name in ("py312", "worker")
    )
    assert worker.items() <= everything.items()
    left_out = requirements("requirements-worker-without.txt")
    assert left_out <= set(everything) - set(worker)


def test_libraries_without_symbols_are_loaded(tmp_path):
    library = tmp_path / "library.so"
    library.write_bytes(cut(Path(zstandard.backend_c.__file__).read_bytes()))
    assert library.stat().st_size < Path(zstandard.backend_c.__file__).stat().st_size
    ctypes.PyDLL(str(library))


def test_no_index_or_password_stands_in_the_file():
    assert not re.search(r"https?://|PASSWORD|_INDEX_URL=\S*[a-z]{2,}\.", DOCKERFILE.replace("PIP_INDEX_URL=...", ""))
    assert re.findall(r"--mount=type=secret,id=(\w+)", DOCKERFILE) == ["index", "ca"]
