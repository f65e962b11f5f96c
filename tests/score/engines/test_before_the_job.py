"""An engine that cannot take a job is told before anything is done, in one sentence, with exit code 6."""

import os
import socket

import pytest

from components.errors import EnvironmentRefused
from components.score.engines import flink
from components.score.engines.engine import environment_refusal, option, worker_pool
from components.score.engines.flink import Flink, cancel_flink_job, flink_overview
from components.score.engines.job_server import JobServer, check_listens, class_path, free_port, job_server
from components.score.engines.portable import own_worker
from components.score.engines.spark import GRANTED, NO_ROOM, Spark, spark_class_path, spark_jar
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


def test_flink_that_answers_with_an_error(monkeypatch):
    with fake_flink(status=503) as (address, _), pytest.raises(EnvironmentRefused, match="503") as refused:
        flink_overview(address)
    one_sentence(refused)


def test_flink_of_another_version_needs_a_job_server_of_its_own():
    with fake_flink(**{"flink-version": "1.20.3"}) as (address, _):
        with pytest.raises(EnvironmentRefused, match=r"is 1\.20\.3, the job server is for 1\.19\.x") as refused:
            Flink(address).beam_options(10)
        one_sentence(refused)
        assert Flink(address, job_endpoint="server:8099").beam_options(10)


@pytest.mark.parametrize(("free", "workers", "said"), [(0, None, "0 free slots of 4"), (1, 2, "2 wanted")])
def test_flink_without_room(free, workers, said):
    with (
        fake_flink(**{"slots-available": free}) as (address, _),
        pytest.raises(EnvironmentRefused, match=said) as refused,
    ):
        Flink(address, workers=workers).beam_options(10)
    one_sentence(refused)


def test_a_job_on_flink_takes_what_is_free_unless_told_otherwise():
    with fake_flink() as (address, _):
        options = Flink(address, ["--sdk_worker_parallelism", "7"]).beam_options(10)
        assert option(options, "parallelism") == "4"
        assert option(options, "sdk_worker_parallelism") == "7"
        assert "--sdk_worker_parallelism=2" not in options
        three = Flink(address, workers=3)
        assert option(three.beam_options(10), "parallelism") == "3"
        assert option(three.beam_options(2), "parallelism") == "2"
        assert option(three.beam_options(2), "sdk_worker_parallelism") == "2"


def test_only_the_own_job_is_cancelled_and_its_end_is_waited_for():
    with fake_flink(looks=2) as (address, requests):
        cancel_flink_job(address, "mine")
    assert requests == ["GET /jobs/overview", "PATCH /jobs/a1?mode=cancel", *["GET /jobs/overview"] * 3]


def test_a_job_that_does_not_stop_is_told(monkeypatch):
    monkeypatch.setattr(flink, "CANCEL_SECONDS", 0.5)
    with fake_flink(looks=1000) as (address, _), pytest.raises(EnvironmentRefused, match="a1") as refused:
        cancel_flink_job(address, "mine")
    one_sentence(refused)


