"""Every storage does the same: lists, reads, publishes whole, removes; what fails is told in words."""

from __future__ import annotations

import errno
import io
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from components.errors import DataRefused, EnvironmentRefused, UsageError
from components.io.buckets import bucket_of
from components.io.storage import (
    absolute_path,
    find_file,
    fingerprint,
    list_files,
    open_range,
    read_range,
    read_whole,
    storage_at,
    write_whole,
)


def test_what_is_written_is_listed_and_read_whole_and_by_ranges(root: str) -> None:
    storage = storage_at(root)
    assert storage.sizes() == {}
    assert storage.read("a/b.json") is None
    contents = {"a/b.json": b"{}", "a/empty": b"", "c.bin": os.urandom(100_000)}
    for name, content in contents.items():
        storage.write(name, content)
    assert storage.sizes() == {name: len(content) for name, content in contents.items()}
    assert storage.sizes("a") == {"a/b.json": 2, "a/empty": 0}
    for name, content in contents.items():
        assert storage.read(name) == content
        assert read_whole(storage.path(name)) == content
    with storage.open("c.bin") as source:
        source.seek(70_000)
        assert source.read(10) == contents["c.bin"][70_000:70_010]
        room = bytearray(50_000)
        filled = source.readinto(memoryview(room))
        assert room[:filled] == contents["c.bin"][70_010 : 70_010 + filled]
    path = storage.path("c.bin")
    assert read_range(path, 10, 35) == contents["c.bin"][10:35]
    buffer = memoryview(bytearray(80_000))
    with open_range(path, 10, 100_000) as file:
        passed = [bytes(buffer[:filled]) for filled in iter(lambda: file.readinto(buffer), 0)]
    assert [len(part) for part in passed] == [80_000, 19_990]
    assert b"".join(passed) == contents["c.bin"][10:]
    with open_range(path, 10, 99_000) as file:
        assert file.read() == contents["c.bin"][10:99_000]
    storage.write("c.bin", b"anew")
    assert storage.read("c.bin") == b"anew"
    storage.remove("c.bin")
    storage.remove("c.bin")
    assert storage.read("c.bin") is None


def test_a_large_file_goes_up_in_parts_and_comes_back(root: str, tmp_path: Path) -> None:
    content = os.urandom(9 << 20)
    with storage_at(root).create("big") as file:
        file.write(content[:1000])
        file.write(content[1000:])
    storage_at(root).fetch("big", tmp_path / "copies" / "big")
    assert (tmp_path / "copies" / "big").read_bytes() == content


def test_a_file_appears_when_it_is_whole_or_not_at_all(root: str) -> None:
    storage = storage_at(root)
    storage.write("rows.csv", b"old")
    with storage.create("rows.csv") as file:
        file.write(b"new")
        assert storage.read("rows.csv") == b"old"
    assert storage.read("rows.csv") == b"new"
    with pytest.raises(TypeError), storage.create("rows.csv") as file:
        file.writelines([b"half", None])  # type: ignore[list-item]
    with storage.drafted("rows.csv") as (draft, _):
        draft.write_bytes(b"never published")
        assert storage.sizes() == {"rows.csv": 3}
    assert storage.read("rows.csv") == b"new"
    assert storage.sizes() == {"rows.csv": 3}


def test_drafts_of_the_dead_are_removed(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / ".part-dead").write_bytes(b"half")
    storage = storage_at(tmp_path)
    storage.write("parts/a", b"1")
    assert storage.sizes() == {"parts/a": 1}
    storage.remove_drafts()
    assert [file.name for file in (tmp_path / "parts").iterdir()] == ["a"]


def test_a_path_a_glob_and_a_folder_list_the_same_files(root: str) -> None:
    storage = storage_at(root)
    for name in ("a.csv", "b.csv", "c.txt", "d/e.csv"):
        storage.write(name, name.encode())
    paths = [f"{root}/a.csv", f"{root}/b.csv"]
    assert [file.path for file in list_files(f"{root}/*.csv")] == paths
    assert [file.path for file in list_files(f"{root}/[ab].csv")] == paths
    assert [file.path for file in list_files(f"{root}/?.csv")] == paths
    assert [file.path for file in list_files(f"{root}/[!b].csv")] == paths[:1]
    assert [file.path for file in list_files(f"{root}/*/*.csv")] == [f"{root}/d/e.csv"]
    [file] = list_files(paths[0])
    assert (file.path, file.size) == (paths[0], 5)
    assert file.version.startswith("mtime 1")
    assert list_files(paths[0]) == [file] == list_files(f"{root}/a.*")
    assert list_files(f"{root}/none.csv") == list_files(f"{root}/none*") == []


