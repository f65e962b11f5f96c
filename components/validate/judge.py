"""The data gate's judgement: schema anomalies of every split, and drift of train against the newest push."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.validate.anomalies import Finding, findings_of
from components.validate.settings import ValidateSettings
from components.verdict import Verdict


def with_drift_thresholds(schema: Any, settings: ValidateSettings) -> Any:
    """Copy a TFMD Schema with the settings' drift thresholds in place of its own."""
    from tensorflow_metadata.proto.v0 import schema_pb2

    copy = schema_pb2.Schema()
    copy.CopyFrom(schema)
    for feature in copy.feature:
        if feature.name == "label":
            feature.drift_comparator.infinity_norm.threshold = settings.label_drift
        elif feature.name == "signal":
            feature.drift_comparator.jensen_shannon_divergence.threshold = settings.signal_drift
    return copy


def find_anomalies(
    statistics: Mapping[str, Any], schema: Any, baseline: Any | None, settings: ValidateSettings
) -> list[Finding]:
    """Validate every split against the schema, and train also against earlier training statistics.

    Args:
        statistics: split name -> TFMD DatasetFeatureStatisticsList.
        schema: the curated TFMD Schema.
        baseline: the newest push's training statistics, or None when nothing was pushed.
        settings: drift thresholds.
    """
    import tensorflow_data_validation as tfdv

    schema = with_drift_thresholds(schema, settings)
    found: list[Finding] = []
    for split, split_statistics in statistics.items():
        previous = baseline if split == "train" else None
        anomalies = tfdv.validate_statistics(split_statistics, schema, previous_statistics=previous)
        found += findings_of(split, anomalies)
    return found


def judge_data(findings: list[Finding], settings: ValidateSettings) -> list[Verdict]:
    """Judge findings by what the settings allow; a finding that is not allowed is a refusal."""
    verdict = [
        Verdict("remark", "allowed_anomaly", f"Allowed by validation.allow: {finding.sentence()}")
        for finding in findings
        if finding.kind in settings.allow
    ]
    defaults = ValidateSettings()
    for name in ("label_drift", "signal_drift"):
        value, default = getattr(settings, name), getattr(defaults, name)
        if value != default:
            verdict.append(Verdict("caveat", "changed", f"validation.{name} is {value}, not its default {default}."))
    return verdict + [
        Verdict("refusal", "anomaly", finding.sentence()) for finding in findings if finding.kind not in settings.allow
    ]