def test_a_master_or_job_server_that_nobody_answers_for():
    address = f"localhost:{free_port()}"
    with pytest.raises(EnvironmentRefused, match="Spark master") as refused:
        Spark(address).beam_options(10)
    one_sentence(refused)
    with (
        pytest.raises(EnvironmentRefused, match=r"job server at .* does not answer") as refused,
        job_server(address, list),
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
        address = f"localhost:{master.getsockname()[1]}"
        own = Spark(address).beam_options(10)
        assert option(own, "files_to_stage") == str(spark_jar())
        assert int(option(own, "environment_cache_millis")) > 0
        assert "--experiments=disable_logging_submission_environment" in own
        others = Spark(address, job_endpoint="server:8099").beam_options(10)
        assert option(others, "files_to_stage") is None
        assert Spark(address, ["--environment_cache_millis=1", "--files_to_stage=/mine.jar"]).engine_options(10) == []


def test_workers_run_what_this_environment_has_unless_told_otherwise():
    with fake_flink() as (address, _):
        own = Flink(address).beam_options(10)
        assert option(own, "environment_option") == f"process_command={own_worker()}"
        named = Flink(address, worker_command="/opt/worker").beam_options(10)
        assert option(named, "environment_option") == "process_command=/opt/worker"
        pools = ["--environment_type=EXTERNAL", "--environment_option=external_service_address=localhost:50000"]
        assert "--environment_type=PROCESS" not in Flink(address, pools).beam_options(10)


def test_spark_that_says_it_has_no_room_is_believed_the_second_time():
    spark = Spark("master:7077")
    spark.check(lambda: f"WARN {NO_ROOM}; check your cluster UI", "mine")
    with pytest.raises(EnvironmentRefused, match="no free cores") as refused:
        spark.check(lambda: f"WARN {NO_ROOM}\nWARN {NO_ROOM}\n", "mine")
    one_sentence(refused)


def test_executors_that_are_slow_to_start_are_not_taken_for_none():
    log = f"INFO {GRANTED} app-1/0\nWARN {NO_ROOM}\nWARN {NO_ROOM}\nWARN {NO_ROOM}\n"
    Spark("master:7077").check(lambda: log, "mine")


def test_spark_makes_each_shard_a_task_and_takes_as_many_cores_as_it_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("HEARTBEAT_ENGINES", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    for path in ("spark/job-server.jar", "spark-3.5.3/jars/slf4j-api-2.jar", "java"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch(0o755)
    every_core = Spark("master:7077").server_command(12, ["--job-port=1"])
    assert "-Dspark.default.parallelism=12" in every_core
    assert not [word for word in every_core if "cores.max" in word]
    assert every_core[-2:] == ["--spark-master-url=spark://master:7077", "--job-port=1"]
    assert "-Dspark.cores.max=3" in Spark("master:7077", workers=3).server_command(12, [])


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
    ("words", "said"),
    [
        (
            "RuntimeError: ... NoResourceAvailableException: Could not acquire the minimum required resources.",
            "no free slot",
        ),
        ("java.io.InvalidClassException: org.apache.spark.X; local class incompatible", "different versions"),
        ("StatusCode.UNAVAILABLE: Socket closed", "job server ended while the job ran"),
        ("IllegalStateException: Cannot call methods on a stopped SparkContext.", "executors do not start"),
        ("TimeoutException: Heartbeat of TaskManager with id x:1 timed out.", "TaskManager was lost"),
        ('java.io.IOException: Cannot run program "/opt/heartbeat-worker": error=2', "--worker-command"),
    ],
)
def test_what_engines_mean_by_their_errors(words, said):
    assert said in environment_refusal(words).sentences[0]


REFUSED = "StatusRuntimeException: UNAVAILABLE\nConnectException: Connection refused: localhost/127.0.0.1:50000\n\tat x"
POOLS = ("--environment_type=EXTERNAL", "--environment_config=localhost:50000")


@pytest.mark.parametrize(
    ("pool", "log"),
    [
        ("localhost:50000", REFUSED),
        (
            "localhost:1",
            "ipv4:127.0.0.1:1: Failed to connect to remote host: connect: Connection refused (111)",
        ),
        ("pool:50000", "StatusRuntimeException: UNAVAILABLE: Unable to resolve host pool"),
        ("pool:50000", "ConnectTimeoutException: connection timed out: pool/10.1.2.3:50000"),
    ],
)
def test_a_worker_pool_that_is_not_reached_is_named(pool, log):
    refused = environment_refusal(log, pool)
    assert refused.exit_code == 6
    [sentence] = refused.sentences
    assert f"No worker pool answers at {pool}" in sentence
    assert "--resume" in sentence
    assert "No worker pool" not in str(environment_refusal(log, "other:7"))
    assert "No worker pool" not in str(environment_refusal(log))


def test_the_innermost_cause_without_an_address_is_the_worker_pools_but_not_beside_the_engines_address():
    cause = "Caused by: java.net.ConnectException: finishConnect(..) failed: Connection refused"
    assert "No worker pool answers at pool:1" in str(environment_refusal(cause, "pool:1"))
    engines = f"AnnotatedConnectException: Connection refused: localhost/127.0.0.1:8081\n{cause}"
    assert "engine can no longer be reached" in str(environment_refusal(engines, "pool:1"))
    assert "engine can no longer be reached" in str(environment_refusal(cause))


def test_the_pools_address_is_in_either_of_beams_options():
    assert worker_pool(POOLS) == "localhost:50000"
    other = "--environment_option=external_service_address=localhost:50001"
    assert worker_pool(["--environment_type=EXTERNAL", other]) == "localhost:50001"
    assert worker_pool([POOLS[1]]) is None


def test_a_job_that_flink_begins_again_and_again_for_its_worker_pool_is_given_up():
    minute = 60_000
    for failures, given_up in (
        ([(0, REFUSED), (5_000, REFUSED), (9_000, REFUSED)], True),
        ([(0, REFUSED), (5_000, REFUSED), (9_000, "TaskManager lost")], False),
        ([(0, REFUSED), (minute, REFUSED), (2 * minute, REFUSED)], False),
        ([], False),
    ):
        with fake_flink(failures=failures) as (address, requests):
            Flink(address).check(str, "mine")
            assert requests == []
            if given_up:
                with pytest.raises(EnvironmentRefused, match="No worker pool answers at localhost:50000") as refused:
                    Flink(address, POOLS).check(str, "mine")
                one_sentence(refused)
            else:
                Flink(address, POOLS).check(str, "mine")
    Flink(address, POOLS).check(str, "mine")  # nothing answers


def test_other_errors_are_not_the_environments():
    assert environment_refusal("ValueError: could not convert string to float") is None
