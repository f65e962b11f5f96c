"""What names an engine, what makes a job run elsewhere, and what its workers cannot see."""

import pytest

from components.errors import UsageError
from components.score.engines.address import Engine, parse_engine
from components.score.engines.runner import is_elsewhere, option
from components.score.engines.visible import check_visible


@pytest.mark.parametrize(
    ("text", "engine"),
    [
        ("flink://jobs.example:8081", Engine("flink", "jobs.example:8081")),
        ("spark://10.0.0.7:7077/", Engine("spark", "10.0.0.7:7077")),
        ("dataflow", Engine("dataflow")),
    ],
)
def test_engines_by_name(text, engine):
    assert parse_engine(text) == engine


@pytest.mark.parametrize("text", ["flink", "flink://host", "http://host:8081", "spark://host:port", "dask", ""])
def test_what_is_no_engine_is_told_what_is_one(text):
    with pytest.raises(UsageError, match="flink://HOST:8081"):
        parse_engine(text)


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


def test_stores_and_what_is_said_to_be_shared_are_taken():
    check_visible(["s3://b/in.csv"], "gs://b/out", "gs://b/serving/1", False)
    check_visible(["/mnt/*.csv"], "/mnt/out", "/mnt/serving/1", True)


def test_a_relative_input_means_another_file_on_each_machine():
    with pytest.raises(UsageError, match="absolute path"):
        check_visible(["data/*.csv"], "/mnt/out", "/mnt/serving/1", True)
