"""Cut off what follows the last segment of shared libraries: debug symbols, which nothing loads.

Usage: cut_symbols.py FOLDER. Nothing is moved: `strip` moves segments, and so breaks libraries of wheels in which
auditwheel has relocated some. Files that are not 64-bit little-endian ELF are left unchanged.
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
