"""Whether the inputs carry labels as the job expects: told by each file's first well-formed row."""

from __future__ import annotations

from collections.abc import Sequence

from components.beat import COLUMNS, SAMPLES
from components.errors import DataRefused
from components.score.read import has_labels
from components.score.source import Source


def check_labels(sources: Sequence[Source], labelled: bool) -> None:
    """Refuses inputs whose first well-formed row has a label where none is expected, or the other way round.

    A labelled file that lost a column looks like an unlabelled one, so which it is has to be said.

    Raises:
        DataRefused: such inputs, or one that cannot be read.
    """
    wrong = [source for source in sources if has_labels(source) not in (None, labelled)]
    if wrong:
        raise DataRefused([_without(source) if labelled else _with(source) for source in wrong])


def _without(source: Source) -> str:
    if source.kind == "csv":
        return (
            f"{source.file.path} has {SAMPLES} columns in its first well-formed row, so no label; {COLUMNS} were "
            "expected. Is a column lost? If it never had labels, say so with --no-label."
        )
    return f"{source.file.path} has no label. If that is as it should be, say so with --no-label."


def _with(source: Source) -> str:
    return f"{source.file.path} has labels, but --no-label says that there are none. Leave --no-label out."
