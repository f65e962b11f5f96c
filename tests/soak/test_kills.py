"""A scoring job killed at a hundred random moments, or before any write, comes to the bytes of an unbroken one."""

import random
import time
from itertools import count

import pytest

from tests.s3_server import s3_server
from tests.score.jobs import write_csv
from tests.soak.children import ended, started
from tests.soak.places import BUCKET, LocalPlace, S3Place

pytestmark = [pytest.mark.soak, pytest.mark.timeout(2400)]

KILLS = 100
FILES, ROWS = 12, 300


@pytest.fixture(scope="module", params=["local", "s3"])
def place(request, tmp_path_factory):
    if request.param == "local":
        yield LocalPlace(tmp_path_factory.mktemp("local"))
        return
    with s3_server() as server:
        server.client().create_bucket(Bucket=BUCKET)
        yield S3Place(server)


def made_inputs(folder, files):
    """Files with a reject each."""
    for at in range(files):
        write_csv(folder / f"{at:02d}.csv", ROWS, seed=at)
        with (folder / f"{at:02d}.csv").open("a") as file:
            file.write("no beat\n")
    return folder


def test_killed_at_random_moments(place, saved_model, tmp_path):
    common = ["--input", f"{made_inputs(tmp_path, FILES)}/*.csv", "--model", saved_model.uri, "--workers", 1]
    log = tmp_path / "log"

    def flags(name):
        return [*common, "--output", place.output(name), "--resume"]

    began = time.monotonic()
    assert ended(flags("unbroken"), log, place.environ) == 0, log.read_text()
    whole = time.monotonic() - began
    expected = place.digests("unbroken")
    assert len(expected) == 2 * FILES
    seed = random.randrange(1 << 32)
    rng = random.Random(seed)
    kills = jobs = 0
    while kills < KILLS:
        name = f"job{jobs}"
        child = started(flags(name), log, place.environ)
        child.join(rng.random() * whole)
        child.kill()
        child.join()
        place.bury(name)
        if child.exitcode == -9:
            kills += 1
            continue
        assert child.exitcode == 0, (seed, log.read_text())
        assert place.digests(name) == expected, seed
        assert place.has(name, "_SUCCESS")
        jobs += 1
    name = f"job{jobs}"
    assert ended(flags(name), log, place.environ) == 0, (seed, log.read_text())
    assert place.digests(name) == expected, seed


def test_killed_before_every_write(place, saved_model, tmp_path):
    common = ["--input", f"{made_inputs(tmp_path, 2)}/*.csv", "--model", saved_model.uri, "--workers", 1]
    log = tmp_path / "log"

    def flags(name):
        return [*common, "--output", place.output(name), "--resume"]

    assert ended(flags("whole"), log, place.environ) == 0, log.read_text()
    expected = place.digests("whole")
    for number in count(1):
        name = f"write{number}"
        code = ended(flags(name), log, place.environ, dies_at=number)
        if code == 0:
            assert number > 10, "what is written is no longer noticed"
            return
        assert code == -9, log.read_text()
        place.bury(name)
        assert ended(flags(name), log, place.environ) == 0, (number, log.read_text())
        assert place.digests(name) == expected, number
