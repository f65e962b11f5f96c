"""A job for Dataflow, checked and built without Google."""

import json

import pytest

from components.errors import UsageError
from components.score.engines.dataflow import Dataflow
from components.score.engines.engine import option
from components.score.job import Job
from components.score.model import ModelRef
from components.score.runner import _dataflow_request
from tests.score.jobs import run, write_csv

GIVEN = [
    "--project=some-project",
    "--region=europe-west4",
    "--temp_location=gs://bucket/tmp",
    "--sdk_container_image=europe-docker.pkg.dev/some-project/images/heartbeat:1",
]


def changed(*options):
    names = {word.partition("=")[0] for word in options}
    return [*(word for word in GIVEN if word.partition("=")[0] not in names), *options]


def test_all_that_is_missing_is_told_at_once():
    with pytest.raises(UsageError) as refused:
        Dataflow(["--project=some-project"], None).beam_options(9)
    [sentence] = refused.value.sentences
    assert "--project" not in sentence
    assert all(name in sentence for name in ("--region", "--temp_location", "--sdk_container_image"))


@pytest.mark.parametrize(
    ("option_given", "said"),
    [
        ("--region=mars", "--region=mars is no region"),
        ("--temp_location=/tmp/x", "/tmp/x is no gs:// bucket"),
        ("--staging_location=s3://bucket/x", "s3://bucket/x is no gs:// bucket"),
        ("--project=12345", "Project ID"),
        ("--job_name=Not_A_Name", "job_name"),
        ("--num_workers=0", "num_workers"),
        ("--machin_type=n2-standard-4", "--machin_type=n2-standard-4 is not one that Beam knows"),
    ],
)
def test_options_that_dataflow_would_refuse_or_ignore(option_given, said):
    with pytest.raises(UsageError, match="Options for Dataflow") as refused:
        Dataflow(changed(option_given), None).beam_options(9)
    assert said in str(refused.value)


def test_workers_are_the_most_machines_and_each_process_scores_one_shard_at_a_time():
    options = Dataflow(GIVEN, 20).beam_options(9)
    assert option(options, "runner") == "DataflowRunner"
    assert option(options, "max_num_workers") == "20"
    assert option(options, "number_of_worker_harness_threads") == "1"
    assert option(Dataflow([*GIVEN, "--max_num_workers=5"], 20).beam_options(9), "max_num_workers") == "5"


@pytest.fixture
def tasks(tmp_path):
    write_csv(tmp_path / "a.csv", 60)
    run(tmp_path / "a.csv", output=tmp_path / "out")
    job = Job.from_json((tmp_path / "out" / "job.json").read_bytes(), str(tmp_path / "out"))
    return job.tasks("gs://bucket/out")


def test_the_request_is_built_without_google(tasks):
    chosen = ["--machine_type=n2-standard-4", "--disk_size_gb=30", "--autoscaling_algorithm=THROUGHPUT_BASED"]
    options = Dataflow([*GIVEN, *chosen], 20).beam_options(9)
    request = json.loads(_dataflow_request(tasks, ModelRef("gs://bucket/serving/1", "ab" * 32), options))
    assert (request["project"], request["region"]) == ("some-project", "europe-west4")
    [pool] = request["job"]["environment"]["workerPools"]
    assert (pool["machineType"], pool["diskSizeGb"]) == ("n2-standard-4", 30)
    assert pool["autoscalingSettings"] == {"algorithm": "AUTOSCALING_ALGORITHM_BASIC", "maxNumWorkers": 20}
    assert pool["workerHarnessContainerImage"].endswith("/heartbeat:1")
    assert pool["numThreadsPerWorker"] == 1
    assert request["job"]["type"] == "JOB_TYPE_BATCH"
    assert request["graph"]["shards"] == len(tasks)
    assert request["graph"]["staged_to"].startswith("gs://bucket/tmp/heartbeat-score-")
    assert "ScoreShard" in request["steps"]
    assert any(step.startswith("Shards/") and "Reshuffle" in step for step in request["steps"])


def test_what_is_sent_names_neither_paths_nor_processes_of_this_machine(tasks, tmp_path):
    options = Dataflow(GIVEN, None).beam_options(9)
    assert str(tmp_path) not in _dataflow_request(tasks, ModelRef("gs://bucket/serving/1", "ab" * 32), options)
