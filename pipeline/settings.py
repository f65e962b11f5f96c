"""The effective settings of a run: one group per stage, a profile's values, then `--set a.b=v`."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field, ValidationError

from components.errors import UsageError
from components.evaluate.settings import EvaluateSettings, GateSettings
from components.ingest.settings import DataSettings
from components.score.settings import BatchSettings
from components.settings import Settings
from components.train.settings import FineTuneSettings, TrainSettings, TuneSettings
from components.transform.settings import TransformSettings
from components.validate.settings import ValidateSettings
from pipeline.kubeflow.settings import ClusterSettings


class RunSettings(Settings):
    """Everything that decides what a run computes; where its files go is in `Places`."""

    profile: str = Field(description="name of the profile that these settings started from")
    stages: tuple[str, ...] = Field(min_length=1, description="the stages of the graph, in order")
    data: DataSettings = DataSettings()
    validation: ValidateSettings = ValidateSettings()
    transform: TransformSettings = TransformSettings()
    tune: TuneSettings = TuneSettings()
    train: TrainSettings = TrainSettings()
    finetune: FineTuneSettings = FineTuneSettings()
    evaluate: EvaluateSettings = EvaluateSettings()
    gate: GateSettings = GateSettings()
    score: BatchSettings = BatchSettings()
    cluster: ClusterSettings = Field(
        default=ClusterSettings(),
        exclude=True,
        description="what Kubeflow is asked for; left out where settings are written, as it changes no result",
    )


def settings_from(profile: Mapping[str, Any], overrides: Iterable[str] = ()) -> RunSettings:
    """Build the settings of a run.

    Args:
        profile: a profile's values, nested by group.
        overrides: texts `group.name=value`; the value is JSON where it parses as JSON, else a string.

    Raises:
        UsageError: an override that is not of that form, names no setting, or has a value the setting refuses.
    """
    values = json.loads(json.dumps(profile))
    for text in overrides:
        key, equals, value = text.partition("=")
        path = key.strip().split(".")
        if not equals or not all(path):
            raise UsageError(f"--set {text}: expected group.name=value, for example train.epochs=12.")
        if path[0] == "profile":
            raise UsageError(f"--set {text}: a profile is chosen with --profile, not set.")
        group = values
        for name in path[:-1]:
            group = group.setdefault(name, {})
            if not isinstance(group, dict):
                raise UsageError(f"--set {text}: {name} is a value, not a group of settings.")
        group[path[-1]] = _parse(value)
    try:
        return RunSettings.model_validate(values)
    except ValidationError as error:
        raise UsageError([_in_words(problem) for problem in error.errors()]) from None


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _in_words(problem: Mapping[str, Any]) -> str:
    path = ".".join(str(part) for part in problem["loc"])
    if problem["type"] != "extra_forbidden":
        return f"Setting {path} = {problem['input']!r}: {problem['msg']}."
    close = difflib.get_close_matches(path, all_keys(RunSettings), n=3, cutoff=0.4)
    hint = f" Did you mean {' or '.join(close)}?" if close else " docs/settings.md lists them all."
    return f"There is no setting {path}.{hint}"


def all_keys(model: type[Settings], prefix: str = "") -> list[str]:
    """List the dotted names of all settings below a group."""
    keys: list[str] = []
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Settings):
            keys += all_keys(inner, f"{prefix}{name}.")
        else:
            keys.append(f"{prefix}{name}")
    return keys
