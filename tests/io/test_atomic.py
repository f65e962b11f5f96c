from __future__ import annotations

from pathlib import Path

import pytest

from components.io.atomic import atomic_file


def test_the_file_is_there_only_once_it_is_whole(tmp_path: Path) -> None:
    with atomic_file(tmp_path / "rows.csv") as file:
        file.write(b"1,2\n")
        assert not (tmp_path / "rows.csv").exists()
    assert (tmp_path / "rows.csv").read_bytes() == b"1,2\n"
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]


def test_what_failed_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(b"old\n")
    with pytest.raises(TypeError), atomic_file(tmp_path / "rows.csv") as file:
        file.writelines([b"half", None])  # type: ignore[list-item]
    assert (tmp_path / "rows.csv").read_bytes() == b"old\n"
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]
