"""An engine that cannot take a job is told before anything is done, in one sentence, with exit code 6."""

import os
import socket

import pytest

from components.errors import EnvironmentRefused
from components.score.engines import flink
from components.score.engines.address import Engine
from components.score.engines.failures import of_the_environment
from components.score.engines.flink import cancel_flink_job, flink_options
from components.score.engines.flink_rest import flink_overview
from components.score.engines.java import class_path, free_port
from components.score.engines.job_server import JobServer, check_listens, job_server, spark_class_path, spark_jar
from components.score.engines.runner import option
from components.score.engines.spark import GRANTED, NO_ROOM, check_room, driver_options, spark_options
from components.score.engines.submit import EngineJob, engine_options, own_worker
from tests.score.engines.fakes import fake_flink


def one_sentence(refused):
    [sentence] = refused.value.sentences
    assert refused.value.exit_code == 6
    assert "Traceback" not in sentence
    return sentence


def test_flink_that_nobody_answers_for():
    with pytest.raises(EnvironmentRefused) as refused:
        flink_overview(f"localhost:{free_port()}")
    assert "Connection refused" in one_sentence(refused)


def test_something_else_at_flinks_port():
    with fake_flink() as (address, _), pytest.raises(EnvironmentRefused, match="is not Flink") as refused:
        flink_overview(f"{address}/other?")
    one_sentence(refused)


def test_flink_of_another_version_needs_a_job_server_of_its_own():
    with fake_flink(**{"flink-version": "1.20.3"}) as (address, _):
        with pytest.raises(EnvironmentRefused, match=r"is 1\.20\.3, the job server is for 1\.19\.x") as refused:
            flink_options(address, None, 10, [], own_server=True)
        one_sentence(refused)
        assert flink_options(address, None, 10, [], own_server=False)


@pytest.mark.parametrize(("free", "workers", "told"), [(0, None, "0 free slots of 4"), (1, 2, "2 wanted")])
def test_flink_without_room(free, workers, told):
    with (
        fake_flink(**{"slots-available": free}) as (address, _),
        pytest.raises(EnvironmentRefused, match=told) as refused,
    ):
        flink_options(address, workers, 10, [], own_server=True)
    one_sentence(refused)


def test_a_job_on_flink_takes_what_is_free_unless_told_otherwise():
    with fake_flink() as (address, _):
        options = flink_options(address, None, 10, ["--sdk_worker_parallelism", "7"], own_server=True)
        assert option(options, "parallelism") == "4"
        assert option(options, "sdk_worker_parallelism") is None
        assert option(flink_options(address, 3, 10, [], True), "parallelism") == "3"
        assert option(flink_options(address, 3, 2, [], True), "parallelism") == "2"
        assert option(flink_options(address, 3, 2, [], True), "sdk_worker_parallelism") == "2"


def test_only_the_own_job_is_cancelled_and_its_end_is_waited_for():
    with fake_flink(looks=2) as (address, asked):
        cancel_flink_job(address, "mine")
    assert asked == ["GET /jobs/overview", "PATCH /jobs/a1?mode=cancel", *["GET /jobs/overview"] * 3]


def test_a_job_that_does_not_stop_is_told(monkeypatch):
    monkeypatch.setattr(flink, "CANCEL_SECONDS", 0.5)
    with fake_flink(looks=1000) as (address, _), pytest.raises(EnvironmentRefused, match="a1") as refused:
        cancel_flink_job(address, "mine")
    one_sentence(refused)


def test_a_master_or_job_server_that_nobody_answers_for():
    address = f"localhost:{free_port()}"
    with pytest.raises(EnvironmentRefused, match="Spark master") as refused:
        engine_options(EngineJob(Engine("spark", address), None, None, None, []), 10)
    one_sentence(refused)
    with (
        pytest.raises(EnvironmentRefused, match=r"job server at .* does not answer") as refused,
        job_server(Engine("spark", address), address),
    ):
        pass
    one_sentence(refused)
    with pytest.raises(EnvironmentRefused):
        check_listens("no-such-host.invalid:80", "job server", "start it")


def test_class_paths_that_were_not_fetched(tmp_path, monkeypatch):
    monkeypatch.setenv("HEARTBEAT_ENGINES", str(tmp_path))
    with pytest.raises(EnvironmentRefused, match="make engines") as refused:
        class_path("flink")
    assert str(tmp_path / "flink") in one_sentence(refused)


