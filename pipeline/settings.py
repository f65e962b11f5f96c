"""The effective settings of a run: one group per stage, a profile's values, then `--set a.b=v`.

A setting that the run would ignore, given the others, is refused: its user would expect an effect.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field, ValidationError, create_model
from pydantic.fields import FieldInfo

from components.errors import UsageError
from components.evaluate.settings import EvaluateSettings, GateSettings
from components.ingest.settings import DataSettings
from components.score.settings import BatchSettings
from components.settings import Settings, flatten
from components.train.settings import FineTuneSettings, TrainSettings, TuneSettings
from components.transform.settings import TransformSettings
from components.validate.settings import ValidateSettings
from pipeline.profiles import PROFILES
from pipeline.stages import STAGES, Stage

Cores = Annotated[float, Field(gt=0, description="cores requested; more are used if the node has them")]
Gigabytes = Annotated[float, Field(gt=0, description="memory request and limit, in GB (1e9 bytes)")]


PODS: Final = {"light": (1, 3), "beats": (2, 6), "training": (4, 8)}
"""Cores and GB that a stage's pod asks for by default: TFX alone takes about 1 GB, Beam holds splits whole, and a
training its beats."""


class StageRequest(Settings):
    """The resources that a stage's pod requests."""

    cpu: Cores
    memory_gb: Gigabytes


def _request(pod: str) -> type[StageRequest]:
    cores, gigabytes = PODS[pod]
    return create_model("StageRequest", __base__=StageRequest, cpu=(Cores, cores), memory_gb=(Gigabytes, gigabytes))


class _ClusterSettings(Settings):
    """What a run on Kubeflow asks of the cluster; a run on this machine does not read it."""

    retries: int = Field(
        default=2,
        ge=0,
        description="retries of a stage whose process failed or was killed; a deleted pod, gates and the Pusher are "
        "not retried",
    )
    secret: str = Field(
        default="",
        pattern=r"^[a-z0-9.-]*$",
        description="Kubernetes secret of the object store, given to every stage as AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY; empty: none",
    )
    access_key: str = Field(default="AWS_ACCESS_KEY_ID", description="key in the secret that holds the access key's id")
    secret_key: str = Field(default="AWS_SECRET_ACCESS_KEY", description="key in the secret that holds the access key")
    store: str = Field(
        default="",
        description="URL of the S3 server as the pods reach it, given to every stage as AWS_ENDPOINT_URL; empty: "
        "Amazon's",
    )
    region: str = Field(
        default="us-east-1",
        description="region of the S3 server, given to every stage as AWS_DEFAULT_REGION; MinIO takes any",
    )
    volume_claim: str = Field(
        default="",
        pattern=r"^[a-z0-9.-]*$",
        description="persistent volume claim mounted into every stage, for data or serving on a volume; empty: none",
    )
    volume_path: str = Field(default="/data", pattern="^/", description="folder where the volume is mounted")
    node_selector: dict[str, str] = Field(
        default={}, description='labels of the nodes that stages may run on, for example {"pool": "cpu"}'
    )

    def request_of(self, stage: Stage) -> StageRequest:
        """Return the resources that a stage's pod requests."""
        request: StageRequest = getattr(self, stage.setting)
        return request


if TYPE_CHECKING:
    ClusterSettings = _ClusterSettings
else:  # one group of settings for each stage's pod, `cluster.trainer` for example
    requests = {stage.setting: _request(stage.pod) for stage in STAGES.values()} | {"report": _request("beats")}
    fields = {name: (request, request()) for name, request in requests.items()}
    ClusterSettings = create_model(
        "ClusterSettings", __base__=_ClusterSettings, __doc__=_ClusterSettings.__doc__, **fields
    )


class RunSettings(Settings):
    """Everything that decides what a run computes; where its files go is in `Locations`."""

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
        description="what Kubeflow is asked for; omitted when settings are written, as it changes no result",
    )


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
"""Group of settings -> the stages that read it; it has no effect if none of them is in the run."""

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


def settings_from(profile: str, overrides: Iterable[str] = (), *, local: bool = False) -> RunSettings:
    """Build the settings of a run: a profile's values, changed by texts `group.name=value`.

    A value is JSON if it parses as JSON, else a string. `local`: whether the run is on this machine.

    Raises:
        UsageError: an override that is not of that form, names no setting, has a value the setting refuses, or would
            have no effect.
    """
    values = {"profile": profile, **deepcopy(PROFILES[profile])}
    given: dict[str, Any] = {}
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
        given[key.strip()] = group[path[-1]] = _parse(value)
    try:
        settings = RunSettings.model_validate(values)
    except ValidationError as error:
        raise UsageError([_in_words(problem) for problem in error.errors()]) from None
    check_effect(settings, dict(flatten(given)), local)
    return settings


def check_effect(run: RunSettings, names: Iterable[str], local: bool) -> None:
    """Refuse settings that were given, by their dotted names, and would have no effect, given the run's other settings.

    A run on this machine, `local`, does not read the group `cluster`.

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


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _in_words(problem: Mapping[str, Any]) -> str:
    path = ".".join(str(part) for part in problem["loc"])
    if problem["type"] != "extra_forbidden":
        return f"Setting {path} = {problem['input']!r}: {problem['msg']}."
    close = difflib.get_close_matches(path, dict(all_settings(RunSettings)), n=3, cutoff=0.4)
    hint = f" Did you mean {' or '.join(close)}?" if close else " docs/settings.md lists them all."
    return f"There is no setting {path}.{hint}"


def all_settings(model: type[Settings], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Yield the dotted name and the field of each setting below a group."""
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Settings):
            yield from all_settings(inner, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field
