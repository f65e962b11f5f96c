from __future__ import annotations

import base64
import io
from urllib.parse import unquote

import matplotlib
import numpy as np
import pytest
from defusedxml import ElementTree
from matplotlib.image import imread

from components.beat import CLASSES
from components.report.classes import confusion_picture
from components.report.content import Picture
from components.report.data import counts_picture, shares_picture
from components.report.drawing import CLASS_COLOURS, INK
from components.report.rows import speed_picture


def svg(drawn: Picture) -> str:
    kind, text = drawn.source.split(",", 1)
    assert kind == "data:image/svg+xml"
    return unquote(text)


def test_ink_follows_the_scheme_and_classes_keep_their_colours() -> None:
    text = svg(counts_picture([5, 4, 3, 2, 1], "Beats", "A caption."))
    ElementTree.fromstring(text)
    assert "prefers-color-scheme:dark" in text
    assert "currentColor" in text
    assert INK not in text
    for colour in CLASS_COLOURS:
        assert colour.lower() in text


def test_the_speed_of_many_shards_is_a_small_picture_that_can_be_read() -> None:
    drawn = speed_picture(np.random.default_rng(0).uniform(1, 2, 20_000).tolist())
    assert len(drawn.source) < 100_000
    [image] = ElementTree.fromstring(svg(drawn)).iter("{http://www.w3.org/2000/svg}image")
    content = image.get("{http://www.w3.org/1999/xlink}href").removeprefix("data:image/png;base64,")
    pixels = imread(io.BytesIO(base64.b64decode(content)))
    assert pixels[:, :, 3].max() == 1


def test_drawing_leaves_the_settings_of_matplotlib_alone() -> None:
    before = dict(matplotlib.rcParams)
    shares_picture([0, 0, 0, 0, 0], "Nothing", "A caption.")
    assert dict(matplotlib.rcParams) == before


def test_a_matrix_is_told_in_words_with_its_commonest_mistake() -> None:
    confusion = np.diag([90, 1, 1, 1, 1])
    confusion[3, 2] = 6
    told = confusion_picture(confusion.tolist(), "the model", "A caption.").alt
    assert "94.00 % of 100" in told
    assert f"{CLASSES[3]} taken for {CLASSES[2]}, 6 times" in told


@pytest.mark.parametrize("confusion", [np.zeros((5, 5), int), np.eye(5, dtype=int)])
def test_empty_and_perfect_matrices_can_be_drawn(confusion: np.ndarray) -> None:
    assert "taken for" not in confusion_picture(confusion.tolist(), "the model", "A caption.").alt
