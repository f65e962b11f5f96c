from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING
from urllib.parse import unquote

import matplotlib
import numpy as np
import pytest
from defusedxml import ElementTree
from matplotlib import image
from matplotlib.colors import to_hex

from components.beat import CLASSES
from components.report.classes import confusion_picture
from components.report.content import Picture
from components.report.data import counts_picture, shares_picture
from components.report.drawing import CLASS_COLOURS, INK, INK_ON, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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


def test_a_crowded_picture_becomes_pngs_for_both_schemes() -> None:
    def draw(figure: Figure) -> None:
        figure.subplots().scatter(*np.random.default_rng(0).random((2, 3000)), color=CLASS_COLOURS[0])

    drawn = picture(draw, 2, "Many dots.", "A caption.")
    assert drawn.dark is not None
    for source, scheme in ((drawn.source, "light"), (drawn.dark, "dark")):
        pixels = image.imread(io.BytesIO(base64.b64decode(source.removeprefix("data:image/png;base64,"))))
        assert pixels[0, 0, 3] == 0, "no background"
        solid = {to_hex(colour) for colour in pixels[pixels[:, :, 3] == 1][:, :3]}
        assert {INK_ON[scheme], CLASS_COLOURS[0].lower()} <= solid
        assert INK not in solid


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
