"""What the data gate leaves behind when it lets a run go on."""

from tfx.types.artifact import Artifact


class DataVerdict(Artifact):
    """Holds `verdict.json`: {"verdict": [...]}, what the gate found and allowed, empty when there was nothing."""

    TYPE_NAME = "heartbeat.DataVerdict"
