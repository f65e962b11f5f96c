"""Blocks of beats to predictions: call the model, write rows and rejects, count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt

from components.io.beat_block import BeatBlock, join_blocks
from components.io.rejects import Reject
from components.score.columns import Writer, prediction_table
from components.score.model import ScoringModel
from components.score.record import Tally
from components.score.settings import ScoreSettings
from components.train.served import Answers

NOT_FINITE: Final = "probabilities not finite"

Count = Callable[[int, int], None]
"""Called after each block with the rows scored and the rows rejected in it; may raise `Stopped`."""


class BlockScorer:
    """Run the model on blocks of beats, write rows and rejects, and count them."""

    def __init__(
        self, settings: ScoreSettings, model: ScoringModel, writer: Writer, rejects_file: BinaryIO, count: Count
    ) -> None:
        self.tally = Tally()
        self.model_digest, self.reads_context = model.short_digest, model.reads_context
        self._settings, self._model, self._count = settings, model, count
        self._writer, self._rejects_file = writer, rejects_file

    def score(self, blocks: Sequence[tuple[str, BeatBlock]]) -> list[tuple[BeatBlock, Answers]]:
        """Score blocks, each of one file, in as few model calls as possible; return the blocks with their answers."""
        signal = _joined([block.signal for _, block in blocks])
        contexts = [block.context for _, block in blocks if block.context is not None]
        asked = self._model.answers(signal, self._settings.batch, _joined(contexts) if contexts else None)
        first, files, answered = 0, list[tuple[str, int]](), list[tuple[BeatBlock, Answers]]()
        for file, block in blocks:
            rows = slice(first, first := first + len(block.rows))
            block, answers = without_unusable(block, Answers(asked.probabilities[rows], asked.abstain[rows]))
            self._rejects_file.write("".join(reject.to_json(file) for reject in block.rejects).encode())
            files.append((file, len(block.rows)))
            answered.append((block, answers))
        scored = join_blocks([block for block, _ in answered])
        answers = Answers(
            _joined([answers.probabilities for _, answers in answered]),
            _joined([answers.abstain for _, answers in answered]),
        )
        if len(scored.rows):
            self._writer.write_table(prediction_table(files, scored, answers, self.model_digest))
        self.tally.add(scored, answers)
        self._count(len(scored.rows), len(scored.rejects))
        return answered


def _joined(arrays: Sequence[npt.NDArray]) -> npt.NDArray:
    """Return the rows of all arrays; a single array is not copied."""
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def without_unusable(block: BeatBlock, answers: Answers) -> tuple[BeatBlock, Answers]:
    """Move beats whose probabilities are not all finite to the rejects."""
    usable = np.logical_and.reduce(np.isfinite(answers.probabilities), axis=1)
    if usable.all():
        return block, answers
    unusable = [
        Reject(row, NOT_FINITE, "the model's probabilities are not finite", None)
        for row in block.rows[~usable].tolist()
    ]
    return block.keep(usable, unusable), Answers(answers.probabilities[usable], answers.abstain[usable])