def test_two_stars_reach_any_depth(root: str) -> None:
    for name in ("a.csv", "d/e.csv", "d/f/g.csv", "d/x+1.csv"):
        storage_at(root).write(name, b"1")
    for pattern in ("**", "**/*.csv"):
        assert [file.path for file in list_files(f"{root}/{pattern}")] == [
            f"{root}/{name}" for name in ("a.csv", "d/e.csv", "d/f/g.csv", "d/x+1.csv")
        ]


def test_on_stores_a_slash_stands_for_the_folder(store_root: str) -> None:
    for name in ("a.csv", "d/e.csv", "d/f/g.csv", "d/x+1.csv"):
        storage_at(store_root).write(name, b"1")
    assert [file.path for file in list_files(f"{store_root}/d/")] == [
        f"{store_root}/d/e.csv",
        f"{store_root}/d/x+1.csv",
    ]
    assert list_files(f"{store_root}/d") == []


def test_a_slash_stands_for_the_files_of_a_folder(root: str) -> None:
    for name in ("d/a.csv", "d/.b", "d/e/f.csv", "d[x]/c.csv"):
        storage_at(root).write(name, b"1")
    assert [file.path for file in list_files(f"{root}/d/")] == [f"{root}/d/.b", f"{root}/d/a.csv"]
    assert [file.path for file in list_files(f"{root}/d[x]/")] == [f"{root}/d[x]/c.csv"]
    assert list_files(f"{root}/none/") == []


@pytest.mark.parametrize(
    "name", ["x[1].csv", "a b.csv", "a#b.csv", "what?.csv", "*.csv", "100%25.csv", "a+b&c=d.csv", "é.csv"]
)
def test_a_name_that_exists_is_taken_as_it_is(root: str, name: str) -> None:
    for each in (name, "x1.csv", "whatx.csv", "axb.csv"):
        storage_at(root).write(each, each.encode())
    path = f"{root}/{name}"
    [file] = list_files(path)
    assert (file.path, file.size) == (path, len(name.encode()))
    assert find_file(path) == file
    assert read_whole(path) == name.encode()
    assert read_range(path, 1, file.size) == name.encode()[1:]
    storage_at(root).remove(name)
    assert find_file(path) is None
    assert find_file(f"{root}") is None


def test_marks_of_empty_folders_are_no_files(store_root: str) -> None:
    scheme, _, name, prefix = store_root.split("/")
    bucket = bucket_of(scheme.rstrip(":"), name)
    for key in ("d/", "d/e/", "d/f_$folder$", "d_$folder$", "d/a.csv"):
        bucket.put(f"{prefix}/{key}", io.BytesIO(b"" if key != "d/a.csv" else b"1"))
    for pattern in ("d/*", "d/", "d/**", "**", "*/*"):
        assert [file.path for file in list_files(f"{store_root}/{pattern}")] == [f"{store_root}/d/a.csv"]
    assert list_files(f"{store_root}/*") == []


def test_a_glob_without_a_folder_is_one_of_the_working_directory_or_the_bucket(
    root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "root").mkdir(exist_ok=True)
    monkeypatch.chdir(tmp_path / "root")
    top = "/".join(root.split("/")[:3]) if "://" in root else ""
    name = root.rpartition("/")[2]
    storage_at(f"{top}/{name}-a.csv" if top else f"{name}-a.csv").write("", b"1")
    pattern = f"{name}*.csv"
    assert [file.path for file in list_files(f"{top}/{pattern}" if top else pattern)] == [
        f"{top}/{name}-a.csv" if top else f"{name}-a.csv"
    ]


def test_a_local_name_with_glob_characters_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "x[1].csv").write_text("1")
    for path in (f"{tmp_path}/x[1].csv", f"file://{tmp_path}/x[1].csv"):
        assert [file.path for file in list_files(path)] == [f"{tmp_path}/x[1].csv"]
    (tmp_path / "folder.csv").mkdir()
    assert [file.path for file in list_files(f"{tmp_path}/*.csv")] == [f"{tmp_path}/x[1].csv"]


