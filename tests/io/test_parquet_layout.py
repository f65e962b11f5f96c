"""Which columns of a Parquet file are read as what: by name and number, and never by a guess."""

import re

import numpy as np
import pyarrow as pa
import pytest

from components.errors import DataRefused
from components.io.parquet_layout import layout_of

NUMBERS = pa.float64()
LIST = pa.list_(pa.float32())
NAMES = [str(at) for at in range(187)]


def layout(names, kinds=None):
    return layout_of("a.parquet", pa.schema([(name, (kinds or {}).get(name, NUMBERS)) for name in names]))


def shuffled(names):
    return [names[at] for at in np.random.default_rng(5).permutation(len(names))]


@pytest.mark.parametrize("order", [list, sorted, reversed, shuffled], ids=["as is", "as text", "descending", "random"])
@pytest.mark.parametrize(
    "name",
    ["{}", "c{}", "col_{}", "signal_{}", "lead2_{}", "x {}", "sig.{}", "{:03}", "{}.0", "sample_{}", "Signal[]{}"],
)
@pytest.mark.parametrize("first", [0, 1, 2])
def test_samples_are_in_the_order_of_their_numbers_whatever_that_of_the_columns(order, name, first):
    samples = [name.format(number) for number in range(first, first + 187)]
    found = layout([*order(samples), "label", "record"], {"record": pa.string()})
    assert found.signal == tuple(samples)
    assert (found.label, found.record, found.sample) == ("label", "record", None)


def test_a_188th_number_is_the_label_and_so_is_a_column_called_so():
    assert layout(shuffled([*NAMES, "187"])).label == "187"
    assert layout(shuffled([*NAMES, "187"])).signal == tuple(NAMES)
    for name in ("label", "Label", "labels", "target", "Class", "y"):
        assert layout(["Unnamed: 0", name, *NAMES, "heart_rate"]).label == name
        assert layout(["x", name, "heart_rate"], {"x": LIST}).label == name
        assert layout(["signal", name, "context"], {"signal": LIST, "context": LIST}).label == name
    assert layout(NAMES).label is None
    assert (layout(["y"], {"y": LIST}).signal, layout(["y"], {"y": LIST}).label) == (("y",), None)
    assert layout(["signal", "y", "age"], {"signal": LIST, "y": LIST}).label is None
    assert layout([*NAMES, "__index_level_0__"]).signal == tuple(NAMES)


IN_DOUBT = {
    "no numbers": ([f"{chr(97 + at // 26)}{chr(97 + at % 26)}" for at in range(187)], "order that cannot be known"),
    "a gap": ([*NAMES[:-1], "187"], "order that cannot be known"),
    "one number twice": ([*NAMES[:-1], "000"], "order that cannot be known"),
    "two sets": ([*NAMES, *(f"noise{at}" for at in range(187))], "order that cannot be known"),
    "189 of them": ([str(at) for at in range(189)], "order that cannot be known"),
    "two names": ([*(f"a{at}" for at in range(90)), *(f"b{at}" for at in range(90, 187))], "cannot be known"),
    "an index": (["Unnamed: 0", *NAMES], r"which column holds the label is in doubt \(Unnamed: 0\)"),
    "two labels": ([*NAMES, "label", "target"], r"in doubt \(label, target\)"),
    "a label beside a 188th number": ([*NAMES, "187", "class"], r"in doubt \(class, 187\)"),
    "two labels beside a list": (["signal", "label", "target"], r"column signal, and .* in doubt \(label, target\)"),
    "two labels, neither `label`": (["signal", "Class", "Y"], r"in doubt \(Class, Y\)"),
    "one name twice": ([*NAMES, "label", "label"], "more than one column named label"),
    "too few": ([*NAMES[:-1], "label"], "0 list columns and 186 columns of numbers"),
}


@pytest.mark.parametrize("name", IN_DOUBT)
def test_what_is_in_doubt_is_refused_with_the_columns_named(name):
    names, sentence = IN_DOUBT[name]
    with pytest.raises(DataRefused, match=sentence):
        layout(names, {"signal": LIST})


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        (
            pa.list_(pa.float32(), 188),
            "lists of 188 values in column signal, expected 187 samples: put the label, .* `label`",
        ),
        (pa.list_(pa.float32(), 186), r"lists of 186 values in column signal, expected 187 samples\.$"),
        (pa.string(), "has signal of type string, expected lists of numbers"),
        (pa.list_(pa.string()), "lists of string in column signal, expected of numbers: convert them"),
        (pa.list_(pa.list_(pa.float32())), "lists of list<item: float> in column signal"),
    ],
)
def test_lists_that_are_no_beats_are_refused(kind, sentence):
    with pytest.raises(DataRefused, match=sentence):
        layout(["signal", "label"], {"signal": kind})


@pytest.mark.parametrize("kind", [pa.string(), pa.decimal128(9, 7), pa.dictionary(pa.int32(), pa.string())])
def test_samples_and_labels_that_are_no_numbers_are_refused_with_the_way_to_convert_them(kind):
    sentence = (
        rf"samples of type {re.escape(str(kind))} in 0, 1, 2, \.\.\., expected numbers: convert them, for .*astype"
    )
    with pytest.raises(DataRefused, match=sentence):
        layout([*NAMES, "label"], dict.fromkeys(NAMES, kind))
    with pytest.raises(DataRefused, match="in 57, expected numbers"):
        layout([*NAMES, "label"], {"57": kind})
    with pytest.raises(DataRefused, match=r"labels of type .* in column label, expected numbers, 0 to 4: convert them"):
        layout([*NAMES, "label"], {"label": kind})
    for columns in (NAMES, ["signal"]):
        with pytest.raises(DataRefused, match=r"labels of type .* in column Class, expected numbers, 0 to 4: convert"):
            layout([*columns, "Class"], {"signal": LIST, "Class": kind})
        assert layout([*columns, "label", "class"], {"signal": LIST, "class": kind}).label == "label"
    assert layout([*NAMES, "187", "class"], {"class": kind}).label == "187"


def test_187_numbered_columns_are_read_beside_another_list():
    kinds = {"context": pa.list_(pa.float32())}
    assert layout([*NAMES, "context"], kinds).signal == tuple(NAMES)
    assert layout(["context"], kinds).signal == ("context",)
