"""Anomalies in words: TFDV's findings as sentences that say where, what and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ADVICE = {
    "COMPARATOR_L_INFTY_HIGH": (
        "Check where the new data comes from; if the change is wanted, raise validation.label_drift"
    ),
    "COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH": (
        "Check gain, lead and filtering of the new data; if the change is wanted, raise validation.signal_drift"
    ),
}
DEFAULT_ADVICE = "Look at the rows behind it in the run's report, repair the CSV, or change schema/heartbeat.pbtxt"


@dataclass(frozen=True)
class Finding:
    """One anomaly of one feature in one split."""

    split: str
    feature: str
    kind: str  # a name of tfmd AnomalyInfo.Type
    what: str

    def sentence(self) -> str:
        """Say where, what, and what to do."""
        advice = ADVICE.get(self.kind, DEFAULT_ADVICE)
        return f"Split {self.split}, feature {self.feature}: {self.what.rstrip('.')} ({self.kind}). {advice}."


def findings_of(split: str, anomalies: Any) -> list[Finding]:
    """List the findings in a TFMD Anomalies message, in the order of feature names."""
    found = []
    for feature, info in sorted(anomalies.anomaly_info.items()):
        for reason in info.reason:
            kind = type(info).Type.Name(reason.type)
            found.append(Finding(split, feature or "the data set", kind, reason.description))
    if anomalies.HasField("dataset_anomaly_info"):
        for reason in anomalies.dataset_anomaly_info.reason:
            kind = type(anomalies.dataset_anomaly_info).Type.Name(reason.type)
            found.append(Finding(split, "the data set", kind, reason.description))
    return found
