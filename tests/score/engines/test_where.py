"""What names an engine, what makes a job run elsewhere, and what its workers cannot see."""

import pytest

from components.errors import UsageError
from components.score.engines.dataflow import Dataflow
from components.score.engines.engine import BeamRunner, check_visible, is_elsewhere, option
from components.score.engines.flink import Flink
from components.score.engines.portable import PortableEngine
from components.score.engines.spark import Spark
from components.score.runner import choose_engine


@pytest.mark.parametrize(
    ("text", "engine"),
    [
        (None, BeamRunner(3, ["--x"])),
        ("flink://jobs.example:8081", Flink("jobs.example:8081", ["--x"], 3)),
        ("spark://10.0.0.7:7077/", Spark("10.0.0.7:7077", ["--x"], 3)),
        ("dataflow", Dataflow(["--x"], 3)),
    ],
)
def test_engines_by_name(text, engine):
    assert choose_engine(text, ["--x"], workers=3) == engine


@pytest.mark.parametrize("text", ["flink", "flink://host", "http://host:8081", "spark://host:port", "dask", ""])
def test_what_is_no_engine_is_told_what_is_one(text):
    with pytest.raises(UsageError, match="flink://HOST:8081"):
        choose_engine(text)


def test_flags_that_contradict_one_another_are_refused():
    with pytest.raises(UsageError, match="belong to --on flink"):
        choose_engine(None, job_endpoint="jobs:8099")
    with pytest.raises(UsageError, match="--on names the runner"):
        choose_engine("dataflow", ["--runner=DirectRunner"])


@pytest.mark.parametrize(
    ("on", "options", "flags", "said"),
    [
        ("dataflow", [], {"job_endpoint": "jobs:8099", "worker_command": "/w"}, "--job-endpoint and --worker-command"),
        (None, [], {"assume_shared": True}, "--assume-shared is about the machines"),
        (None, ["--runner=DirectRunner"], {"assume_shared": True}, "--assume-shared is about the machines"),
        ("dataflow", [], {"assume_shared": True}, "--assume-shared is about the machines"),
        ("flink://h:1", ["--environment_type=EXTERNAL"], {"worker_command": "/w"}, "--environment_type=EXTERNAL"),
        ("spark://h:1", [], {"workers": 2, "job_endpoint": "jobs:8099"}, r"spark\.cores\.max"),
        ("flink://h:1", ["--parallelism=3"], {"workers": 2}, "--parallelism say the same"),
        ("dataflow", ["--max_num_workers", "3"], {"workers": 2}, "--max_num_workers say the same"),
        (None, ["--direct_num_workers=3"], {"workers": 2}, "--direct_num_workers say the same"),
        (None, ["--runner=FlinkRunner"], {"workers": 2}, "--runner=FlinkRunner"),
    ],
)
def test_flags_that_would_have_no_effect_are_refused(on, options, flags, said):
    with pytest.raises(UsageError, match=said):
        choose_engine(on, options, **flags)


@pytest.mark.parametrize(
    ("most", "shards", "shares", "processes"), [(1, 9, True, 0), (1, 9, False, 1), (4, 9, True, 4), (4, 1, True, 0)]
)
def test_a_job_on_this_machine_has_no_more_processes_than_shards(most, shards, shares, processes):
    with BeamRunner(most, [], shares).session(shards) as session:
        assert session.processes == processes


@pytest.mark.parametrize("runner", [[], ["--runner=DirectRunner"], ["--runner", "apache_beam.runners.x.FnApiRunner"]])
@pytest.mark.parametrize(
    "ignored",
    [
        "--environment_type=EXTERNAL",
        "--environment_config=localhost:50000",
        "--sdk_worker_parallelism=2",
        "--parallelism=2",
        "--job_endpoint=jobs:8099",
        "--region=mars",
        "--max_num_workers=9",
        "--direkt_num_workers=2",
    ],
)
def test_options_that_the_local_runner_would_ignore_are_named_and_refused(runner, ignored):
    name = ignored.partition("=")[0]
    with pytest.raises(UsageError, match=f"ignores {name}: leave it out, or name a runner that does not"):
        BeamRunner(1, [*runner, "--direct_num_workers=2", *ignored.split("=")]).beam_options(1)
    with pytest.raises(UsageError, match=name), BeamRunner(1, [*runner, ignored]).session(1):
        pass


