"""Cut off what follows the last segment of shared libraries: symbols for debuggers, which nothing loads.

Usage: cut_symbols.py FOLDER. Nothing is moved: `strip` moves segments, and so spoils libraries of wheels in which
auditwheel has put some elsewhere. Files that are not ELF of 64 bits, little-endian, stay as they are.
"""

import struct
import sys
from pathlib import Path


def cut(library: bytes) -> bytes:
    """Return a library without what follows its last segment, and without its table of sections."""
    [table] = struct.unpack_from("<Q", library, 32)
    size, segments = struct.unpack_from("<HH", library, 54)
    ends = [sum(struct.unpack_from("<8xQ16xQ", library, table + index * size)) for index in range(segments)]
    end = max(table + segments * size, *ends)
    return library[:40] + bytes(8) + library[48:60] + bytes(4) + library[64:end]


def main() -> None:
    """Do so with all libraries of a folder."""
    for path in Path(sys.argv[1]).rglob("*.so*"):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            if content.startswith(b"\x7fELF\2\1"):
                path.write_bytes(cut(content))


if __name__ == "__main__":
    main()
