"""The one graph, for every runner: each stage's node, joined in the order that the settings list."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tfx.v1 as tfx
from tfx.proto import transform_pb2

from components.errors import UsageError
from components.evaluate.node import Judge, ModelGate
from components.evaluate.tfma_config import eval_config
from components.ingest.gate import IngestGate
from components.ingest.node import BeatExampleGen
from components.io.files import fingerprint, list_files
from components.push.node import Pusher
from components.score.node import BatchScorer
from components.settings import Settings
from components.train.settings import FineTunerConfig, TrainerConfig, TunerConfig
from components.validate.node import CuratedSchema, DataGate
from pipeline.digest import code_digest, digest_text
from pipeline.settings import RunSettings
from schema import curated_schema_text


@dataclass(frozen=True)
class GraphInputs:
    """What a graph is built from, besides the stages built before.

    Attributes:
        settings: the run's settings.
        data: directory or URI of the CSVs, or a runtime parameter that holds it.
        fingerprint: names, sizes and times of the CSVs, so that changed data is not taken from the cache.
        serving: directory or URI of pushed models, or a runtime parameter that holds it.
        scored: names, sizes and times of what BatchScorer scores.
    """

    settings: RunSettings
    data: Any
    fingerprint: Any
    serving: Any
    scored: str = ""


Built = Mapping[str, Any]


def _example_gen(given: GraphInputs, built: Built) -> Any:
    return BeatExampleGen(
        data=given.data,
        settings=given.settings.data.model_dump_json(),
        fingerprint=given.fingerprint,
        code_digest=code_digest("components.ingest.node"),
    )


def _ingest_gate(given: GraphInputs, built: Built) -> Any:
    return IngestGate(
        report=built["ExampleGen"].outputs["report"],
        settings=given.settings.data.model_dump_json(),
        code_digest=code_digest("components.ingest.gate"),
    )


def _curated_schema(given: GraphInputs, built: Built) -> Any:
    return CuratedSchema(digest=digest_text(curated_schema_text()))


def _statistics_gen(given: GraphInputs, built: Built) -> Any:
    return tfx.components.StatisticsGen(
        examples=built["ExampleGen"].outputs["examples"], schema=built["CuratedSchema"].outputs["schema"]
    )


def _schema_gen(given: GraphInputs, built: Built) -> Any:
    return tfx.components.SchemaGen(statistics=built["StatisticsGen"].outputs["statistics"], infer_feature_shape=True)


def _example_validator(given: GraphInputs, built: Built) -> Any:
    return tfx.components.ExampleValidator(
        statistics=built["StatisticsGen"].outputs["statistics"], schema=built["CuratedSchema"].outputs["schema"]
    )


def _data_gate(given: GraphInputs, built: Built) -> Any:
    return DataGate(
        statistics=built["StatisticsGen"].outputs["statistics"],
        schema=built["CuratedSchema"].outputs["schema"],
        serving=given.serving,
        settings=given.settings.validation.model_dump_json(),
        code_digest=code_digest("components.validate.node"),
    )


def _transform(given: GraphInputs, built: Built) -> Any:
    return tfx.components.Transform(
        examples=built["ExampleGen"].outputs["examples"],
        schema=built["CuratedSchema"].outputs["schema"],
        preprocessing_fn="components.transform.preprocessing.preprocessing_fn",
        splits_config=transform_pb2.SplitsConfig(analyze=["train"], transform=["train", "eval"]),
        disable_statistics=True,
        custom_config=_custom_config("components.transform.preprocessing", given.settings.transform),
    )


def _tuner(given: GraphInputs, built: Built) -> Any:
    settings = given.settings
    return tfx.components.Tuner(
        tuner_fn="components.train.tuner.tuner_fn",
        **_training_inputs(built),
        custom_config=_custom_config("components.train.tuner", TunerConfig(tune=settings.tune, train=settings.train)),
    )


def _trainer(given: GraphInputs, built: Built) -> Any:
    return tfx.components.Trainer(
        run_fn="components.train.trainer.run_fn",
        **_training_inputs(built),
        hyperparameters=_best_hyperparameters(built),
        custom_config=_custom_config("components.train.trainer", TrainerConfig(train=given.settings.train)),
    )


def _fine_tuner(given: GraphInputs, built: Built) -> Any:
    settings = FineTunerConfig(train=given.settings.train, finetune=given.settings.finetune)
    return tfx.components.Trainer(
        run_fn="components.train.finetuner.run_fn",
        **_training_inputs(built),
        base_model=built["Trainer"].outputs["model"],
        hyperparameters=_best_hyperparameters(built),
        custom_config=_custom_config(
            "components.train.finetuner", FineTunerConfig(train=settings.train, finetune=settings.finetune)
        ),
    ).with_id("FineTuner")


def _evaluator(given: GraphInputs, built: Built) -> Any:
    return tfx.components.Evaluator(
        examples=built["ExampleGen"].outputs["examples"],
        example_splits=["test"],
        model=built["FineTuner"].outputs["model"],
        eval_config=eval_config(
            given.settings.gate, code_digest("components.evaluate.tfma_config", "components.evaluate.tfma_metrics")
        ),
    )


def _judge(given: GraphInputs, built: Built) -> Any:
    return Judge(
        examples=built["ExampleGen"].outputs["examples"],
        report=built["ExampleGen"].outputs["report"],
        trainer_model=built["Trainer"].outputs["model"],
        model=built["FineTuner"].outputs["model"],
        model_run=built["FineTuner"].outputs["model_run"],
        settings=given.settings.evaluate.model_dump_json(),
        code_digest=code_digest("components.evaluate.node"),
    )


def _model_gate(given: GraphInputs, built: Built) -> Any:
    return ModelGate(
        examples=built["ExampleGen"].outputs["examples"],
        report=built["ExampleGen"].outputs["report"],
        model=built["FineTuner"].outputs["model"],
        blessing=built["Evaluator"].outputs["blessing"],
        judgement=built["Judge"].outputs["judgement"],
        serving=given.serving,
        settings=given.settings.gate.model_dump_json(),
        code_digest=code_digest("components.evaluate.node"),
    )


def _pusher(given: GraphInputs, built: Built) -> Any:
    return Pusher(
        model=built["FineTuner"].outputs["model"],
        verdict=built["ModelGate"].outputs["verdict"],
        judgement=built["Judge"].outputs["judgement"],
        statistics=built["StatisticsGen"].outputs["statistics"],
        report=built["ExampleGen"].outputs["report"],
        examples=built["ExampleGen"].outputs["examples"],
        serving=given.serving,
        settings=given.settings.model_dump_json(),
        code_digest=code_digest("components.push.node"),
    )


def _batch_scorer(given: GraphInputs, built: Built) -> Any:
    settings = given.settings.score
    if not settings.input:
        raise UsageError("Stage BatchScorer needs to know what to score: --set score.input=GLOB.")
    return BatchScorer(
        pushed_model=built["Pusher"].outputs["pushed_model"],
        input=settings.input,
        output=settings.output,
        fingerprint=given.scored or fingerprint(list_files(settings.input)),
        settings=settings.model_dump_json(),
        code_digest=code_digest("components.score.node"),
    )


def _custom_config(module: str, settings: Settings) -> dict[str, Any]:
    return {"settings": settings.model_dump_json(), "code_digest": code_digest(module)}


def _training_inputs(built: Built) -> dict[str, Any]:
    return {
        "examples": built["Transform"].outputs["transformed_examples"],
        "transform_graph": built["Transform"].outputs["transform_graph"],
        "train_args": tfx.proto.TrainArgs(splits=["train"]),
        "eval_args": tfx.proto.EvalArgs(splits=["eval"]),
    }


def _best_hyperparameters(built: Built) -> Any:
    return built["Tuner"].outputs["best_hyperparameters"] if "Tuner" in built else None


NODES: dict[str, Callable[[GraphInputs, Built], Any]] = {
    "ExampleGen": _example_gen,
    "IngestGate": _ingest_gate,
    "CuratedSchema": _curated_schema,
    "StatisticsGen": _statistics_gen,
    "SchemaGen": _schema_gen,
    "ExampleValidator": _example_validator,
    "DataGate": _data_gate,
    "Transform": _transform,
    "Tuner": _tuner,
    "Trainer": _trainer,
    "FineTuner": _fine_tuner,
    "Evaluator": _evaluator,
    "Judge": _judge,
    "ModelGate": _model_gate,
    "Pusher": _pusher,
    "BatchScorer": _batch_scorer,
}

WAITS_FOR = {
    "CuratedSchema": ("IngestGate",),
    "StatisticsGen": ("IngestGate",),
    "DataGate": ("SchemaGen", "ExampleValidator"),
    "Transform": ("DataGate",),
}
"""Gates order stages by dependency, not by an artifact: what stands behind a gate is not computed from its words."""


NEEDS = {"Pusher": ("IngestGate", "DataGate", "ModelGate")}
"""What may only be done behind these gates, although no artifact says so."""


def build_nodes(given: GraphInputs) -> Sequence[Any]:
    """Build the nodes of the settings' stages, in their order.

    Raises:
        UsageError: a stage is unknown, or needs one that does not stand before it.
    """
    built: dict[str, Any] = {}
    for stage in given.settings.stages:
        if stage not in NODES:
            raise UsageError(f"There is no stage {stage!r}; there are {', '.join(NODES)}.")
        if stage in built:
            raise UsageError(f"Stage {stage} stands twice in the list of stages.")
        for gate in NEEDS.get(stage, ()):
            if gate not in built:
                raise UsageError(f"Stage {stage} needs stage {gate} before it in the list of stages.")
        try:
            node = NODES[stage](given, built)
        except KeyError as missing:
            raise UsageError(f"Stage {stage} needs stage {missing.args[0]} before it in the list of stages.") from None
        for before in WAITS_FOR.get(stage, ()):
            if before in built:
                node.add_upstream_node(built[before])
        built[stage] = node
    return list(built.values())
