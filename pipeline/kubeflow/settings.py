"""What a cluster is asked for: processor time and memory of each stage, retries, places of its pods."""

from __future__ import annotations

from pydantic import Field

from components.settings import Settings


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


class ClusterSettings(Settings):
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
    example_gen: BeatsRequest = BeatsRequest()
    ingest_gate: StageRequest = StageRequest()
    curated_schema: StageRequest = StageRequest()
    statistics_gen: BeatsRequest = BeatsRequest()
    schema_gen: StageRequest = StageRequest()
    example_validator: StageRequest = StageRequest()
    data_gate: StageRequest = StageRequest()
    transform: BeatsRequest = BeatsRequest()
    tuner: TrainingRequest = TrainingRequest()
    trainer: TrainingRequest = TrainingRequest()
    fine_tuner: TrainingRequest = TrainingRequest()
    evaluator: BeatsRequest = BeatsRequest()
    judge: BeatsRequest = BeatsRequest()
    model_gate: BeatsRequest = BeatsRequest()
    pusher: BeatsRequest = BeatsRequest()
    batch_scorer: BeatsRequest = BeatsRequest()
    report: BeatsRequest = BeatsRequest()

    def request_of(self, stage: str) -> StageRequest:
        """Return what a stage's pod asks for, by the stage's name in the graph (`FineTuner`).

        Raises:
            AttributeError: there is no such stage.
        """
        name = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in stage).lstrip("_")
        request: StageRequest = getattr(self, name)
        return request