def test_a_class_path_of_spark_that_was_fetched_before_it_was_one_jar(tmp_path, monkeypatch):
    monkeypatch.setenv("HEARTBEAT_ENGINES", str(tmp_path))
    for jar in ("spark/beam-runners-spark-3.jar", "spark-3.5.3/jars/slf4j-api-2.jar"):
        (tmp_path / jar).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / jar).touch()
    with pytest.raises(EnvironmentRefused, match="earlier version") as refused:
        spark_class_path()
    assert "make engines" in one_sentence(refused)
    spark_jar().touch()
    assert f"{tmp_path}/spark/*" in spark_class_path().split(os.pathsep)


def test_a_job_on_spark_is_told_what_executors_fetch_unless_the_job_server_is_anothers():
    with socket.create_server(("127.0.0.1", 0)) as master:
        engine = Engine("spark", f"localhost:{master.getsockname()[1]}")
        own = engine_options(EngineJob(engine, None, None, None, []), 10)
        assert option(own, "files_to_stage") == str(spark_jar())
        assert option(own, "environment_cache_millis") is not None
        assert "--experiments=disable_logging_submission_environment" in own
        others = engine_options(EngineJob(engine, "server:8099", None, None, []), 10)
        assert option(others, "files_to_stage") is None


def test_executors_fetch_beams_jar_and_keep_their_workers_between_tasks():
    own = spark_options([], spark_jar())
    assert option(own, "files_to_stage") == str(spark_jar())
    assert int(option(own, "environment_cache_millis")) > 0
    assert option(spark_options([], None), "files_to_stage") is None  # another's job server has its own
    assert spark_options(["--environment_cache_millis=1", "--files_to_stage=/mine.jar"], spark_jar()) == []


def test_workers_run_what_this_environment_has_unless_told_otherwise():
    with fake_flink() as (address, _):
        engine = Engine("flink", address)
        own = engine_options(EngineJob(engine, None, None, None, []), 10)
        assert option(own, "environment_option") == f"process_command={own_worker()}"
        named = engine_options(EngineJob(engine, None, "/opt/worker", None, []), 10)
        assert option(named, "environment_option") == "process_command=/opt/worker"
        pools = ["--environment_type=EXTERNAL", "--environment_option=external_service_address=localhost:50000"]
        assert option(engine_options(EngineJob(engine, None, None, None, pools), 10), "environment_type") is None


def test_spark_that_says_it_has_no_room_is_believed_the_second_time():
    check_room("master:7077", f"WARN {NO_ROOM}; check your cluster UI")
    with pytest.raises(EnvironmentRefused, match="no free cores") as refused:
        check_room("master:7077", f"WARN {NO_ROOM}\nWARN {NO_ROOM}\n")
    one_sentence(refused)


def test_executors_that_are_slow_to_start_are_not_taken_for_none():
    check_room("master:7077", f"INFO {GRANTED} app-1/0\nWARN {NO_ROOM}\nWARN {NO_ROOM}\nWARN {NO_ROOM}\n")


def test_spark_makes_each_shard_a_task_and_takes_as_many_cores_as_it_is_told():
    assert driver_options(None, 12)[0] == "-Dspark.default.parallelism=12"
    assert "-Dspark.cores.max=3" in driver_options(3, 12)


def test_a_job_server_that_ended_says_its_last_words(tmp_path):
    class Ended:
        returncode = 1

        def poll(self):
            return self.returncode

    (tmp_path / "log").write_text("starting\nException: the port is taken\n\tat somewhere\n")
    with pytest.raises(EnvironmentRefused, match=r"the port is taken.*--resume") as refused:
        JobServer("localhost:1", Ended(), tmp_path / "log").check()
    one_sentence(refused)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            "RuntimeError: ... NoResourceAvailableException: Could not acquire the minimum required resources.",
            "no free slot",
        ),
        ("java.io.InvalidClassException: org.apache.spark.X; local class incompatible", "different versions"),
        ("StatusCode.UNAVAILABLE: Socket closed", "job server went away"),
        ("IllegalStateException: Cannot call methods on a stopped SparkContext.", "executors do not start"),
        ("TimeoutException: Heartbeat of TaskManager with id x:1 timed out.", "TaskManager was lost"),
        ('java.io.IOException: Cannot run program "/opt/heartbeat-worker": error=2', "--worker-command"),
    ],
)
def test_what_engines_mean_by_their_errors(words, told):
    assert told in of_the_environment(words).sentences[0]


def test_other_errors_are_not_the_environments():
    assert of_the_environment("ValueError: could not convert string to float") is None
