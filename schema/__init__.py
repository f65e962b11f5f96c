"""The curated schema of a beat, packaged so that every runner finds the same one."""

from __future__ import annotations

from importlib import resources

SCHEMA_FILE = "heartbeat.pbtxt"


CONTEXT = """feature {{
  name: "context"                 # what the recording says about a beat
  type: FLOAT
  shape {{ dim {{ size: {numbers} }} }}
  presence {{ min_fraction: 1.0 min_count: 1 }}
}}
"""


def curated_schema_text(context: int = 0) -> str:
    """Return the curated TFMD schema in protobuf text format, for beats with so many numbers of context each."""
    text = resources.files(__name__).joinpath(SCHEMA_FILE).read_text(encoding="utf-8")
    return text + (CONTEXT.format(numbers=context) if context else "")
