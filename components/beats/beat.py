"""The shape of one heartbeat and the five classes it can have; every other module takes them from here."""

from __future__ import annotations

from typing import Final

SAMPLES: Final = 187
"""Samples in one beat: Kaggle's window of 1.56 s, zero-padded on the right."""

SAMPLE_RATE_HZ: Final = 120
"""Sampling rate of a beat. The data set's page says 125; 360 Hz records with every third sample taken are 120."""

RECORD_RATE_HZ: Final = 360
"""Sampling rate of the MIT-BIH records that beats are cut from, and which the cutting rule assumes."""

COLUMNS: Final = SAMPLES + 1
"""Columns of a labelled CSV row: the samples, then the label."""

CLASSES: Final = ("N", "S", "V", "F", "Q")
"""AAMI EC57 class symbols; a label is an index into this tuple."""

CLASS_NAMES: Final = ("normal", "supraventricular ectopic", "ventricular ectopic", "fusion", "paced or unclassifiable")
"""The same classes in words."""

SYMBOL_TO_LABEL: Final = {
    symbol: label for label, symbols in enumerate(("NLRej", "AaJS", "VE", "F", "/fQ")) for symbol in symbols
}
"""MIT-BIH annotation symbol -> label. Symbols that are not keys do not start a beat of this data set."""
