"""TFDV's part of a run: statistics of each split, the schema, and the anomalies, as tables and text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from components.ingest.split import SPLITS
from components.io.artifact_files import SPLIT_ANOMALIES, VERDICT
from components.report.content import Block, Bullets, Heading, Table, Words
from components.report.material import NotReachedError, RunMaterial
from components.report.wording import UNKNOWN, count, number, percent
from components.validate.gate import findings_of
from components.verdict import read_verdict

TYPES = {1: "bytes", 2: "integer", 3: "float"}
"""tensorflow_metadata's FeatureType in words."""


def statistics(material: RunMaterial) -> list[Block]:
    """Show what StatisticsGen counted, what the schema requires, and what contradicts it."""
    rows = []
    for split in SPLITS:
        dataset = material.statistics(split)
        for feature in sorted(dataset.features, key=_name):
            rows.append([split, _name(feature), count(dataset.num_examples), *_feature_row(feature)])
    head = ["split", "feature", "beats", "missing", "values", "mean", "sd", "least", "largest", "zeros", "distinct"]
    return [
        Table("Statistics of each split", head, rows, left=(0, 1), wide=True),
        Words(
            "Zeros in `signal` are mostly the padding after a beat's end. All samples are pooled: there is no "
            "mean for each sample of a beat."
        ),
        *_schema(material),
        *_anomalies(material),
    ]


def _name(feature: Any) -> str:
    return str(feature.name or "".join(feature.path.step))


def _feature_row(feature: Any) -> list[str]:
    kind = feature.WhichOneof("stats")
    stats = getattr(feature, kind)
    common = stats.common_stats
    values = common.tot_num_values or common.num_non_missing * common.avg_num_values
    counts = [count(common.num_missing), count(round(values))]
    if kind != "num_stats":
        return [*counts, *[UNKNOWN] * 5, count(stats.unique)]
    moments = [number(value) for value in (stats.mean, stats.std_dev, stats.min, stats.max)]
    return [*counts, *moments, percent(stats.num_zeros / values) if values else UNKNOWN, UNKNOWN]


def _schema(material: RunMaterial) -> list[Block]:
    curated = _features(material.uri("CuratedSchema", "schema"))
    rows = [[name, *_requirements(feature)] for name, feature in curated.items()]
    blocks: list[Block] = [
        Heading("Schema"),
        Table(
            "What a beat must look like",
            ["feature", "type", "values per beat", "range", "required"],
            rows,
            left=(0, 1, 2, 3, 4),
        ),
    ]
    try:
        inferred = _features(material.uri("SchemaGen", "schema"))
    except NotReachedError:
        return blocks
    differences = [
        *(f"{name} is in the schema, not in the data." for name in curated if name not in inferred),
        *(f"{name} is in the data, not in the schema." for name in inferred if name not in curated),
        *(
            f"{name} is {_type(feature)} in the data, {_type(curated[name])} in the schema."
            for name, feature in inferred.items()
            if name in curated and feature.type != curated[name].type
        ),
    ]
    same = Words("The schema inferred from the data names the same features.")
    return [*blocks, Bullets(differences) if differences else same]


def _features(folder: str) -> dict[str, Any]:
    """Return the features of a schema artifact by name."""
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    [file] = Path(folder).glob("*.pbtxt")
    schema = text_format.Parse(file.read_text(encoding="utf-8"), schema_pb2.Schema())
    return {feature.name: feature for feature in schema.feature}


def _requirements(feature: Any) -> list[str]:
    values = str(feature.shape.dim[0].size) if feature.shape.dim else UNKNOWN
    if feature.HasField("value_count"):
        least, most = feature.value_count.min, feature.value_count.max
        values = str(least) if least == most else f"{least} to {most}"
    limits = UNKNOWN
    for domain in ("float_domain", "int_domain"):
        if feature.HasField(domain):
            ends = getattr(feature, domain)
            limits = f"{ends.min:g} to {ends.max:g}"
    return [_type(feature), values, limits, "in every beat" if feature.presence.min_fraction == 1 else "no"]


def _type(feature: Any) -> str:
    return TYPES.get(feature.type, "unknown")


def _anomalies(material: RunMaterial) -> list[Block]:
    from tensorflow_metadata.proto.v0 import anomalies_pb2

    try:
        folder = material.uri("ExampleValidator", "anomalies")
    except NotReachedError as error:
        return [Heading("Anomalies"), Words(str(error))]
    findings = []
    for split in SPLITS:
        content = Path(folder, f"Split-{split}", SPLIT_ANOMALIES).read_bytes()
        findings += findings_of(split, anomalies_pb2.Anomalies.FromString(content))
    none = Words("None in train, eval and test.")
    listed = Bullets([finding.sentence() for finding in findings], "warn")
    blocks: list[Block] = [Heading("Anomalies"), listed if findings else none]
    if material.reached("DataGate"):
        verdict = read_verdict(material.read_json("DataGate", "verdict", VERDICT)["verdict"])
        blocks += [Words(f"The data gate let this pass: {each.sentence}", "warn") for each in verdict]
    return blocks
