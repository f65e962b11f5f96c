"""The serving directory, on file systems and object stores: versions appear whole, numbers grow, none is lost."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import components.io.serving
from components.errors import EnvironmentRefused, UsageError
from components.io.object_stores import ObjectStore
from components.io.serving import ServingDirectory, model_digest
from components.io.storage import storage_at


def a_model(folder: Path, content: str = "one") -> Path:
    beside = folder / "assets.extra" / "heartbeat"
    beside.mkdir(parents=True)
    (folder / "saved_model.pb").write_text(content)
    (folder / "variables").mkdir()
    (folder / "variables" / "variables.index").write_text(content)
    (beside / "digests.json").write_text(json.dumps({"model": model_digest(folder)}))
    (beside / "metrics.json").write_text(json.dumps({"synthetic": True, "split": "patient"}))
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return a_model(tmp_path / "model")


@pytest.fixture
def serving(tmp_path: Path) -> ServingDirectory:
    return ServingDirectory(str(tmp_path / "serving"))


def at(now: float) -> Callable[[], float]:
    return lambda: now


def contents(folder: str | Path) -> dict[str, bytes | None]:
    """What is below a folder or URI."""
    storage = storage_at(folder)
    return {name: storage.read(name) for name in storage.sizes()}


def test_nothing_pushed_yet(root: str) -> None:
    serving = ServingDirectory(root)
    assert serving.versions() == serving.describe_all() == []
    assert serving.newest_statistics() is None


def test_a_push_is_a_copy_numbered_by_its_second(root: str, model: Path) -> None:
    serving = ServingDirectory(root)
    assert serving.push(model, at(1_700_000_000.9)) == 1_700_000_000
    assert contents(serving.location(1_700_000_000)) == contents(model)
    assert contents(root).keys() == {f"1700000000/{name}" for name in contents(model)}
    with serving.opened(1_700_000_000) as folder:
        assert contents(folder) == contents(model)
    assert serving.digest_now(1_700_000_000) == model_digest(model)


def test_numbers_always_grow_even_when_the_clock_does_not(root: str, model: Path) -> None:
    serving = ServingDirectory(root)
    assert [serving.push(model, at(now)) for now in (50.0, 50.0, 20.0, 99.0)] == [50, 51, 52, 99]
    assert serving.versions() == [50, 51, 52, 99]


def test_only_complete_numeric_folders_are_versions(serving: ServingDirectory, model: Path) -> None:
    serving.push(model, at(5.0))
    for name in ("latest", "07", "-3", "6.5", "１２"):
        shutil.copytree(model, Path(serving.root) / name)
    shutil.copytree(model, Path(serving.root) / "5" / "8")
    (Path(serving.root) / "9").mkdir()  # number, but no model in it
    assert serving.versions() == [5]
    assert serving.push(model, at(6.0)) == 10  # never into a number that is taken


@pytest.mark.parametrize("step", ["_flush", "copytree", "rename"])
def test_a_local_push_that_dies_on_the_way_leaves_no_version(
    serving: ServingDirectory, model: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    serving.push(model, at(5.0))

    def dies(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        where = {"_flush": components.io.serving, "copytree": shutil, "rename": Path}[step]
        patch.setattr(where, step, dies)
        with pytest.raises(KeyboardInterrupt):
            serving.push(model, at(6.0))
    assert os.listdir(serving.root) == ["5"]
    assert serving.push(model, at(6.0)) == 6


def _push_and_be_killed(serving: ServingDirectory, model: Path) -> None:
    components.io.serving._flush = lambda *paths: os._exit(9)  # between copy and rename, as kill -9 would
    serving.push(model, at(6.0))


def test_what_a_killed_push_left_is_no_version_and_the_next_push_removes_it(
    serving: ServingDirectory, model: Path
) -> None:
    serving.push(model, at(5.0))
    child = multiprocessing.get_context("fork").Process(target=_push_and_be_killed, args=(serving, model))
    child.start()
    child.join()
    assert child.exitcode == 9
    assert len(os.listdir(serving.root)) == 2  # the version, and what was being copied
    assert serving.versions() == [5]
    serving.push(model, at(7.0))
    assert sorted(os.listdir(serving.root)) == ["5", "7"]


def test_a_push_to_a_store_ends_with_saved_model(store_root: str, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uploaded: list[str] = []
    upload = ObjectStore.upload

    def told(store: ObjectStore, name: str, file: Path) -> None:
        uploaded.append(name)
        upload(store, name, file)

    monkeypatch.setattr(ObjectStore, "upload", told)
    ServingDirectory(store_root).push(model, at(50.0))
    assert uploaded[-1] == "50/saved_model.pb"
    assert len(uploaded) == len(contents(model))


def test_a_push_to_a_store_that_dies_before_its_last_object_is_no_version(
    store_root: str, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving = ServingDirectory(store_root)
    serving.push(model, at(50.0))
    upload = ObjectStore.upload

    def die_after(store: ObjectStore, name: str, file: Path) -> None:
        upload(store, name, file)
        if name.endswith("variables.index"):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ObjectStore, "upload", die_after)
        with pytest.raises(KeyboardInterrupt):
            serving.push(model, at(60.0))
    assert serving.versions() == [50]
    assert serving.push(model, at(60.0)) == 61  # never into what the dead push left


def test_a_push_takes_no_number_that_another_took_between_looking_and_claiming(
    store_root: str, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving, pushed = ServingDirectory(store_root), []
    write_if = ObjectStore.write_if

    def push_before(store: ObjectStore, name: str, content: bytes, version: str | None) -> str | None:
        if not pushed:
            pushed.append(name)
            assert serving.push(model, at(70.0)) == 70
        return write_if(store, name, content, version)

    monkeypatch.setattr(ObjectStore, "write_if", push_before)
    assert serving.push(model, at(70.0)) == 71
    assert serving.versions() == [70, 71]
    assert not [name for name in contents(store_root) if name.startswith("claims/")]


def test_concurrent_pushes_all_arrive_whole_under_their_own_numbers(root: str, model: Path) -> None:
    serving = ServingDirectory(root)
    together = threading.Barrier(4)

    def push() -> None:
        together.wait()
        serving.push(model, at(100.0))

    threads = [threading.Thread(target=push) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    versions = serving.versions()
    assert len(versions) == 4
    assert versions[0] == 100
    for version in versions:
        assert contents(serving.location(version)) == contents(model)


def test_rolling_back_copies_under_a_new_highest_number_and_notes_where_from(root: str, tmp_path: Path) -> None:
    serving = ServingDirectory(root)
    for now, content in ((10, "one"), (20, "two")):
        serving.push(a_model(tmp_path / content, content), at(now))
    assert serving.roll_back(10, at(15.0)) == 21
    rolled = serving.describe(21)
    assert (rolled.origin, rolled.newest, rolled.location) == (10, True, f"{serving.root}/21")
    assert rolled.digest == serving.describe(10).digest != serving.describe(20).digest
    found = contents(serving.location(21))
    origin = json.loads(found.pop("assets.extra/heartbeat/origin.json") or b"")
    assert origin == {"version": 10, "copied": "1970-01-01T00:00:15+00:00"}
    assert found == contents(serving.location(10))


def test_rolling_back_to_what_is_not_there_says_what_is(root: str, model: Path) -> None:
    serving = ServingDirectory(root)
    with pytest.raises(UsageError, match=rf"no version 3 in {root}. Nothing was pushed there."):
        serving.roll_back(3)
    serving.push(model, at(10.0))
    serving.push(model, at(20.0))
    with pytest.raises(UsageError, match="It has 10, 20"):
        serving.roll_back(3)
    with pytest.raises(UsageError, match="serves already"):
        serving.roll_back(20)


def test_only_the_newest_version_with_the_same_bytes_serves_a_model_already(root: str, tmp_path: Path) -> None:
    serving = ServingDirectory(root)
    one, two = (a_model(tmp_path / content, content) for content in ("one", "two"))
    assert serving.serving_version_of(model_digest(one)) is None
    serving.push(one, at(10.0))
    assert serving.serving_version_of(model_digest(one)) == 10
    serving.push(two, at(20.0))
    assert serving.serving_version_of(model_digest(one)) is None
    serving.roll_back(10, at(30.0))
    assert serving.serving_version_of(model_digest(one)) == 30
    storage_at(root).write("30/variables/variables.index", b"damaged")
    assert serving.serving_version_of(model_digest(one)) is None


def test_a_version_without_digests_serves_no_known_model(root: str, model: Path) -> None:
    (model / "assets.extra" / "heartbeat" / "digests.json").unlink()
    serving = ServingDirectory(root)
    serving.push(model)
    assert serving.serving_version_of(model_digest(model)) is None


def test_what_is_no_model_is_not_pushed(serving: ServingDirectory, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"no saved_model.pb"):
        serving.push(tmp_path / "empty")
    assert serving.versions() == []


def test_a_serving_directory_that_is_a_file_is_refused_in_words(tmp_path: Path, model: Path) -> None:
    (tmp_path / "file").write_text("")
    serving = ServingDirectory(str(tmp_path / "file"))
    with pytest.raises(EnvironmentRefused, match="cannot be pushed to"):
        serving.push(model)
    with pytest.raises(EnvironmentRefused, match=r"Cannot list .*/file: Not a directory"):
        serving.versions()


def test_file_uris_are_local_and_unknown_schemes_are_refused(tmp_path: Path, model: Path) -> None:
    assert ServingDirectory(f"file://{tmp_path}/serving").push(model, at(5.0)) == 5
    assert ServingDirectory(str(tmp_path / "serving")).versions() == [5]
    with pytest.raises(UsageError, match="cannot be opened"):
        ServingDirectory("nowhere://bucket/serving")


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    (tmp_path / "variables").mkdir()
    (tmp_path / "saved_model.pb").write_bytes(b"graph")
    (tmp_path / "variables" / "variables.index").write_bytes(b"index")
    return tmp_path


def test_digest_does_not_depend_on_what_lies_beside(saved: Path) -> None:
    before = model_digest(saved)
    (saved / "assets.extra").mkdir()
    (saved / "assets.extra" / "model_card.md").write_text("words")
    assert model_digest(saved) == before


@pytest.mark.parametrize("change", ["content", "name", "more", "moved bytes"])
def test_digest_depends_on_names_and_bytes(saved: Path, change: str) -> None:
    before = model_digest(saved)
    if change == "content":
        (saved / "saved_model.pb").write_bytes(b"Graph")
    elif change == "name":
        (saved / "variables" / "variables.index").rename(saved / "variables" / "variables.other")
    elif change == "more":
        (saved / "fingerprint.pb").write_bytes(b"")
    else:
        (saved / "saved_model.pb").write_bytes(b"graphi")
        (saved / "variables" / "variables.index").write_bytes(b"ndex")
    assert model_digest(saved) != before


def test_digest_is_the_same_in_any_place(saved: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    copy = tmp_path_factory.mktemp("other") / "place"
    shutil.copytree(saved, copy)
    assert model_digest(copy) == model_digest(saved)


def test_digest_by_hand(saved: Path) -> None:
    said = b"saved_model.pb\x005\x00graph" + b"variables/variables.index\x005\x00index"
    assert model_digest(saved) == hashlib.sha256(said).hexdigest()
