"""How the TFX node of each stage is built; the table of stages is in `stages.py`. TFX is imported when a node is built.

Every builder takes what the graph is built from, the output channels that the table lists as the stage's inputs, and
the digest of the stage's code, which is a parameter of the node so that TFX's cache sees a change of the code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from components.errors import UsageError

if TYPE_CHECKING:
    from components.settings import Settings
    from pipeline.settings import RunSettings


@dataclass(frozen=True)
class GraphInputs:
    """What a graph is built from; data, fingerprint and serving may be runtime parameters."""

    settings: RunSettings
    data: Any  # directory or URI of the CSVs
    fingerprint: Any  # names, sizes and times of the CSVs, so that changed data is not taken from the cache
    serving: Any  # directory or URI of pushed models
    scored: str = ""  # names, sizes and times of what BatchScorer scores; empty: its input is listed


Channels = Mapping[str, Any]
"""Input name -> output channel of an earlier node."""

Builder = Callable[[GraphInputs, Channels, str], Any]


def our_node(path: str, settings: str = "", serving: bool = False) -> Builder:
    """Return the builder of one of our components.

    `path` is its import path, `settings` the group that it takes as JSON (empty: all of them); `serving` says whether
    it takes the serving directory.
    """
    module, _, name = path.rpartition(".")

    def build(run: GraphInputs, inputs: Channels, code_digest: str) -> Any:
        component = getattr(import_module(module), name)
        group = getattr(run.settings, settings) if settings else run.settings
        more = {"serving": run.serving} if serving else {}
        return component(**inputs, **more, settings=group.model_dump_json(), code_digest=code_digest)

    return build


def tfx_node(name: str, **arguments: Any) -> Builder:
    """Return the builder of one of TFX's own components that needs nothing but its inputs and constants."""

    def build(run: GraphInputs, inputs: Channels, code_digest: str) -> Any:
        return getattr(import_module("tfx.v1").components, name)(**inputs, **arguments)

    return build


def example_gen(run: GraphInputs, inputs: Channels, code_digest: str) -> Any:
    """Read the CSVs into train, eval and test beats, with a report of what became of every row."""
    from components.ingest.node import ExampleGen

    settings = run.settings.data.model_dump_json()
    return ExampleGen(data=run.data, settings=settings, fingerprint=run.fingerprint, code_digest=code_digest)


def curated_schema(run: GraphInputs, inputs: Channels, code_digest: str) -> Any:
    """Hand on the schema of the beats that the package ships, with their context where the run reads it."""
    from components.beats.context import CONTEXT_NAMES
    from components.io.code_digest import digest_text
    from components.validate.node import CuratedSchema
    from schema import curated_schema_text

    context = len(CONTEXT_NAMES) if run.settings.data.context else 0
    return CuratedSchema(context=context, digest=digest_text(curated_schema_text(context)))


def transform(run: GraphInputs, inputs: Channels, code_digest: str) -> Any:
    """Normalise the train and eval beats, and keep the same as a graph for serving."""
    import tfx.v1 as tfx
    from tfx.proto import transform_pb2

    return tfx.components.Transform(
        **inputs,
        preprocessing_fn="components.transform.preprocessing.preprocessing_fn",
        splits_config=transform_pb2.SplitsConfig(analyze=["train"], transform=["train", "eval"]),
        disable_statistics=True,
        custom_config=_custom_config(run.settings.transform, code_digest),
    )


def tuner(run: GraphInputs, inputs: Channels, code_digest: str) -> Any:
    """Search for the learning rate and the like."""
    import tfx.v1 as tfx

    from components.train.settings import TunerConfig

    config = TunerConfig(tune=run.settings.tune, train=run.settings.train)
    return tfx.components.Tuner(tuner_fn="components.train.tuner.tuner_fn", **_training(inputs, config, code_digest))


def trainer(run: GraphInputs, inputs: Channels, code_digest: str) -> Any:
    """Train on clean beats."""
    import tfx.v1 as tfx

    from components.train.settings import TrainerConfig

    config = TrainerConfig(train=run.settings.train)
    return tfx.components.Trainer(run_fn="components.train.trainer.run_fn", **_training(inputs, config, code_digest))


def fine_tuner(run: GraphInputs, inputs: Channels, code_digest: str) -> Any:
    """Fine-tune the trained model on noisy beats."""
    import tfx.v1 as tfx

    from components.train.settings import FineTunerConfig

    config = FineTunerConfig(train=run.settings.train, finetune=run.settings.finetune)
    node = tfx.components.Trainer(run_fn="components.train.finetuner.run_fn", **_training(inputs, config, code_digest))
    return node.with_id("FineTuner")


def evaluator(run: GraphInputs, inputs: Channels, code_digest: str) -> Any:
    """Evaluate on the test split with TFMA, and bless."""
    import tfx.v1 as tfx

    from components.evaluate.tfma_config import eval_config

    config = eval_config(run.settings.gate, code_digest)
    return tfx.components.Evaluator(**inputs, example_splits=["test"], eval_config=config)


def batch_scorer(run: GraphInputs, inputs: Channels, code_digest: str) -> Any:
    """Score files with the pushed model.

    Raises:
        UsageError: the settings do not say what to score, or contradict one another.
    """
    from components.io.storage import fingerprint
    from components.score.inputs import files_named
    from components.score.node import BatchScorer, batch_runner

    settings = run.settings.score
    if not settings.input:
        raise UsageError("Stage BatchScorer needs to know what to score: --set score.input=GLOB.")
    batch_runner(settings)
    return BatchScorer(
        **inputs,
        input=settings.input,
        output=settings.output,
        fingerprint=run.scored or fingerprint(files_named(settings.input, settings.job)),
        settings=settings.model_dump_json(),
        code_digest=code_digest,
    )


def _custom_config(settings: Settings, code_digest: str) -> dict[str, Any]:
    return {"settings": settings.model_dump_json(), "code_digest": code_digest}


def _training(inputs: Channels, config: Settings, code_digest: str) -> dict[str, Any]:
    """Return the arguments that all stages have in common that train."""
    import tfx.v1 as tfx

    return {
        **inputs,
        "train_args": tfx.proto.TrainArgs(splits=["train"]),
        "eval_args": tfx.proto.EvalArgs(splits=["eval"]),
        "custom_config": _custom_config(config, code_digest),
    }
