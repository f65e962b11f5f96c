"""Kaggle's two MIT-BIH files: their names, and how the test file is recognised."""

from __future__ import annotations

import hashlib
from typing import Final

from components.io.storage import InputFile
from components.io.text import is_compressed, read_text

TRAIN_FILE: Final = "mitbih_train.csv"
TEST_FILE: Final = "mitbih_test.csv"
TRAIN_PROVENANCE: Final = "mitbih_train_provenance.csv"
TEST_PROVENANCE: Final = "mitbih_test_provenance.csv"

TEST_BYTES: Final = 102_892_400
"""Length of Kaggle's uncompressed mitbih_test.csv: files of another length need not be hashed."""

TEST_SHA256: Final = "f3fdb3fd318275e653fac082b617d8c1ef09fca619a0606dc22c863451c77333"
"""SHA-256 of Kaggle's uncompressed mitbih_test.csv."""

TRAIN_COUNTS: Final = (72471, 2223, 5788, 641, 6431)
"""Rows of each class in Kaggle's mitbih_train.csv, 87,554 in all."""


def is_kaggle_test(file: InputFile) -> bool:
    """Tell whether a file, decompressed where it is a .gz, is Kaggle's test file to the byte.

    Raises:
        DataRefused: the file cannot be read.
    """
    if not is_compressed(file.path) and file.size != TEST_BYTES:
        return False
    digest, length = hashlib.sha256(), 0
    for chunk in read_text(file.path, 0, file.size):
        digest.update(chunk)
        length += len(chunk)
        if length > TEST_BYTES:
            return False
    return digest.hexdigest() == TEST_SHA256
