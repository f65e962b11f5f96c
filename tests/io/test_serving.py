from __future__ import annotations

import json
import multiprocessing
import os
import shutil
from pathlib import Path

import pytest

from components.errors import EnvironmentRefused, UsageError
from components.io import local_store
from components.io.digest import model_digest
from components.io.serving import list_versions, newest_version, push, roll_back, show_version


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
def serving(tmp_path):
    return str(tmp_path / "serving")


@pytest.fixture
def model(tmp_path):
    return a_model(tmp_path / "model")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_nothing_pushed_yet(serving):
    assert newest_version(serving) is None
    assert list_versions(serving) == []


def test_a_push_is_a_copy_numbered_by_its_second(serving, model):
    version, location = push(serving, model, lambda: 1_700_000_000.9)
    assert version == 1_700_000_000
    assert contents(Path(location)) == contents(model)
    assert os.listdir(serving) == ["1700000000"]


def test_numbers_always_grow_even_when_the_clock_does_not(serving, model):
    numbers = [push(serving, model, lambda now=now: now)[0] for now in (50.0, 50.0, 20.0, 99.0)]
    assert numbers == [50, 51, 52, 99]
    assert newest_version(serving) == 99


def test_only_complete_numeric_folders_are_versions(serving, model, tmp_path):
    push(serving, model, lambda: 5.0)
    for name in ("latest", "07", "-3", "6.5", "１２"):
        shutil.copytree(model, Path(serving) / name)
    (Path(serving) / "9").mkdir()  # number, but no model in it
    assert [version.version for version in list_versions(serving)] == [5]
    assert push(serving, model, lambda: 6.0)[0] == 10  # never into a number that is taken


@pytest.mark.parametrize("step", ["_flush", "copytree", "rename"])
def test_a_push_that_dies_on_the_way_leaves_no_version(serving, model, monkeypatch, step):
    push(serving, model, lambda: 5.0)

    def dies(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if step == "_flush":
            patch.setattr(local_store, "_flush", dies)
        elif step == "copytree":
            patch.setattr(local_store.shutil, "copytree", dies)
        else:
            patch.setattr(Path, "rename", dies)
        with pytest.raises(KeyboardInterrupt):
            push(serving, model, lambda: 6.0)
    assert os.listdir(serving) == ["5"]
    assert push(serving, model, lambda: 6.0)[0] == 6


def _push_and_be_killed(serving, model):
    local_store._flush = lambda folder: os._exit(9)  # between copy and rename, as kill -9 would
    push(serving, Path(model), lambda: 6.0)


def test_what_a_killed_push_left_is_no_version_and_the_next_push_removes_it(serving, model):
    push(serving, model, lambda: 5.0)
    child = multiprocessing.get_context("fork").Process(target=_push_and_be_killed, args=(serving, str(model)))
    child.start()
    child.join()
    assert child.exitcode == 9
    assert len(os.listdir(serving)) == 2  # the version, and what was being copied
    assert [version.version for version in list_versions(serving)] == [5]
    push(serving, model, lambda: 7.0)
    assert sorted(os.listdir(serving)) == ["5", "7"]


def _push_once(serving, model):
    push(serving, Path(model), lambda: 100.0)


def test_concurrent_pushes_all_arrive_whole_under_their_own_numbers(serving, model):
    children = [
        multiprocessing.get_context("fork").Process(target=_push_once, args=(serving, str(model))) for _ in range(5)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join()
        assert child.exitcode == 0
    assert sorted(os.listdir(serving)) == ["100", "101", "102", "103", "104"]
    for version in os.listdir(serving):
        assert contents(Path(serving, version)) == contents(model)


def test_rolling_back_copies_under_a_new_highest_number_and_notes_where_from(serving, tmp_path):
    for now, content in ((10, "one"), (20, "two")):
        push(serving, a_model(tmp_path / content, content), lambda now=now: float(now))
    version, location = roll_back(serving, 10, lambda: 15.0)
    assert version == 21
    rolled = show_version(serving, 21)
    assert (rolled.origin, rolled.newest) == (10, True)
    assert rolled.digest == show_version(serving, 10).digest != show_version(serving, 20).digest
    expected = contents(Path(serving, "10"))
    told = contents(Path(location))
    origin = json.loads(told.pop("assets.extra/heartbeat/origin.json"))
    assert origin == {"version": 10, "copied": "1970-01-01T00:00:15+00:00"}
    assert told == expected


def test_rolling_back_to_what_is_not_there_says_what_is(serving, model):
    with pytest.raises(UsageError, match=r"no version 3 in .*serving. Nothing was pushed there."):
        roll_back(serving, 3)
    push(serving, model, lambda: 10.0)
    push(serving, model, lambda: 20.0)
    with pytest.raises(UsageError, match="It has 10, 20"):
        roll_back(serving, 3)
    with pytest.raises(UsageError, match="serves already"):
        roll_back(serving, 20)


def test_what_is_no_model_is_not_pushed(serving, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"no saved_model.pb"):
        push(serving, tmp_path / "empty")
    assert newest_version(serving) is None


def test_a_serving_directory_that_is_a_file_is_refused_in_words(tmp_path, model):
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentRefused, match="cannot be pushed to"):
        push(str(tmp_path / "file"), model)
    with pytest.raises(EnvironmentRefused, match="cannot be read"):
        list_versions(str(tmp_path / "file"))


def test_file_uris_are_local(serving, model):
    push(f"file://{serving}", model, lambda: 5.0)
    assert newest_version(serving) == 5
