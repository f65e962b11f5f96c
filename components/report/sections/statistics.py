"""Statistics, schema and anomalies in words."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from components.report.content import Block, Bullets, Heading, Table, Words
from components.report.made import NotReachedError
from components.report.material import RunMaterial
from components.report.wording import UNKNOWN, count, number, percent
from components.validate.anomalies import findings_of

SPLITS = ("train", "eval", "test")


def statistics(material: RunMaterial) -> list[Block]:
    """Say what StatisticsGen counted, what the schema asks, and what contradicts it."""
    from tensorflow_metadata.proto.v0 import statistics_pb2

    folder = material.place("StatisticsGen", "statistics")
    rows = []
    for split in SPLITS:
        parsed = statistics_pb2.DatasetFeatureStatisticsList.FromString(_bytes(folder, split, "FeatureStats.pb"))
        for feature in sorted(parsed.datasets[0].features, key=_name):
            rows.append([split, _name(feature), count(parsed.datasets[0].num_examples), *_told(feature)])
    head = ["split", "feature", "beats", "without it", "values", "mean", "sd", "least", "largest", "zeros", "distinct"]
    return [
        Table("Statistics of each split", head, rows, left=(0, 1), wide=True),
        Words(
            "Zeros of signal are mostly the padding after a beat's end. All samples are pooled: a sample's mean over "
            "the beats is not in this table."
        ),
        *_schema(material),
        *_anomalies(material),
    ]


def _bytes(folder: str, split: str, name: str) -> bytes:
    return Path(folder, f"Split-{split}", name).read_bytes()


def _name(feature: Any) -> str:
    return str(feature.name or "".join(feature.path.step))


def _told(feature: Any) -> list[str]:
    kind = feature.WhichOneof("stats")
    stats = getattr(feature, kind)
    common = stats.common_stats
    values = common.tot_num_values or common.num_non_missing * common.avg_num_values
    told = [count(common.num_missing), count(round(values))]
    if kind == "num_stats":
        zeros = percent(stats.num_zeros / values) if values else UNKNOWN
        return [*told, number(stats.mean), number(stats.std_dev), number(stats.min), number(stats.max), zeros, UNKNOWN]
    return [*told, *[UNKNOWN] * 5, count(stats.unique)]


def _schema(material: RunMaterial) -> list[Block]:
    curated = {feature.name: feature for feature in _parsed(material.place("CuratedSchema", "schema")).feature}
    rows = [[name, *_asked(feature)] for name, feature in curated.items()]
    blocks: list[Block] = [
        Heading("Schema"),
        Table("What a beat must look like", ["feature", "type", "values each", "range", "must be there"], rows,
              left=(0, 1, 2, 3, 4)),
    ]  # fmt: skip
    try:
        inferred = {feature.name: feature for feature in _parsed(material.place("SchemaGen", "schema")).feature}
    except NotReachedError:
        return blocks
    told = [f"{name} is in the schema, not in the data." for name in curated if name not in inferred]
    told += [f"{name} is in the data, not in the schema." for name in inferred if name not in curated]
    told += [
        f"{name} is {_type(feature)} in the data, {_type(curated[name])} in the schema."
        for name, feature in inferred.items()
        if name in curated and feature.type != curated[name].type
    ]
    return [*blocks, Bullets(told) if told else Words("The schema inferred from the data names the same features.")]


def _parsed(folder: str) -> Any:
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    [file] = Path(folder).glob("*.pbtxt")
    return text_format.Parse(file.read_text(encoding="utf-8"), schema_pb2.Schema())


def _asked(feature: Any) -> list[str]:
    each = str(feature.shape.dim[0].size) if feature.shape.dim else UNKNOWN
    if feature.HasField("value_count"):
        least, most = feature.value_count.min, feature.value_count.max
        each = str(least) if least == most else f"{least} to {most}"
    allowed = UNKNOWN
    for domain in ("float_domain", "int_domain"):
        if feature.HasField(domain):
            ends = getattr(feature, domain)
            allowed = f"{ends.min:g} to {ends.max:g}"
    return [_type(feature), each, allowed, "in every beat" if feature.presence.min_fraction == 1 else "no"]


def _type(feature: Any) -> str:
    return {1: "bytes", 2: "integer", 3: "float"}.get(feature.type, "unknown")


def _anomalies(material: RunMaterial) -> list[Block]:
    from tensorflow_metadata.proto.v0 import anomalies_pb2

    head = Heading("Anomalies")
    try:
        folder = material.place("ExampleValidator", "anomalies")
    except NotReachedError as absent:
        return [head, Words(str(absent))]
    found = [
        finding.sentence()
        for split in SPLITS
        for finding in findings_of(split, anomalies_pb2.Anomalies.FromString(_bytes(folder, split, "SchemaDiff.pb")))
    ]
    blocks: list[Block] = [head, Bullets(found, "warn") if found else Words("None in train, eval and test.")]
    if material.reached("DataGate"):
        allowed: Iterable[str] = material.read_json("DataGate", "verdict", "verdict.json")["sentences"]
        blocks += [Words(f"The data gate let it pass: {sentence}", "warn") for sentence in allowed]
    return blocks
