"""What a gate says of a run: a sentence for people, its kind and code for programs, which never read the sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

Kind = Literal["refusal", "caveat", "remark", "release"]
"""refusal: why a run or a model was stopped; caveat: what limits what its figures mean; release: why the model was let
out; remark: anything else worth knowing."""

SYNTHETIC_MARK: Final = "SYNTHETIC"
"""Short form of the caveat about simulated beats, for headings and tables."""

SAME_PATIENTS_MARK: Final = "beats of one patient may be on both sides"
"""Short form of the caveat about splits by beat, for headings."""

PUSHED_BEFORE: Final = "pushed_before"
"""Code of the remark that a run's model serves already, and so was not pushed again."""


@dataclass(frozen=True)
class Verdict:
    """One sentence of a verdict.

    Attributes:
        kind: what it means for the run.
        code: a short stable name of its reason, such as `threshold` or `same_patients`.
        sentence: for people; may be reworded at any time.
    """

    kind: Kind
    code: str
    sentence: str


SYNTHETIC: Final = Verdict(
    "caveat",
    "synthetic",
    f"{SYNTHETIC_MARK}: simulated beats; no figure made with them says anything about real hearts.",
)

MADE_OF_SYNTHETIC: Final = f"{SYNTHETIC.sentence} The model was made from such beats."
"""What is said of the answers of such a model."""

SAME_PATIENTS: Final = {
    "kaggle": Verdict(
        "caveat",
        "same_patients",
        f"Kaggle's split: {SAME_PATIENTS_MARK}, so expect lower figures on new patients.",
    ),
    "unknown": Verdict(
        "caveat",
        "same_patients",
        f"A split of unknown origin: {SAME_PATIENTS_MARK}, so figures on new patients may be lower.",
    ),
}
"""The warning that every result on such a split carries; a split by patient has none."""


def data_caveats(split: str | None, synthetic: bool) -> list[Verdict]:
    """List what must be said of the data before any figure: simulated beats, or patients on both sides.

    Args:
        split: `kaggle`, `patient` or `unknown`; None where it is not known yet.
        synthetic: whether the beats are simulated.
    """
    patients = SAME_PATIENTS.get(split or "")
    return [*([SYNTHETIC] if synthetic else []), *([patients] if patients else [])]


def of_kind(kind: Kind, verdict: Iterable[Verdict]) -> list[Verdict]:
    """Select the sentences of one kind."""
    return [each for each in verdict if each.kind == kind]


def verdict_json(verdict: Iterable[Verdict]) -> list[dict[str, str]]:
    """Give a verdict as it stands in `summary.json` and `verdict.json`: one object per sentence."""
    return [asdict(each) for each in verdict]


def read_verdict(entries: Iterable[Mapping[str, Any] | str]) -> list[Verdict]:
    """Read what `verdict_json` gave; the plain sentences of version 0.1.0 become remarks."""
    return [Verdict("remark", "", each) if isinstance(each, str) else Verdict(**each) for each in entries]
