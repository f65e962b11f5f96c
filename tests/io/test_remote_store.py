from __future__ import annotations

import pytest

from components.errors import EnvironmentRefused, UsageError
from components.io.serving import list_versions, newest_version, push, roll_back, show_version
from tests.io.memory_filesystem import MemoryFileSystem
from tests.io.test_serving import a_model, contents

SERVING = "memory://bucket/serving"


@pytest.fixture(autouse=True)
def empty_store(monkeypatch):
    monkeypatch.setattr(MemoryFileSystem, "objects", {})
    monkeypatch.setattr(MemoryFileSystem, "written", [])


@pytest.fixture
def model(tmp_path):
    return a_model(tmp_path / "model")


def objects_of(version: int) -> dict[str, bytes]:
    top = f"{SERVING}/{version}/"
    return {name.removeprefix(top): held for name, held in MemoryFileSystem.objects.items() if name.startswith(top)}


def test_nothing_pushed_yet():
    assert newest_version(SERVING) is None


def test_a_push_is_a_copy_whose_saved_model_comes_last(model):
    version, location = push(SERVING, model, lambda: 50.0)
    assert location == f"{SERVING}/50"
    assert objects_of(version) == contents(model)
    assert MemoryFileSystem.written[-1] == f"{SERVING}/50/saved_model.pb"


def test_a_push_that_dies_before_its_last_object_is_no_version(model, monkeypatch):
    push(SERVING, model, lambda: 50.0)

    def die(path):
        if path.endswith("variables.index"):
            raise KeyboardInterrupt

    monkeypatch.setattr(MemoryFileSystem, "after_write", staticmethod(die))
    with pytest.raises(KeyboardInterrupt):
        push(SERVING, model, lambda: 60.0)
    monkeypatch.setattr(MemoryFileSystem, "after_write", staticmethod(lambda path: None))
    assert [version.version for version in list_versions(SERVING)] == [50]
    assert push(SERVING, model, lambda: 60.0)[0] == 61  # never into what the dead push left


def test_a_push_that_meets_another_on_its_number_takes_a_free_one(model, monkeypatch):
    met = []

    def another_claims_it_too(path):
        if "/claim-" in path and not met:
            met.append(path)
            MemoryFileSystem.objects[f"{SERVING}/70/claim-another"] = b""

    monkeypatch.setattr(MemoryFileSystem, "after_write", staticmethod(another_claims_it_too))
    version, _ = push(SERVING, model, lambda: 70.0)
    assert version > 70
    assert objects_of(version) == contents(model)
    assert set(objects_of(70)) == {"claim-another"}


def test_rolling_back_and_showing(model, tmp_path):
    push(SERVING, model, lambda: 50.0)
    push(SERVING, a_model(tmp_path / "two", "two"), lambda: 60.0)
    version, _ = roll_back(SERVING, 50, lambda: 60.5)
    assert version == 61
    shown = show_version(SERVING, 61)
    assert (shown.origin, shown.newest, shown.digest) == (50, True, show_version(SERVING, 50).digest)
    with pytest.raises(UsageError, match="It has 50, 60, 61"):
        roll_back(SERVING, 7)


def test_a_store_that_is_not_reached_is_refused_in_words(model, monkeypatch):
    def fails(*args, **kwargs):
        raise OSError("connection refused")

    monkeypatch.setattr(MemoryFileSystem, "_list", fails)
    with pytest.raises(EnvironmentRefused, match=r"memory://bucket/serving cannot be listed: .*connection refused"):
        newest_version(SERVING)


def test_an_unknown_scheme_is_refused_in_words():
    with pytest.raises(UsageError, match="cannot be opened"):
        newest_version("nowhere://bucket/serving")