@pytest.mark.parametrize(
    "options",
    [
        ["--direct_num_workers=2", "--direct_running_mode", "multi_threading", "--no_direct_runner_use_stacked_bundle"],
        ["--experiments=x", "--runtime_type_check", "--no_pipeline_type_check", "--profile_cpu"],
        ["--runner=PortableRunner", "--job_endpoint=jobs:8099", "--environment_type=LOOPBACK"],
        ["--runner=FlinkRunner", "--flink_master=flink:8081"],
        ["--runner=PrismRunner", "--environment_type=LOOPBACK"],
    ],
)
def test_options_that_a_runner_reads_are_passed_on(options):
    assert BeamRunner(1, options).beam_options(1) == options


def test_an_engine_that_lacks_a_part_cannot_be_made():
    with pytest.raises(TypeError, match="abstract"):
        type("Half", (PortableEngine,), {})("host:1")


def test_an_option_in_both_spellings_and_the_last_one_counts():
    words = ["--a=1", "--b", "2", "--a", "3", "--c"]
    assert (option(words, "a"), option(words, "b"), option(words, "c"), option(words, "d")) == ("3", "2", None, None)


@pytest.mark.parametrize(
    ("options", "elsewhere"),
    [
        ([], False),
        (["--direct_num_workers=2"], False),
        (["--runner=DirectRunner"], False),
        (["--runner", "apache_beam.runners.portability.fn_api_runner.FnApiRunner"], False),
        (["--runner=PortableRunner", "--environment_type=LOOPBACK"], False),
        (["--runner=PortableRunner", "--environment_type=PROCESS"], True),
        (["--runner", "FlinkRunner"], True),
        (["--runner=DataflowRunner"], True),
    ],
)
def test_where_workers_may_be_on_other_machines(options, elsewhere):
    assert is_elsewhere(options) == elsewhere


def test_local_paths_are_named_and_refused():
    with pytest.raises(UsageError) as refused:
        check_visible(["s3://b/in.csv", "/data/*.csv"], "file:///out", "gs://b/serving/1", False)
    [sentence] = refused.value.sentences
    assert "/data/*.csv (--input)" in sentence
    assert "file:///out (--output)" in sentence
    assert "s3://b/in.csv" not in sentence
    assert "--assume-shared" in sentence


@pytest.mark.parametrize("on", ["flink://h:1", "spark://h:1", "dataflow", None])
def test_each_engine_refuses_local_paths_unless_they_are_shared(on):
    remote_runner = ["--runner=FlinkRunner"] if on is None else []
    with pytest.raises(UsageError, match="do not see"):
        choose_engine(on, remote_runner).check_paths(["/in.csv"], "s3://b/out", "s3://b/1")
    if on != "dataflow":
        choose_engine(on, remote_runner, assume_shared=True).check_paths(["/in.csv"], "s3://b/out", "s3://b/1")


def test_local_paths_are_for_workers_of_this_machine():
    choose_engine(None).check_paths(["in.csv"], "out", "model")


def test_stores_and_what_is_said_to_be_shared_are_taken():
    check_visible(["s3://b/in.csv"], "gs://b/out", "gs://b/serving/1", False)
    check_visible(["/mnt/*.csv"], "/mnt/out", "/mnt/serving/1", True)


def test_a_relative_input_means_another_file_on_each_machine():
    with pytest.raises(UsageError, match="absolute path"):
        check_visible(["data/*.csv"], "/mnt/out", "/mnt/serving/1", True)