def test_the_fingerprint_changes_with_name_size_and_time_only(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("1")
    os.utime(path, (1, 1))
    first = fingerprint(list_files(str(path)))
    path.write_text("2")
    os.utime(path, (1, 1))
    assert fingerprint(list_files(str(path))) == first
    os.utime(path, (1, 2))
    later = fingerprint(list_files(str(path)))
    path.write_text("22")
    os.utime(path, (1, 2))
    longer = fingerprint(list_files(str(path)))
    path.rename(tmp_path / "b.csv")
    assert len({first, later, longer, fingerprint(list_files(f"{tmp_path}/b.csv"))}) == 4


def test_paths_are_made_absolute_and_uris_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute_path("a/b") == absolute_path(f"file://{tmp_path}/a/b") == str(tmp_path / "a" / "b")
    assert absolute_path("s3://bucket/a/") == "s3://bucket/a"


def test_a_storage_travels_to_other_processes(root: str) -> None:
    storage_at(root).write("a", b"1")
    assert pickle.loads(pickle.dumps(storage_at(root))).read("a") == b"1"


def test_a_file_that_is_not_there_is_missing_data(root: str) -> None:
    with pytest.raises(DataRefused, match=rf"Cannot open {root}/a: (No such file|there is no such object)"):
        read_range(f"{root}/a", 0, 1)
    with pytest.raises(DataRefused, match="Cannot open"):
        read_whole(f"{root}/a")


def test_a_file_that_became_shorter_is_told(root: str) -> None:
    write_whole(f"{root}/a", "123")
    with pytest.raises(DataRefused, match=rf"{root}/a is 3 bytes long, expected 5: it changed while read"):
        read_range(f"{root}/a", 0, 5)
    with pytest.raises(DataRefused, match="is 3 bytes long, expected 5"), open_range(f"{root}/a", 1, 5) as file:
        file.readinto(memoryview(bytearray(2)))


def test_an_unknown_scheme_or_no_bucket_is_a_wrong_flag() -> None:
    with pytest.raises(UsageError, match=r"nowhere://x/y cannot be opened: use a local path, or a URI of gs, s3\."):
        list_files("nowhere://x/y")
    with pytest.raises(UsageError, match="s3:// names no bucket"):
        list_files("s3://")


def test_a_file_that_is_there_but_cannot_be_opened_is_the_environment(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    with pytest.raises(EnvironmentRefused, match=r"Cannot open .*/circle: Too many levels"):
        storage_at(tmp_path / "circle").open()
    with pytest.raises(EnvironmentRefused, match=r"Cannot read .*/circle: Too many levels"):
        storage_at(tmp_path).read("circle")
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataRefused, match=r"Cannot open .*/folder: Is a directory"):
        storage_at(tmp_path / "folder").open()


@pytest.mark.parametrize("size", [10, 100_000, -1])
def test_a_file_that_cannot_be_read_on_is_the_environment(size: int) -> None:
    with (
        storage_at("/proc/self/mem").open() as source,
        pytest.raises(EnvironmentRefused, match="Cannot read /proc/self/mem: Input/output error"),
    ):
        source.read(size)


def test_what_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentRefused, match=r"Cannot write .*/file/a: (Not a directory|File exists)\. Check"):
        write_whole(tmp_path / "file" / "a", "1")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EnvironmentRefused, match=r"Cannot write .*/a: No space left on device\. Check"):
        write_whole(tmp_path / "a", "1")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


LIMITED = """
import resource, signal, sys
from components.errors import EnvironmentRefused
from components.io.storage import storage_at
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
try:
    with storage_at(sys.argv[1]).create("a") as file:
        for _ in range(100):
            file.write(bytes(100_000))
except EnvironmentRefused as error:
    print(error)
"""


def test_a_disk_that_is_full_is_told_by_the_name_of_the_file(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"Cannot write {tmp_path}/a: File too large. Check")
    assert list(tmp_path.iterdir()) == []


def test_local_files_import_no_beam_tensorflow_tfx_or_client_of_a_store(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("0.5," * 187 + "0\n" + "1,2\n")
    code = (
        "import sys\n"
        "from components.ingest import locate, run, settings, shard\n"
        "from components.io import csv, lock, serving, shards, sources\n"
        f"planned = shards.plan_sources(sources.find_sources([{str(tmp_path / 'a.csv')!r}]))\n"
        "assert csv.parse_block(next(shards.read_lines(planned[0]))).rejects\n"
        "heavy = {'apache_beam', 'boto3', 'google.cloud.storage', 'requests', 'tensorflow', 'tfx'}\n"
        "print(sorted(heavy & set(sys.modules)), flush=True)\n"
        "import os; os._exit(0)  # Arrow's threads now and then abort a process that ends right after they began\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
