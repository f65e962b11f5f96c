"""Artifact type of the report stage."""

from tfx.types.artifact import Artifact


class RunPage(Artifact):
    """The page of a run, `index.html`."""

    TYPE_NAME = "heartbeat.RunPage"
