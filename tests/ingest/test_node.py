"""The TFX nodes through their executors."""

import pytest
from tfx.components.util.examples_utils import get_payload_format_string
from tfx.types import artifact_utils, standard_artifacts

from components.errors import DataRefused
from components.ingest.node import ExampleGen, IngestGate, IngestReport
from components.ingest.report import read_ingest_report
from components.ingest.settings import DataSettings
from components.io.examples import read_split
from tests.ingest.folder import TRAIN, fill
from tests.io.rows import line


def properties(data, **settings):
    return {
        "data": data,
        "settings": DataSettings(**settings).model_dump_json(),
        "fingerprint": "f",
        "code_digest": "c",
    }


def execute(folder, data):
    examples, report = standard_artifacts.Examples(), IngestReport()
    examples.uri, report.uri = f"{folder}/examples", f"{folder}/report"
    ExampleGen.EXECUTOR_SPEC.executor_class().Do({}, {"examples": [examples], "report": [report]}, properties(data))
    return examples, report


def judge(report, **settings):
    executor = IngestGate.EXECUTOR_SPEC.executor_class()
    executor.Do({"report": [report]}, {}, {"settings": DataSettings(**settings).model_dump_json(), "code_digest": "c"})


def test_the_node_writes_splits_that_tfx_reads(tmp_path):
    examples, report = execute(tmp_path, fill(tmp_path / "data"))
    assert artifact_utils.decode_split_names(examples.split_names) == ["train", "eval", "test"]
    assert get_payload_format_string(examples) == "FORMAT_TF_EXAMPLE"
    summary = read_ingest_report(report.uri)
    assert not summary.synthetic
    assert summary.rows["rejects"] == 0
    for name in ("train", "eval", "test"):
        uri = artifact_utils.get_split_uri([examples], name)
        assert len(read_split(uri)) == summary.rows[name] > 0
    judge(report)


def test_the_node_finishes_on_bad_files_and_the_gate_refuses_them(tmp_path, caplog):
    data = fill(tmp_path / "data", mitbih_train__csv=TRAIN + b"junk\n", mitbih_test__csv=line("7.0").encode())
    _, report = execute(tmp_path, data)
    assert [path.stat().st_size for path in (tmp_path / "examples" / "Split-test").iterdir()] == [0]
    with pytest.raises(DataRefused, match=r"(?s)mitbih_test\.csv: 1 of 1 row is not.*The test split has no beats"):
        judge(report, reject_budget=2)


def test_rows_dropped_within_the_budget_are_logged_one_by_one(tmp_path, caplog):
    _, report = execute(tmp_path, fill(tmp_path / "data", mitbih_train__csv=TRAIN + b"junk\n"))
    judge(report, reject_budget=1)
    assert f"dropped {tmp_path}/data/mitbih_train.csv row 200: 1 column, expected 188" in caplog.text


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(DataRefused, match="has no mitbih_train"):
        execute(tmp_path, f"{tmp_path}/none")


def test_all_that_changes_the_result_is_an_execution_property():
    given = properties("data/")
    node = ExampleGen(**given)
    assert node.id == "ExampleGen"
    assert node.exec_properties == given
    assert {name: channel.type for name, channel in node.outputs.items()} == {
        "examples": standard_artifacts.Examples,
        "report": IngestReport,
    }
    gate = IngestGate(report=node.outputs["report"], settings="{}", code_digest="c")
    assert gate.id == "IngestGate"
    assert not gate.outputs
