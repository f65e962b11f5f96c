"""Make one jar of many: merge.py FOLDER TARGET.jar

Of what several jars have under one name the first one counts, by the jars' names; lists of services are added up,
signatures and what is of other systems than Linux left out. Left out, too, is Beam's Google Storage as a file system of
Java programs: no job of ours asks one, and on Spark's executors, whose Guava is too old for it, it makes every first
task fail. The same jars give the same bytes.
"""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path

SERVICES = "META-INF/services/"
LEFT_OUT = re.compile(
    r"META-INF/(MANIFEST\.MF|INDEX\.LIST|[^/]*\.(SF|RSA|DSA|EC)|native/.*\.(dll|jnilib))|(.*/)?module-info\.class"
)
NO_SERVICE = b"org.apache.beam.sdk.extensions.gcp.storage."
MANIFEST = b"Manifest-Version: 1.0\nMulti-Release: true\n"
BEGIN = (1980, 1, 1, 0, 0, 0)
"""The date of every entry: the earliest that a jar can tell."""


def merge(folder: Path, target: Path) -> None:
    """Make one jar of a folder's, less what LEFT_OUT and NO_SERVICE name.

    Args:
        folder: with jars.
        target: file to write.
    """
    services: dict[str, dict[bytes, None]] = {}
    seen = set()
    with zipfile.ZipFile(target, "w") as merged:
        _add(merged, "META-INF/MANIFEST.MF", MANIFEST)
        for path in sorted(folder.glob("*.jar")):
            with zipfile.ZipFile(path) as jar:
                for name in jar.namelist():
                    if name.endswith("/") or name in seen or LEFT_OUT.fullmatch(name):
                        continue
                    if name.startswith(SERVICES):
                        lines = (line.split(b"#")[0].strip() for line in jar.read(name).splitlines())
                        kept = (line for line in lines if line and not line.startswith(NO_SERVICE))
                        services.setdefault(name, {}).update(dict.fromkeys(kept))
                        continue
                    seen.add(name)
                    _add(merged, name, jar.read(name))
        for name, lines in services.items():
            _add(merged, name, b"\n".join(lines) + b"\n")


def _add(jar: zipfile.ZipFile, name: str, content: bytes) -> None:
    jar.writestr(zipfile.ZipInfo(name, BEGIN), content, zipfile.ZIP_DEFLATED, compresslevel=6)


if __name__ == "__main__":
    merge(Path(sys.argv[1]), Path(sys.argv[2]))
