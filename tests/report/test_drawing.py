from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

import matplotlib
import numpy as np
import pytest
from defusedxml import ElementTree

from components.beats.beat import CLASSES
from components.report.content import Picture
from components.report.drawing import ink, picture
from components.report.palette import CLASS_COLOURS, INK, INK_ON
from components.report.pictures.classes import counts_picture, shares_picture
from components.report.pictures.confusion import confusion_picture

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
    inks = []

    def draw(figure: Figure) -> None:
        inks.append(ink())
        figure.subplots().scatter(*np.random.default_rng(0).random((2, 3000)))

    drawn = picture(draw, 2, "Many dots.", "A caption.")
    assert drawn.source.startswith("data:image/png;base64,")
    assert drawn.dark is not None
    assert inks == [INK, INK_ON["light"], INK_ON["dark"]]


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
