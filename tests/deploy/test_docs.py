"""docs/deploy.md names every file, shows the nightly command as it is, and sets settings that exist."""

import re
import shlex
from pathlib import Path

from pipeline.settings import settings_from
from tests.deploy.manifests import BASE, CONTAINERS, DEPLOY, named, read

PAGE = (Path(__file__).parents[2] / "docs" / "deploy.md").read_text()


def on_one_line(command):
    return command.replace("\\\n", " ")


def blocks():
    return [on_one_line(block) for block in re.findall(r"```sh\n(.*?)```", PAGE, flags=re.DOTALL)]


def test_every_file_is_named():
    assert not [path.name for path in BASE.iterdir() if path.name not in PAGE]
    assert "`secret.yaml`" in PAGE
    assert "`volume/`" in PAGE


def test_the_nightly_command_is_the_manifests():
    [shown] = [block for block in blocks() if block.startswith("heartbeat score")]
    [script] = CONTAINERS["heartbeat-nightly/score"]["args"]
    assert shlex.split(shown) == shlex.split(on_one_line(script[script.index("heartbeat score") :]))
    hour = re.fullmatch(r"(\d+) (\d+) \* \* \*", named("CronJob", "heartbeat-nightly")["spec"]["schedule"])
    assert f"At {int(hour[2]):02d}:{hour[1]} UTC" in PAGE


def test_the_secrets_keys_are_the_templates():
    [made] = [block for block in blocks() if "create secret" in block]
    [secret] = read(DEPLOY / "secret.yaml")
    assert set(re.findall(r"--from-file=(\w+)=", made)) == set(secret["stringData"])
    assert f"generic {secret['metadata']['name']} " in made


def test_the_settings_shown_are_settings():
    [shown] = [block for block in blocks() if "score.on" in block]
    given = [word for word in shlex.split(shown.replace("[...,", "[")) if word != "--set"]
    score = settings_from("demo", given).score
    assert score.on.startswith("flink://")
    assert score.beam == ("--environment_type=EXTERNAL", "--environment_config=localhost:50000")
