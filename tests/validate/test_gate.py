import numpy as np
import pytest
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from components.beat import SAMPLES
from components.validate.gate import Finding, find_anomalies, gate_data
from components.validate.settings import ValidateSettings
from components.verdict import Verdict
from schema import curated_schema_text


@pytest.fixture(scope="module")
def curated() -> schema_pb2.Schema:
    return text_format.Parse(curated_schema_text(), schema_pb2.Schema())


def statistics_of(
    curated: schema_pb2.Schema, shares: list[float], samples: int = SAMPLES, top: float = 1.0, rows: int = 400
) -> statistics_pb2.DatasetFeatureStatisticsList:
    import pandas as pd
    import pyarrow as pa
    from tensorflow_data_validation.statistics import stats_impl

    random = np.random.default_rng(7)
    label = np.repeat(np.arange(len(shares)), np.round(np.array(shares) * rows).astype(int))
    signal = random.uniform(0, top, (len(label), samples)).astype(np.float32)
    table = pa.RecordBatch.from_pandas(pd.DataFrame({"signal": list(signal), "label": [[value] for value in label]}))
    options = tfdv.StatsOptions(schema=curated)
    return stats_impl.generate_statistics_in_memory(table, options)


def refusals(findings: list[Finding], settings: ValidateSettings) -> list[str]:
    return [each.sentence for each in gate_data(findings, settings) if each.kind == "refusal"]


NATURAL = [0.6, 0.1, 0.1, 0.1, 0.1]


def test_good_data_stops_nothing(curated: schema_pb2.Schema) -> None:
    good = statistics_of(curated, NATURAL)
    settings = ValidateSettings()
    findings = find_anomalies({"train": good, "eval": good, "test": good}, curated, good, settings)
    assert gate_data(findings, settings) == []


def test_a_value_out_of_range_stops_and_names_split_and_feature(curated: schema_pb2.Schema) -> None:
    good, wild = statistics_of(curated, NATURAL), statistics_of(curated, NATURAL, top=1.5)
    settings = ValidateSettings()
    stop = refusals(find_anomalies({"train": good, "eval": wild}, curated, None, settings), settings)
    assert len(stop) == 1
    assert stop[0].startswith("Split eval, feature signal:")
    assert "1.49" in stop[0]


def test_a_wrong_number_of_samples_stops(curated: schema_pb2.Schema) -> None:
    settings = ValidateSettings()
    short = statistics_of(curated, NATURAL, samples=SAMPLES - 1)
    stop = refusals(find_anomalies({"train": short}, curated, None, settings), settings)
    assert any("feature signal" in sentence for sentence in stop)


def test_drift_of_class_shares_is_judged_for_train_only(curated: schema_pb2.Schema) -> None:
    before, now = statistics_of(curated, NATURAL), statistics_of(curated, [0.3, 0.4, 0.1, 0.1, 0.1])
    settings = ValidateSettings()
    assert gate_data(find_anomalies({"test": now}, curated, before, settings), settings) == []
    stop = refusals(find_anomalies({"train": now}, curated, before, settings), settings)
    assert len(stop) == 1
    assert "feature label" in stop[0]
    assert "raise validation.label_drift" in stop[0]


def test_drift_of_the_signal_stops(curated: schema_pb2.Schema) -> None:
    before, now = statistics_of(curated, NATURAL), statistics_of(curated, NATURAL, top=0.4)
    settings = ValidateSettings()
    stop = refusals(find_anomalies({"train": now}, curated, before, settings), settings)
    assert len(stop) == 1
    assert "raise validation.signal_drift" in stop[0]


def test_a_lowered_gate_lets_pass_but_says_so(curated: schema_pb2.Schema) -> None:
    before, now = statistics_of(curated, NATURAL), statistics_of(curated, [0.3, 0.4, 0.1, 0.1, 0.1])
    settings = ValidateSettings(label_drift=0.5)
    verdict = gate_data(find_anomalies({"train": now}, curated, before, settings), settings)
    assert verdict == [Verdict("caveat", "changed", "validation.label_drift is 0.5, not its default 0.1.")]
    settings = ValidateSettings(allow=("COMPARATOR_L_INFTY_HIGH",))
    [allowed] = gate_data(find_anomalies({"train": now}, curated, before, settings), settings)
    assert (allowed.kind, allowed.code) == ("remark", "allowed_anomaly")
    assert allowed.sentence.startswith("Allowed by validation.allow: Split train, feature label")
