"""Which class each annotation symbol has, by the map that was asked for."""

from __future__ import annotations

import pytest

from components.beat import SYMBOL_TO_LABEL
from components.beats.symbols import BEAT_SYMBOLS, DEFAULT_MAP, describe_map, parse_map
from components.errors import UsageError


def by_class(text: str | None) -> list[str]:
    labels = parse_map(text)
    return ["".join(sorted(symbol for symbol, label in labels.items() if label == i)) for i in range(5)]


def test_the_default_is_kaggles_and_ec57_counts_escape_beats_as_s() -> None:
    assert by_class(None) == by_class("kaggle") == ["BLNRejn", "AJSa", "EVr", "F", "/?Qf"]
    assert by_class("ec57") == ["BLNR", "AJSaejn", "EVr", "F", "/?Qf"]
    assert all(DEFAULT_MAP[symbol] == label for symbol, label in SYMBOL_TO_LABEL.items())
    assert set(DEFAULT_MAP) == set(BEAT_SYMBOLS) - {"!"}


def test_symbols_can_be_given_another_class_or_none() -> None:
    assert by_class("B=V,n=-")[0] == "LNRej"
    assert by_class("ec57,!=V,==Q")[2:] == ["!EVr", "F", "/=?Qf"]
    assert describe_map({"N": 0, "V": 2, "L": 0}) == "N: N L; S: none; V: V; F: none; Q: none"


@pytest.mark.parametrize("text", ["", "aami", "B", "B=", "B=N,", "BB=N", "B=n", "N:V", "B=V,ec57"])
def test_what_is_no_map_is_quoted(text: str) -> None:
    with pytest.raises(UsageError, match="is not understood at"):
        parse_map(text)
