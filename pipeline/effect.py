"""Settings that a run would ignore beside its others, so that nobody takes them for tried."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from components.errors import UsageError
from pipeline.stages import STAGES

if TYPE_CHECKING:
    from pipeline.settings import RunSettings

READERS: Final = {
    "validation": ("DataGate",),
    "transform": ("Transform",),
    "tune": ("Tuner",),
    "train": ("Tuner", "Trainer", "FineTuner"),
    "finetune": ("FineTuner",),
    "evaluate": ("Judge",),
    "gate": ("Evaluator", "ModelGate"),
    "score": ("BatchScorer",),
    **{f"cluster.{stage.setting}": (stage.name,) for stage in STAGES.values()},
}
"""Group of settings -> the stages that read it; without any of them in the run it has no effect."""

_SAMPLES = r"train\.(stretch|mix)|finetune\.(noise|noisy_share|wide_share|noise_sd|noise_max)"

IGNORED: Final[tuple[tuple[str, Callable[[RunSettings], bool], str], ...]] = (
    (r"score\.(job_endpoint|beam|assume_shared)", lambda run: not run.score.on, "score.on names no cluster"),
    (r"score\.workers", lambda run: bool(run.score.on), "the cluster that score.on names scores in all its free slots"),
    (
        r"train\.network\.(towers|stem_\w+|block_\w+|context_\w+|dropout)",
        lambda run: run.train.network.name == "study",
        "train.network.name=study fixes it",
    ),
    (
        r"train\.network\.(stem|block)_\w+",
        lambda run: run.train.network.reads_context,
        "train.network.name=context has no convolutions",
    ),
    (
        r"train\.network\.context_\w+",
        lambda run: not run.train.network.reads_context,
        "only train.network.name=context reads it",
    ),
    (_SAMPLES, lambda run: run.train.network.reads_context, "train.network.name=context reads no samples"),
    (r"transform\.\w+", lambda run: run.data.context, "with data.context=true no samples are transformed"),
    (
        r"train\.class_weight\.\w+",
        lambda run: run.train.policy != "natural",
        "train.policy gives every class as many beats",
    ),
    (
        r"finetune\.(noisy_share|wide_share|noise_max)",
        lambda run: run.finetune.noise == "fixed",
        "finetune.noise=fixed has one noise for all beats",
    ),
    (r"finetune\.noise_max", lambda run: not run.finetune.wide_share, "finetune.wide_share=0 draws no level"),
    (
        r"finetune\.noise_sd",
        lambda run: run.finetune.wide_share == 1 and run.finetune.noise == "fresh",
        "finetune.wide_share=1 draws all levels",
    ),
    (r"finetune\.refit_learning_rate", lambda run: not run.finetune.refit_epochs, "finetune.refit_epochs=0 has none"),
    (r"cluster\.(access|secret)_key", lambda run: not run.cluster.secret, "cluster.secret names no secret"),
    (r"cluster\.volume_path", lambda run: not run.cluster.volume_claim, "cluster.volume_claim names no volume"),
)
"""Pattern of a setting's name, whether the other settings leave it without effect, and why."""


def check_effect(run: RunSettings, names: Iterable[str], local: bool) -> None:
    """Refuse settings that were given and would change nothing.

    Args:
        run: the effective settings.
        names: dotted names of those that were given.
        local: whether the run is on this machine, which does not read the group `cluster`.

    Raises:
        UsageError: with a sentence for each.
    """
    reasons = {name: _why_ignored(run, name, local) for name in names}
    if faults := [f"Setting {name} would have no effect: {why}." for name, why in reasons.items() if why]:
        raise UsageError(faults)


def _why_ignored(run: RunSettings, name: str, local: bool) -> str | None:
    if local and name.startswith("cluster."):
        return "it is for Kubeflow, and the run is on this machine"
    for group, stages in READERS.items():
        if name.startswith(f"{group}.") and not set(stages) & set(run.stages):
            return f"the setting `stages` lists no {' or '.join(stages)}"
    return next((why for pattern, holds, why in IGNORED if re.fullmatch(pattern, name) and holds(run)), None)
