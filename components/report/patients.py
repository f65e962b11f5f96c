"""What must be said of the patients on both sides of a split before any figure is read."""

from __future__ import annotations

from components.report.material import NotReachedError, RunMaterial, value_counts
from components.verdict import SAME_PATIENTS, SAME_PATIENTS_MARK, SYNTHETIC_MARK

ONE_PERSON = ("201", "202")
"""Records of one person in the MIT-BIH Arrhythmia Database; the usual split DS1 / DS2 puts one on each side."""

ON_BOTH_SIDES = (
    "Records 201 and 202 are one person, and this split has one of them on each side: all other patients of the test "
    "split are new to the model, this one is not."
)


def about_patients(material: RunMaterial) -> list[str]:
    """Sentences for the top of the page; none where nothing is known to be wrong."""
    if material.split in SAME_PATIENTS:
        return [SAME_PATIENTS[material.split].sentence]
    try:
        sides = [records(material, split) for split in ("train", "eval", "test")]
    except (NotReachedError, OSError):
        return []
    trained, tested = sides[0] | sides[1], sides[2]
    one, other = ONE_PERSON
    apart = (one in trained and other in tested) or (other in trained and one in tested)
    return [ON_BOTH_SIDES] if apart else []


def marks(material: RunMaterial) -> list[str]:
    """What every section's heading carries, so that no figure is read or shown around without it."""
    found = [SYNTHETIC_MARK] if material.synthetic else []
    return [*found, SAME_PATIENTS_MARK] if material.split in SAME_PATIENTS else found


def records(material: RunMaterial, split: str) -> set[str]:
    """Names of the records in a split, as StatisticsGen counted them.

    Raises:
        NotReachedError: the run ended before its statistics.
        OSError: they are not there any more.
    """
    return set(value_counts(material.statistics(split), "record"))
