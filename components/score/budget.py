"""How many rows of a job may be rejects."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from components.errors import UsageError

DEFAULT = "1%"


@dataclass(frozen=True)
class RejectBudget:
    """A number of rows, or a share of them.

    Attributes:
        text: as given: `100`, or `0.5%`.
    """

    text: str = DEFAULT

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\d+|\d+(\.\d+)?%", self.text) or self._share > 1:
            raise UsageError(f"--reject-budget {self.text}: expected a number of rows, or a share such as 0.5%.")

    @property
    def _share(self) -> Fraction:
        return Fraction(self.text.removesuffix("%")) / 100 if self.text.endswith("%") else Fraction(0)

    def allowed(self, rows: int) -> int:
        """Rejects allowed among so many rows."""
        return int(self._share * rows) if self.text.endswith("%") else int(self.text)
