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
    """Return the builder of one of TFX's own components that needs only its inputs and constants."""

    def build(run: GraphInputs, inputs: Channels, code_digest: str) -> Any:
        return getattr(import_module("tfx.v1").components, name)(**inputs, **arguments)

    return build


def training_node(stage: str, component: str, function: str, config: str) -> Builder:
    """Return the builder of one of TFX's components that train.

    `function` is the import path of what it calls, its last part the name by which the component takes it; `config` is
    the class in the trainings' settings that holds the groups it is given.
    """

    def build(run: GraphInputs, inputs: Channels, code_digest: str) -> Any:
        import tfx.v1 as tfx

        from components.train import settings

        groups: type[Settings] = getattr(settings, config)
        given = groups(**{name: getattr(run.settings, name) for name in groups.model_fields})
        node = getattr(tfx.components, component)(
            **inputs,
            **{function.rpartition(".")[2]: function},
            train_args=tfx.proto.TrainArgs(splits=["train"]),
            eval_args=tfx.proto.EvalArgs(splits=["eval"]),
            custom_config=_custom_config(given, code_digest),
        )
        return node.with_id(stage)

    return build


def example_gen(run: GraphInputs, inputs: Channels, code_digest: str) -> Any:
    """Read the CSVs into train, eval and test beats, with a report on every row."""
    from components.ingest.node import ExampleGen

    settings = run.settings.data.model_dump_json()
    return ExampleGen(data=run.data, settings=settings, fingerprint=run.fingerprint, code_digest=code_digest)


def curated_schema(run: GraphInputs, inputs: Channels, code_digest: str) -> Any:
    """Output the packaged schema of beats, with their context if the run reads it."""
    from components.beats.context import CONTEXT_NAMES
    from components.io.code_digest import digest_text
    from components.validate.node import CuratedSchema
    from schema import curated_schema_text

    context = len(CONTEXT_NAMES) if run.settings.data.context else 0
    return CuratedSchema(context=context, digest=digest_text(curated_schema_text(context)))


def transform(run: GraphInputs, inputs: Channels, code_digest: str) -> Any:
    """Normalise the train and eval beats, and save the same as a graph for serving."""
    import tfx.v1 as tfx
    from tfx.proto import transform_pb2

    return tfx.components.Transform(
        **inputs,
        preprocessing_fn="components.transform.preprocessing.preprocessing_fn",
        splits_config=transform_pb2.SplitsConfig(analyze=["train"], transform=["train", "eval"]),
        disable_statistics=True,
        custom_config=_custom_config(run.settings.transform, code_digest),
    )


def evaluator(run: GraphInputs, inputs: Channels, code_digest: str) -> Any:
    """Evaluate on the test split with TFMA, and bless."""
    import tfx.v1 as tfx

    from components.evaluate.tfma_config import eval_config

    return tfx.components.Evaluator(**inputs, example_splits=["test"], eval_config=eval_config(run.settings.gate))


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
