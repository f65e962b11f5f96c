"""Kaggle's two MIT-BIH files and their Parquet form: their names, and how the test file is recognised."""

from __future__ import annotations

import codecs
import hashlib
from typing import Final

from components.io.parquet import parquet_table, read_parquet
from components.io.sources import Source
from components.io.storage import InputFile
from components.io.text import is_compressed, read_text

TRAIN_FILE: Final = "mitbih_train.csv"
TEST_FILE: Final = "mitbih_test.csv"
TRAIN_PROVENANCE: Final = "mitbih_train_provenance.csv"
TEST_PROVENANCE: Final = "mitbih_test_provenance.csv"

TRAIN_PARQUET: Final = "train.parquet"
TEST_PARQUET: Final = "test.parquet"
VARIANTS_PARQUET: Final = "variants.parquet"
"""Rows made from those of train.parquet, to train on besides: `components/beats/variants.py`."""

TEST_ROWS: Final = 21_892
"""Rows of Kaggle's mitbih_test.csv."""

TEST_BYTES: Final = 102_892_400
"""Length of Kaggle's uncompressed mitbih_test.csv: files much shorter or longer need not be hashed."""

TEST_SHA256: Final = "f3fdb3fd318275e653fac082b617d8c1ef09fca619a0606dc22c863451c77333"
"""SHA-256 of Kaggle's uncompressed mitbih_test.csv."""

TEST_CONTENT_SHA256: Final = "5bdc8a15828ff07445b0728d946df7afd70367788a9e3c9543af91b2459137f4"
"""SHA-256 of the samples and labels of its rows, in order, as little-endian float32: a Parquet file has no text."""

READ_ROWS: Final = 4096
"""Rows of a Parquet file that are hashed at a time."""

TRAIN_COUNTS: Final = (72471, 2223, 5788, 641, 6431)
"""Rows of each class in Kaggle's mitbih_train.csv, 87,554 in all."""


def is_kaggle_test(source: Source) -> bool:
    """Tell whether a file of beats is Kaggle's test file, or has its beats in its order as Parquet.

    Raises:
        DataRefused: the file cannot be read.
    """
    return has_kaggle_beats(source.file) if source.kind == "parquet" else has_kaggle_text(source.file)


def has_kaggle_beats(file: InputFile) -> bool:
    """Tell whether the samples and labels of a Parquet file are those of Kaggle's test file, in its order.

    Kaggle's text is its values formatted as float32, so rows with equal values have equal text.

    Raises:
        DataRefused: the file cannot be read.
    """
    layout, groups = parquet_table(file)
    if sum(groups) != TEST_ROWS or layout.label is None:
        return False
    digest = hashlib.sha256()
    for block in read_parquet(file.path, 0, len(groups), 0, READ_ROWS):
        digest.update(block.content())
    return digest.hexdigest() == TEST_CONTENT_SHA256


def has_kaggle_text(file: InputFile) -> bool:
    """Tell whether a file, decompressed where it is a .gz, is Kaggle's test file, whatever its line ends.

    A byte order mark and a missing line end at the very end make no difference either.

    Raises:
        DataRefused: the file cannot be read.
    """
    if not is_compressed(file.path) and not -1 <= file.size - TEST_BYTES <= TEST_ROWS + len(codecs.BOM_UTF8):
        return False
    digest, length, rest, text = hashlib.sha256(), 0, b"", b""
    for chunk in read_text(file.path, 0, file.size):
        text = rest + (chunk if length else chunk.removeprefix(codecs.BOM_UTF8))
        rest = b"\r" if text.endswith(b"\r") else b""  # half of a line end, perhaps
        text = text.removesuffix(b"\r").replace(b"\r\n", b"\n")
        digest.update(text)
        length += len(text)
        if length > TEST_BYTES:
            return False
    digest.update(rest if text.endswith(b"\n") else rest + b"\n")
    return digest.hexdigest() == TEST_SHA256
