"""The model card: what a pushed model is for, its figures and its limits; the text is in model_card.md.j2."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from components.beat import CLASS_NAMES, CLASSES, SAMPLE_RATE_HZ, SAMPLES, ContextForm
from components.errors import counted
from components.verdict import SYNTHETIC, Verdict, data_caveats

SPLITS: Final = {
    "kaggle": "Train and test are Kaggle's own files: the beats of 47 patients of the MIT-BIH Arrhythmia Database, "
    "split by beat.",
    "patient": "Train and test were split by record: no record's beats are on both sides. (In MIT-BIH, records 201 and "
    "202 are one person; the usual DS1/DS2 split puts one of them on each side.)",
    "unknown": "How train and test were split is not known.",
}

DECIDING: Final = ("data", "transform", "train", "finetune")
"""Groups of settings on the card."""


def model_card(
    judgement: Mapping[str, Any],
    rows: Mapping[str, int],
    digests: Mapping[str, Any],
    settings: Mapping[str, Any],
    verdict: Sequence[Verdict],
    context: ContextForm | None = None,
    precisions: Mapping[str, Any] = {},
) -> str:
    """Write the card in Markdown.

    Args:
        judgement: what `judgement.json` holds.
        rows: beats of each split.
        digests: `model`, `code`, `settings`, 64 hex digits each, and `data`, one for each split's file.
        settings: the run's.
        verdict: the gate's.
        context: the form of context that the model reads; None if it reads samples.
        precisions: what `precisions.json` holds; empty if none was measured.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("components.push", ""),
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    environment.filters["to"] = format
    refitted = settings.get("finetune", {}).get("refit_epochs", 0)
    return environment.get_template("model_card.md.j2").render(
        judgement=judgement,
        judged=judgement.get("by_record"),
        learnt_from=judgement.get("learnt_from"),
        rows=rows,
        digests=digests,
        profile=settings.get("profile"),
        made_with=json.dumps({group: settings[group] for group in DECIDING if group in settings}, indent=1),
        refit=counted(refitted, "epoch") if refitted else "",
        verdict=verdict,
        context=context,
        precisions=precisions,
        measured={precision: each for precision, each in precisions.items() if "eval" in each},
        synthetic=SYNTHETIC.sentence,
        data=_data_line(judgement["split"], judgement["synthetic"]),
        classes=list(zip(CLASSES, CLASS_NAMES, strict=True)),
        samples=SAMPLES,
        rate=SAMPLE_RATE_HZ,
    )


def _data_line(split: str, synthetic: bool) -> str:
    """Say what the beats are, with the warning about patients on both sides if it applies."""
    if synthetic:
        return "The beats are simulated."
    return " ".join([SPLITS[split], *(caveat.sentence for caveat in data_caveats(split, synthetic))])
