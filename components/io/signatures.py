"""What a file is, by its first bytes, and what to do with one that cannot be read."""

from __future__ import annotations

import codecs
import re
from shlex import quote
from typing import Final, NamedTuple

from components.io.text import is_compressed

SIGNATURE_BYTES: Final = 512
"""Number of first bytes that signatures cover."""

UNPACK: Final = "unpack it with"
SAVE_AS_UTF_8: Final = "save it as UTF-8, for instance with"
WRITE_BEATS: Final = "write its beats as CSV or Parquet."
DOWNLOAD: Final = "download the file itself."


class Signature(NamedTuple):
    """A format: the beginning of its files, its name in a sentence, and what to do; nothing for one that is read.

    If a shell command does it, the remedy ends before that.
    """

    beginning: re.Pattern[bytes]
    name: str
    remedy: str | None
    command: str | None = None

    def about(self, path: str, *, as_stored: bool = False) -> str:
        """Say of a file that it is of this format, and what to do; `as_stored` as of `command_of`."""
        command = "" if self.command is None else f" `{command_of(path, self.command, as_stored=as_stored)}`."
        return f"{path} is {self.name}: {self.remedy}{command}"


def command_of(path: str, *filters: str, as_stored: bool = False) -> str:
    """Return the shell command that makes a file of beats of another.

    Args:
        path: of the other.
        filters: commands that its content goes through.
        as_stored: whether it is not gzip, whatever its name says.
    """
    name = path.rstrip("/").rpartition("/")[2]
    first, *others = ["gzip -dc", *filters] if is_compressed(path) and not as_stored else filters
    target = "beats.csv" if name != "beats.csv" else "beats_2.csv"
    return f"{' | '.join([f'{first} < {quote(name)}', *others])} > {target}"


def _signature(beginning: bytes, name: str, remedy: str | None, command: str | None = None) -> Signature:
    return Signature(re.compile(beginning, re.DOTALL | re.IGNORECASE), name, remedy, command)


PARQUET: Final = _signature(rb"(?-i:PAR1)", "Parquet", None)
GZIP: Final = _signature(rb"\x1f\x8b", "gzip", "give it a name ending in .gz.")

SIGNATURES: Final = (
    PARQUET,
    GZIP,
    _signature(rb"(?-i:PARE)", "encrypted Parquet", "decrypt it first."),
    _signature(rb"PK\x03\x04.{26}[^/]{1,80}\.npy", "a NumPy archive (.npz)", WRITE_BEATS),
    _signature(rb"PK\x03\x04.{26}(\[content_types\]|_rels/|docprops/|xl/)", "an Excel workbook", "save it as CSV."),
    _signature(rb"PK(\x03\x04|\x05\x06|\x07\x08)", "a zip archive", "unpack it first."),
    _signature(rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook", "save it as CSV."),
    _signature(rb"(?-i:BZh)[1-9](1AY&SY|\x17\x72\x45\x38\x50\x90)", "bzip2", UNPACK, "bzip2 -dc"),
    _signature(rb"\xfd7zXZ\0", "xz", UNPACK, "xz -dc"),
    _signature(rb"\x28\xb5\x2f\xfd", "Zstandard", UNPACK, "zstd -dc"),
    _signature(rb"\x04\x22\x4d\x18", "LZ4", UNPACK, "lz4 -dc"),
    _signature(rb"\xff\x06\0\0sNaPpY", "Snappy", "unpack it first."),
    _signature(rb"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it first."),
    _signature(rb"(?-i:Rar!)\x1a\x07", "a RAR archive", "unpack it first."),
    _signature(rb"\x1f[\x9d\xa0]", "a file of compress (.Z)", UNPACK, "gzip -dc"),
    _signature(rb".{257}(?-i:ustar)", "a tar archive", "unpack it first."),
    _signature(rb"\x93NUMPY", "a NumPy array (.npy)", WRITE_BEATS),
    _signature(rb"(?-i:ARROW1|FEA1)|\xff{4}.{3}\0", "Arrow IPC (Feather)", "write its table as Parquet."),
    _signature(rb"\x89HDF\r\n\x1a\n", "HDF5", WRITE_BEATS),
    _signature(rb"(?-i:MATLAB) \d\.\d MAT-file", "a MATLAB file (.mat)", WRITE_BEATS),
    _signature(rb"(?-i:ORC)[\x00-\x1f]", "ORC", WRITE_BEATS),
    _signature(rb"(?-i:Obj)\x01", "Avro", WRITE_BEATS),
    _signature(rb"\x80[\x02-\x05][^0-9,]", "a Python pickle", WRITE_BEATS),
    _signature(rb"(?-i:SQLite format 3)\0", "a SQLite database", WRITE_BEATS),
    _signature(rb"(?-i:%PDF-)", "a PDF document", DOWNLOAD),
    _signature(rb"\xff\xfe\0\0|\0\0\xfe\xff", "UTF-32", SAVE_AS_UTF_8, "iconv -f UTF-32 -t UTF-8"),
    _signature(rb"\xff\xfe|\xfe\xff", "UTF-16", SAVE_AS_UTF_8, "iconv -f UTF-16 -t UTF-8"),
    _signature(rb"version https://git-lfs\.", "a Git LFS pointer", "run git lfs pull."),
    _signature(rb"/annex/objects/", "a git-annex pointer", "run git annex get."),
    _signature(rb"\s*<(!doctype html|html|head|body|script|meta|title)\b", "a web page (HTML)", DOWNLOAD),
    _signature(rb"\s*<[!?a-z]", "XML", DOWNLOAD),
    _signature(rb'\s*(\{\s*["}]|\[\s*[\[{"\d.-])', "JSON", WRITE_BEATS),
    _signature(rb"\s*@(relation|problemname)\b", "ARFF", WRITE_BEATS),
)
"""Formats by their beginning, the narrower before the wider; every one but the first two is refused."""


def signature_of(head: bytes) -> Signature | None:
    """Return the format that a file's first bytes identify; None if they identify none, such as rows of numbers."""
    text = head[:SIGNATURE_BYTES].removeprefix(codecs.BOM_UTF8)
    return next((each for each in SIGNATURES if each.beginning.match(text)), None)
