"""The names and the fingerprint of Kaggle's two MIT-BIH files."""

from __future__ import annotations

from typing import Final

TRAIN_FILE: Final = "mitbih_train.csv"
TEST_FILE: Final = "mitbih_test.csv"
TRAIN_PROVENANCE: Final = "mitbih_train_provenance.csv"
TEST_PROVENANCE: Final = "mitbih_test_provenance.csv"

PROVENANCE_COLUMNS: Final = ("record", "sample", "symbol", "label")
"""Header of a provenance file, which has one line for each row of the CSV that it stands beside."""

TEST_SHA256: Final = "f3fdb3fd318275e653fac082b617d8c1ef09fca619a0606dc22c863451c77333"
"""SHA-256 of Kaggle's uncompressed mitbih_test.csv."""

TRAIN_COUNTS: Final = (72471, 2223, 5788, 641, 6431)
"""Rows of each class in Kaggle's mitbih_train.csv, 87,554 in all."""

TEST_COUNTS: Final = (18118, 556, 1448, 162, 1608)
"""Rows of each class in Kaggle's mitbih_test.csv, 21,892 in all."""
