"""EDF, EDF+ and BDF files for tests, written to the letter of the specification."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

RNG = np.random.default_rng(0)


@dataclass(frozen=True)
class EdfSignal:
    """A signal: its samples in ADC units, int[records * per_record], and what the header says of it."""

    label: str
    stored: np.ndarray
    per_record: int
    units: str = "uV"
    physical: tuple[str, str] = ("-3276.8", "3276.7")
    digital: tuple[str, str] = ("-32768", "32767")

    def millivolts(self) -> np.ndarray:
        """float64[length], by the words of the specification."""
        low, high = map(float, self.physical)
        digital_low, digital_high = map(float, self.digital)
        physical = (self.stored - digital_low) / (digital_high - digital_low) * (high - low) + low
        return physical * {"uV": 1e-3, "\u00b5V": 1e-3, "mV": 1, "": 1, "V": 1e3, "nV": 1e-6}[self.units]


def write_edf(
    path: Path,
    signals: Sequence[EdfSignal],
    *,
    seconds: str = "1",
    kind: str = "",
    onsets: Sequence[float] | None = None,
    texts: Sequence[str] = (),
    first_signal: bool = False,
    records: int | None = None,
    extra: bytes = b"",
    annotation_bytes: int = 60,
) -> Path:
    """Write a file.

    Args:
        path: of the file; a `.bdf` has samples of three bytes.
        signals: its signals, all as long.
        seconds: duration of a data record.
        kind: what the header says at its free place, such as EDF+C; with it there is a signal of annotations.
        onsets: when each data record begins; as the duration says if it is None.
        texts: lists of annotations in each data record, as they are written.
        first_signal: whether the annotations come before the other signals.
        records: what the header says, if not what is so.
        extra: bytes behind the last data record.
        annotation_bytes: of a data record.
    """
    bdf = path.suffix.lower() == ".bdf"
    width = 3 if bdf else 2
    count = len(signals[0].stored) // signals[0].per_record if signals else len(onsets or texts)
    parts = [samples(signal.stored, width).reshape(count, signal.per_record * width) for signal in signals]
    rows = [(s.label, "", s.units, *s.physical, *s.digital, "", str(s.per_record), "") for s in signals]
    if kind:
        begins = onsets if onsets is not None else [i * float(seconds) for i in range(count)]
        stamps = [f"+{np.format_float_positional(begin, 6, trim='-')}\x14\x14\0" for begin in begins]
        lists = [stamp + (texts[i] if i < len(texts) else "") for i, stamp in enumerate(stamps)]
        size = annotation_bytes * width
        encoded = [text.encode().ljust(size, b"\0") for text in lists]
        assert all(len(text) == size for text in encoded)
        place = 0 if first_signal else len(parts)
        parts.insert(place, np.frombuffer(b"".join(encoded), np.uint8).reshape(count, size))
        low, high = ("-8388608", "8388607") if bdf else ("-32768", "32767")
        row = (f"{kind[:3]} Annotations", "", "", "-1", "1", low, high, "", str(annotation_bytes), "")
        rows.insert(place, row)
    fixed = [("" if bdf else "0", 7 if bdf else 8), ("X X X X", 80), ("Startdate X X X X", 80), ("01.02.03", 8)]
    fixed += [("04.05.06", 8), (str(256 * (len(rows) + 1)), 8), (kind, 44)]
    fixed += [(str(count if records is None else records), 8), (seconds, 8), (str(len(rows)), 4)]
    version = "\xffBIOSEMI" if bdf else ""
    head = version + "".join(text.ljust(size) for text, size in (fixed[1:] if bdf else fixed))
    for column, size in zip(zip(*rows, strict=True), (16, 80, 8, 8, 8, 8, 8, 80, 8, 32), strict=True):
        head += "".join(text.ljust(size) for text in column)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head.encode("latin-1") + np.concatenate(parts, axis=1).tobytes() + extra)
    return path


def samples(stored: np.ndarray, width: int) -> np.ndarray:
    """uint8[n * width], integers with their low byte first."""
    return np.ascontiguousarray(stored, "<i4").view(np.uint8).reshape(-1, 4)[:, :width].reshape(-1)


def signal(label: str = "ECG II", per_record: int = 250, records: int = 4, **changes: object) -> EdfSignal:
    stored = RNG.integers(-32000, 32000, per_record * records)  # what is nearer to the ends, wfdb wraps around
    return EdfSignal(label, stored, per_record, **changes)  # type: ignore[arg-type]


def break_header(path: Path, start: int, text: bytes) -> None:
    content = bytearray(path.read_bytes())
    content[start : start + len(text)] = text
    path.write_bytes(bytes(content))
