"""From a table of sections to sections: what cannot be made says so, what was not reached is listed last."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from components.errors import HeartbeatError
from components.report.content import Block, Bullets, Section, Words
from components.report.page import Page, html_of

REPORT = Path("report", "index.html")
"""Where in the folder of a run or of a scoring job its page is."""

FOOTER = "Made by Heartbeat. Research software: not a medical device."

Material = TypeVar("Material")

Make = tuple[str, str, Callable[[Material], Sequence[Block]]]
"""Anchor, heading, and what makes the blocks."""

log = logging.getLogger("heartbeat.report")


class NotReachedError(HeartbeatError):
    """The run or the job ended before what a section is about."""


def made_sections(material: Material, table: Sequence[Make[Material]], missed: str) -> list[Section]:
    """Make each section of a page.

    Args:
        material: what they are made from.
        table: the sections, in order.
        missed: heading above those that were not reached.
    """
    sections, missing = [], []
    for name, title, make in table:
        try:
            sections.append(Section(name, title, make(material)))
        except NotReachedError as absent:
            missing.append(f"{title}: {absent}")
        except Exception as error:
            log.exception("section %s", name)
            sections.append(Section(name, title, [Words(_reason(error), "warn")]))
    if missing:
        sections.append(Section("not-reached", missed, [Bullets(missing)]))
    return sections


def text_of(make: Callable[[], Page], of: str) -> bytes:
    """A page's file.

    Args:
        make: the page.
        of: the folder it is about.

    Raises:
        HeartbeatError: something is so wrong with the folder's files that there is no page.
    """
    try:
        return html_of(make()).encode()
    except Exception as error:
        log.exception("the page of %s", of)
        raise HeartbeatError(
            f"The report of {of} could not be made: {type(error).__name__}: {error}. Nothing else is touched by that."
        ) from error


def _reason(error: Exception) -> str:
    told = str(error) if isinstance(error, HeartbeatError) else f"{type(error).__name__}: {error}"
    return f"This section could not be made. {told}"
