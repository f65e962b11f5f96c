"""What `--on` names: an engine and where it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from components.errors import UsageError

ADDRESS: Final = re.compile(r"(flink|spark)://([A-Za-z0-9._-]+:[0-9]{1,5})/?")

Kind = Literal["flink", "spark", "dataflow"]


@dataclass(frozen=True)
class Engine:
    """Something that runs Beam jobs on many machines.

    Attributes:
        kind: which.
        address: `HOST:PORT` of Flink's REST interface or of Spark's master; empty for Dataflow.
    """

    kind: Kind
    address: str = ""


def parse_engine(text: str) -> Engine:
    """Read `flink://HOST:8081`, `spark://HOST:7077` or `dataflow`.

    Raises:
        UsageError: it is none of them.
    """
    if text == "dataflow":
        return Engine("dataflow")
    found = ADDRESS.fullmatch(text)
    if found is None:
        raise UsageError(
            f"--on {text}: name flink://HOST:8081 (the port of Flink's REST interface), spark://HOST:7077 (the port of "
            "Spark's master) or dataflow."
        )
    return Engine("flink" if found[1] == "flink" else "spark", found[2])
