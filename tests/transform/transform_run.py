"""A Transform run in miniature: TFT itself, over beats in memory."""

from functools import partial
from pathlib import Path

import numpy as np

from components.beat import SAMPLES
from components.transform.preprocessing import preprocessing_fn
from components.transform.settings import TransformSettings


def run_transform(
    signal: np.ndarray,
    label: np.ndarray,
    settings: TransformSettings,
    folder: Path,
    context: np.ndarray | None = None,
) -> list[dict]:
    """Analyse the beats, write the transform graph into the folder and return the transformed beats."""
    import tensorflow as tf
    import tensorflow_transform.beam as tft_beam
    from tensorflow_transform.tf_metadata import dataset_metadata, schema_utils

    spec = {"signal": tf.io.FixedLenFeature([SAMPLES], tf.float32), "label": tf.io.FixedLenFeature([], tf.int64)}
    rows = [{"signal": beat, "label": number} for beat, number in zip(signal, label, strict=True)]
    if context is not None:
        spec["context"] = tf.io.FixedLenFeature(context.shape[1:], tf.float32)
        rows = [row | {"context": numbers} for row, numbers in zip(rows, context, strict=True)]
    metadata = dataset_metadata.DatasetMetadata(schema_utils.schema_from_feature_spec(spec))
    function = partial(preprocessing_fn, custom_config={"settings": settings.model_dump_json()})
    with tft_beam.Context(temp_dir=str(folder / "scratch")):
        (transformed, _), transform = (rows, metadata) | tft_beam.AnalyzeAndTransformDataset(function)
        transform | tft_beam.WriteTransformFn(str(folder / "graph"))
    return transformed
