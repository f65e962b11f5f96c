"""Decide whether a run may continue with its data: anomalies in any split, drift of train from the newest push."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from components.validate.settings import ValidateSettings
from components.verdict import Verdict

ADVICE: Final = {
    "COMPARATOR_L_INFTY_HIGH": (
        "Check where the new data comes from; if the change is wanted, raise validation.label_drift"
    ),
    "COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH": (
        "Check gain, lead and filtering of the new data; if the change is wanted, raise validation.signal_drift"
    ),
}
"""What to do, by the anomaly's type."""

DEFAULT_ADVICE: Final = (
    "Look at the rows behind it in the run's report, repair the CSV, or change schema/heartbeat.pbtxt"
)


@dataclass(frozen=True)
class Finding:
    """One anomaly of one feature in one split.

    Attributes:
        split: train, eval or test.
        feature: its name, or `the data set`.
        kind: a name of TFMD's AnomalyInfo.Type.
        description: TFDV's.
    """

    split: str
    feature: str
    kind: str
    description: str

    def sentence(self) -> str:
        """Say where, what, and what to do."""
        advice = ADVICE.get(self.kind, DEFAULT_ADVICE)
        return f"Split {self.split}, feature {self.feature}: {self.description.rstrip('.')} ({self.kind}). {advice}."


def findings_of(split: str, anomalies: Any) -> list[Finding]:
    """List the findings in a TFMD Anomalies message, in the order of feature names."""
    infos = [(feature or "the data set", info) for feature, info in sorted(anomalies.anomaly_info.items())]
    if anomalies.HasField("dataset_anomaly_info"):
        infos.append(("the data set", anomalies.dataset_anomaly_info))
    return [
        Finding(split, feature, type(info).Type.Name(reason.type), reason.description)
        for feature, info in infos
        for reason in info.reason
    ]


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
    findings: list[Finding] = []
    for split, of_split in statistics.items():
        previous = baseline if split == "train" else None
        findings += findings_of(split, tfdv.validate_statistics(of_split, schema, previous_statistics=previous))
    return findings


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


def gate_data(findings: list[Finding], settings: ValidateSettings) -> list[Verdict]:
    """Decide by what the settings allow; a finding that is not allowed is a refusal."""
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
