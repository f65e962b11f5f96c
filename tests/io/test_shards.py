import gzip
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from components.errors import DataRefused
from components.io.shards import SourceShard, plan_sources, read_lines
from components.io.sources import Source
from components.io.storage import InputFile, list_files
from components.io.text import read_text

MARK = b"\xef\xbb\xbf"
TEXTS = st.lists(st.sampled_from([b"\n", b"\r\n", b"a", b"bcd", b"efghijklmno" * 5, b""]), max_size=40).map(b"".join)


def split_rows(text):
    rows = text.split(b"\n")
    return rows[:-1] if rows[-1] == b"" else rows


def plan_text(files, shard_bytes=1 << 28, workers=1):
    return plan_sources([Source(file, "csv") for file in files], shard_bytes, workers)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("plan") / "x.csv"


@settings(max_examples=200, deadline=None)
@given(text=TEXTS, shard_bytes=st.integers(1, 200), count_bytes=st.integers(1, 50), workers=st.integers(1, 3))
@example(text=b"", shard_bytes=1, count_bytes=1, workers=1)
@example(text=b"ab\ncd\n", shard_bytes=3, count_bytes=2, workers=1)
def test_shards_tile_the_file_and_each_knows_its_first_row(path, text, shard_bytes, count_bytes, workers):
    path.write_bytes(text)
    with patch("components.io.shards.COUNT_BYTES", count_bytes), patch("components.io.text.COUNT_BYTES", count_bytes):
        shards = plan_text(list_files(str(path)), shard_bytes, workers)
    expected = split_rows(text)
    assert [shard.index for shard in shards] == list(range(len(shards)))
    assert b"".join(text[shard.start : shard.end] for shard in shards) == text
    assert sum(shard.rows for shard in shards) == len(expected)
    for shard in shards:
        assert split_rows(text[shard.start : shard.end]) == expected[shard.first_row : shard.first_row + shard.rows]


@settings(max_examples=200, deadline=None)
@given(text=TEXTS, shard_bytes=st.integers(1, 200), block_bytes=st.integers(24, 100), packed=st.booleans())
def test_blocks_hold_every_line_of_fair_length_and_the_head_of_others(path, text, shard_bytes, block_bytes, packed):
    target = path.with_suffix(".csv.gz") if packed else path
    target.write_bytes(gzip.compress(text) if packed else text)
    with patch.multiple("components.io.text", LINE_BYTES=12, HEAD_BYTES=5):
        found, seen = [], b""
        for shard in plan_text(list_files(str(target)), shard_bytes):
            parts = []
            for block in read_lines(shard, block_bytes, lambda chunk, kept=parts: kept.append(bytes(chunk))):
                assert block.first_row == len(found)
                assert len(block.data) <= block_bytes + 12
                rows = [bytes(block.data)] if block.over_long else split_rows(bytes(block.data))
                assert len(rows) == block.rows
                found += [(row, block.over_long) for row in rows]
            seen += b"".join(parts)
    assert seen == text
    assert found == [(row[:5], True) if len(row) > 12 else (row, False) for row in split_rows(text)]


def test_a_line_of_64_kib_is_fair_and_one_byte_more_is_over_long(path):
    path.write_bytes(b"a" * 65_536 + b"\n" + b"b" * 65_537 + b"\n" + b"c" * 40_000_000 + b"\nd")
    (shard,) = plan_text(list_files(str(path)))
    found = [(block.first_row, block.rows, len(block.data), block.over_long) for block in read_lines(shard)]
    assert found == [(0, 1, 65_537, False), (1, 1, 8192, True), (2, 1, 8192, True), (3, 1, 1, False)]


def test_several_files_keep_their_order_and_number_rows_each_from_0(tmp_path):
    for name, text in (("b.csv", b"1\n2\n"), ("a.csv", b""), ("c.csv.gz", gzip.compress(b"1\n\n3"))):
        (tmp_path / name).write_bytes(text)
    found = [file for name in ("b.csv", "a.csv", "c.csv.gz") for file in list_files(f"{tmp_path}/{name}")]
    size = (tmp_path / "c.csv.gz").stat().st_size
    shards = plan_text(found, shard_bytes=2)
    names = ["b.csv", "b.csv", "a.csv", "c.csv.gz"]
    assert [shard.file for shard in shards] == [f"{tmp_path}/{name}" for name in names]
    assert [shard.stem for shard in shards] == ["00000-b-00000", "00000-b-00001", "00001-a-00000", "00002-c-00000"]
    assert [(shard.start, shard.end, shard.first_row, shard.rows) for shard in shards] == [
        (0, 2, 0, 1),
        (2, 4, 1, 1),
        (0, 0, 0, 0),
        (0, size, 0, 3),
    ]


def test_a_file_that_shrank_since_it_was_listed_is_refused(path):
    path.write_bytes(b"1\n2\n3\n")
    found = list_files(str(path))
    path.write_bytes(b"1\n")
    with pytest.raises(DataRefused, match=r"x\.csv is 2 bytes long, expected 6: it changed"):
        plan_text(found)


@pytest.mark.parametrize("broken", [b"", b"no gzip at all", gzip.compress(b"1\n" * 10_000)[:-12]])
def test_a_gzip_that_is_not_whole_is_refused(tmp_path, broken):
    (tmp_path / "x.csv.gz").write_bytes(broken)
    with pytest.raises(DataRefused, match=r"x\.csv\.gz is not a whole gzip file"):
        plan_text(list_files(f"{tmp_path}/x.csv.gz"))


def test_gzip_members_are_read_in_bounded_pieces_as_one_text(tmp_path):
    (tmp_path / "x.gz").write_bytes(gzip.compress(b"a" * 5_000_000) + gzip.compress(b"b\n"))
    size = (tmp_path / "x.gz").stat().st_size
    chunks = list(read_text(f"{tmp_path}/x.gz", 0, size, 1 << 20))
    assert b"".join(chunks) == b"a" * 5_000_000 + b"b\n"
    assert [len(chunk) for chunk in chunks[:-1]] == [1 << 20] * 4


def test_sizes_that_make_no_sense_are_errors(path):
    path.write_bytes(b"1\n")
    with pytest.raises(ValueError, match="shard_bytes is 0"):
        plan_text(list_files(str(path)), 0)
    with pytest.raises(ValueError, match="block_bytes is 1000"):
        next(read_lines(SourceShard(Source(InputFile(str(path), 2, ""), "csv"), 0, 0, 0, 2, 0, 1), 1000))


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz"])
@pytest.mark.parametrize(
    "text", [b"", b"\n", b"a", b"ab\ncd\n", b"ab\r\ncd", MARK, MARK + b"ab\n", b"a" * 300_000 + b"\nb"]
)
def test_a_byte_order_mark_at_the_start_is_skipped_and_costs_no_row(tmp_path, name, text):
    marked = MARK + text
    (tmp_path / name).write_bytes(gzip.compress(marked) if name.endswith(".gz") else marked)
    shards = plan_text(list_files(f"{tmp_path}/{name}"), shard_bytes=5)
    blocks = [block for shard in shards for block in read_lines(shard)]
    found = [row for block in blocks for row in split_rows(bytes(block.data))]
    assert found == [row[:8192] if len(row) > 65_536 else row for row in split_rows(text)]
    assert sum(shard.rows for shard in shards) == len(found)
