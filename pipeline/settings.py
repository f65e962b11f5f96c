"""The effective settings of a run: one group per stage, a profile's values, then `--set a.b=v`."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from pydantic import Field, ValidationError, create_model

from components.errors import UsageError
from components.evaluate.settings import EvaluateSettings, GateSettings
from components.ingest.settings import DataSettings
from components.score.settings import BatchSettings
from components.settings import Settings
from components.train.settings import FineTuneSettings, TrainSettings, TuneSettings
from components.transform.settings import TransformSettings
from components.validate.settings import ValidateSettings
from pipeline.stages import STAGES, Stage


class StageRequest(Settings):
    """What the pod of a light stage asks for: a Python process with TFX in it, and little work."""

    cpu: float = Field(default=1, gt=0, description="cores asked for; more are used where the node has them")
    memory_gb: float = Field(
        default=3, gt=0, description="memory asked for and allowed at most, in GB (1e9 bytes); TFX alone takes about 1"
    )


class BeatsRequest(StageRequest):
    """What the pod of a stage that goes over all beats asks for."""

    cpu: float = Field(default=2, gt=0, description="cores asked for; more are used where the node has them")
    memory_gb: float = Field(
        default=6, gt=0, description="memory asked for and allowed at most, in GB (1e9 bytes); Beam holds splits whole"
    )


class TrainingRequest(StageRequest):
    """What the pod of a stage that trains asks for."""

    cpu: float = Field(default=4, gt=0, description="cores asked for; TensorFlow uses what the node has")
    memory_gb: float = Field(
        default=8, gt=0, description="memory asked for and allowed at most, in GB (1e9 bytes); the beats lie in it"
    )


PODS: Final[Mapping[str, type[StageRequest]]] = {
    "light": StageRequest,
    "beats": BeatsRequest,
    "training": TrainingRequest,
}


class _ClusterSettings(Settings):
    """What a run on Kubeflow asks of the cluster; a run on this machine does not read it."""

    retries: int = Field(
        default=2,
        ge=0,
        description="times a stage that failed is started again, as pods get lost; gates and Pusher never are",
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
        default="us-east-1", description="of the S3 server, given to every stage as AWS_DEFAULT_REGION; MinIO takes any"
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
        """Return what a stage's pod asks for."""
        request: StageRequest = getattr(self, stage.setting)
        return request


if TYPE_CHECKING:
    ClusterSettings = _ClusterSettings
else:  # one group of settings for each stage's pod, `cluster.trainer` for example
    pods = {stage.setting: PODS[stage.pod] for stage in STAGES.values()} | {"report": BeatsRequest}
    fields = {name: (request, request()) for name, request in pods.items()}
    ClusterSettings = create_model(
        "ClusterSettings", __base__=_ClusterSettings, __doc__=_ClusterSettings.__doc__, **fields
    )


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
