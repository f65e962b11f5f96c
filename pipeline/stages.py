"""The stage table: one entry holds everything about a stage; runners, summary and settings read it.

How to add a stage: docs/extending.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from components.errors import DataRefused, HeartbeatError, ModelRefused, UsageError
from components.io.artifact_files import HISTORY, JUDGEMENT, PUSHED, VERDICT
from components.io.code_digest import code_digest
from pipeline import graph, outcome


@dataclass(frozen=True)
class Stage:
    """One stage. Outputs of stages are named `Stage.output`."""

    name: str  # the id of its TFX node
    build: graph.Builder
    inputs: Mapping[str, str] = field(default_factory=dict)  # the node's inputs -> outputs of stages before this one
    optional_inputs: Mapping[str, str] = field(default_factory=dict)  # the same, of stages that a run may leave out
    requires: tuple[str, ...] = ()  # further stages that must come before it, although it takes none of their outputs
    after: tuple[str, ...] = ()  # stages it waits for if the run has them, although it takes none of their outputs
    refuses: type[HeartbeatError] | None = None  # the error that a gate stops a run with; its exit code is the run's
    cached: bool = True  # on Kubeflow; False if it reads or changes the outside world
    retried: bool = True  # on Kubeflow, after a failure
    reads_data: bool = False  # reads the CSVs; Kubeflow caches it only if their fingerprint is known
    rows: tuple[str, ...] = ()  # the splits whose rows it reads, which the summary counts
    result: str = ""  # the file, `Stage.output/file`, that the summary is filled in from
    summarise: outcome.Summarise | None = None  # what the summary takes from it
    code: tuple[str, ...] = ()  # modules at which the digest of its code begins; none for TFX's own stages
    artifacts: tuple[str, ...] = ()  # import paths of our artifact types among its outputs
    pod: Literal["light", "beats", "training"] = "light"  # what it requests from Kubeflow (`pipeline/settings.py`)
    on_request: bool = False  # runs only if the setting `stages` lists it; no profile does

    @property
    def setting(self) -> str:
        """Its name in settings: `example_gen` for `ExampleGen`."""
        return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in self.name).lstrip("_")

    def node(self, run: graph.GraphInputs, built: Mapping[str, Any]) -> Any:
        """Build the node, after those of the stages before it.

        Raises:
            UsageError: a stage that must come before it does not.
        """
        for name in (*self.requires, *(output.partition(".")[0] for output in self.inputs.values())):
            if name not in built:
                raise UsageError(f"Stage {self.name} needs stage {name} before it in the list of stages.")
        channels = {}
        for key, output in {**self.inputs, **self.optional_inputs}.items():
            producer, _, name = output.partition(".")
            if producer in built:
                channels[key] = built[producer].outputs[name]
        node = self.build(run, channels, code_digest(*self.code) if self.code else "")
        for name in self.after:
            if name in built:
                node.add_upstream_node(built[name])
        return node


_TRAINING_DATA: Final = {
    "examples": "Transform.transformed_examples",
    "transform_graph": "Transform.transform_graph",
}
_TUNED: Final = {"hyperparameters": "Tuner.best_hyperparameters"}
_ALL_ROWS: Final = ("train", "eval", "test", "rejects")

_TABLE: Final = (
    Stage(
        "ExampleGen",
        graph.example_gen,
        reads_data=True,
        rows=_ALL_ROWS,
        result="ExampleGen.report/ingest.json",
        summarise=outcome.count_rows,
        code=("components.ingest.node",),
        artifacts=("components.ingest.node.IngestReport",),
        pod="beats",
    ),
    Stage(
        "IngestGate",
        graph.our_node("components.ingest.node.IngestGate", "data"),
        inputs={"report": "ExampleGen.report"},
        refuses=DataRefused,
        cached=False,
        retried=False,
        rows=_ALL_ROWS,
        result="ExampleGen.report/ingest.json",
        summarise=outcome.ingest_verdict,
        code=("components.ingest.node",),
    ),
    Stage("CuratedSchema", graph.curated_schema, after=("IngestGate",)),
    Stage(
        "StatisticsGen",
        graph.tfx_node("StatisticsGen"),
        inputs={"examples": "ExampleGen.examples", "schema": "CuratedSchema.schema"},
        after=("IngestGate",),
        rows=("train", "eval", "test"),
        pod="beats",
    ),
    Stage(
        "SchemaGen",
        graph.tfx_node("SchemaGen", infer_feature_shape=True),
        inputs={"statistics": "StatisticsGen.statistics"},
    ),
    Stage(
        "ExampleValidator",
        graph.tfx_node("ExampleValidator"),
        inputs={"statistics": "StatisticsGen.statistics", "schema": "CuratedSchema.schema"},
        rows=("train", "eval", "test"),
    ),
    Stage(
        "DataGate",
        graph.our_node("components.validate.node.DataGate", "validation", serving=True),
        inputs={"statistics": "StatisticsGen.statistics", "schema": "CuratedSchema.schema"},
        after=("SchemaGen", "ExampleValidator"),
        refuses=DataRefused,
        cached=False,
        retried=False,
        rows=("train", "eval", "test"),
        result=f"DataGate.verdict/{VERDICT}",
        summarise=outcome.gate_verdict,
        code=("components.validate.node",),
        artifacts=("components.validate.node.DataVerdict",),
    ),
    Stage(
        "Transform",
        graph.transform,
        inputs={"examples": "ExampleGen.examples", "schema": "CuratedSchema.schema"},
        after=("DataGate",),
        rows=("train", "eval"),
        code=("components.transform.preprocessing",),
        pod="beats",
    ),
    Stage(
        "Tuner",
        graph.training_node("Tuner", "Tuner", "components.train.tuner.tuner_fn", "TunerConfig"),
        inputs=_TRAINING_DATA,
        rows=("train", "eval"),
        code=("components.train.tuner",),
        pod="training",
    ),
    Stage(
        "Trainer",
        graph.training_node("Trainer", "Trainer", "components.train.trainer.run_fn", "TrainerConfig"),
        inputs=_TRAINING_DATA,
        optional_inputs=_TUNED,
        rows=("train", "eval"),
        code=("components.train.trainer",),
        pod="training",
    ),
    Stage(
        "FineTuner",
        graph.training_node("FineTuner", "Trainer", "components.train.finetuner.run_fn", "FineTunerConfig"),
        inputs={**_TRAINING_DATA, "base_model": "Trainer.model"},
        optional_inputs=_TUNED,
        rows=("train", "eval"),
        result=f"FineTuner.model_run/{HISTORY}",
        summarise=outcome.trained_model,
        code=("components.train.finetuner",),
        pod="training",
    ),
    Stage(
        "Evaluator",
        graph.evaluator,
        inputs={"examples": "ExampleGen.examples", "model": "FineTuner.model"},
        rows=("test",),
        pod="beats",
    ),
    Stage(
        "Judge",
        graph.our_node("components.evaluate.node.Judge", "evaluate"),
        inputs={
            "examples": "ExampleGen.examples",
            "report": "ExampleGen.report",
            "trainer_model": "Trainer.model",
            "model": "FineTuner.model",
            "model_run": "FineTuner.model_run",
        },
        rows=("test",),
        result=f"Judge.judgement/{JUDGEMENT}",
        summarise=outcome.model_metrics,
        code=("components.evaluate.node",),
        artifacts=("components.evaluate.node.Judgement",),
        pod="beats",
    ),
    Stage(
        "ModelGate",
        graph.our_node("components.evaluate.node.ModelGate", "gate", serving=True),
        inputs={
            "examples": "ExampleGen.examples",
            "report": "ExampleGen.report",
            "model": "FineTuner.model",
            "blessing": "Evaluator.blessing",
            "judgement": "Judge.judgement",
        },
        refuses=ModelRefused,
        cached=False,
        retried=False,
        rows=("test",),
        result=f"ModelGate.verdict/{VERDICT}",
        summarise=outcome.gate_verdict,
        code=("components.evaluate.node",),
        artifacts=("components.evaluate.node.ModelVerdict",),
        pod="beats",
    ),
    Stage(
        "Pusher",
        graph.our_node("components.push.node.Pusher", serving=True),
        inputs={
            "model": "FineTuner.model",
            "verdict": "ModelGate.verdict",
            "judgement": "Judge.judgement",
            "statistics": "StatisticsGen.statistics",
            "report": "ExampleGen.report",
            "examples": "ExampleGen.examples",
        },
        requires=("IngestGate", "DataGate", "ModelGate"),
        cached=False,
        retried=False,
        result=f"Pusher.pushed_model/{PUSHED}",
        summarise=outcome.pushed_model,
        code=("components.push.node",),
        pod="beats",
    ),
    Stage(
        "BatchScorer",
        graph.batch_scorer,
        inputs={"pushed_model": "Pusher.pushed_model"},
        cached=False,
        code=("components.score.node",),
        artifacts=("components.score.node.ScoredBeats",),
        pod="beats",
        on_request=True,
    ),
)

STAGES: Final[Mapping[str, Stage]] = {stage.name: stage for stage in _TABLE}
"""The table, by name, in an order in which the stages can run."""


def build_nodes(run: graph.GraphInputs) -> list[Any]:
    """Build the nodes of the settings' stages, in their order.

    Raises:
        UsageError: a stage is unknown or listed twice, or needs one that does not come before it.
    """
    built: dict[str, Any] = {}
    for name in run.settings.stages:
        if name not in STAGES:
            raise UsageError(f"There is no stage {name!r}; there are {', '.join(STAGES)}.")
        if name in built:
            raise UsageError(f"Stage {name} is listed twice in the setting `stages`.")
        built[name] = STAGES[name].node(run, built)
    return list(built.values())
