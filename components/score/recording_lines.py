"""The line of a recording in recordings/: its length, what was found in it, and its rhythm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import numpy.typing as npt

from components.beat import CLASSES
from components.errors import HeartbeatError
from components.io.text import arrow_buffer
from components.recordings.signal import stretches
from components.score.record import RecordingTally

RATE_BEATS: Final = 8
"""Number of intervals averaged for the least and greatest heart rate, as Holters do, against single errors."""

NAMED: Final = 5
"""How many unusable recordings a shard's record names."""

RUN_BEATS: Final = 3
"""Ectopic beats in a row that make a run; two are a couplet (ANSI/AAMI EC57)."""


LEAST_RATED_SECONDS: Final = 600
"""Least seconds of ECG for a rate per hour: with less it means little."""


@dataclass(frozen=True)
class Ectopy:
    """Beats of one class in a recording."""

    per_hour: float | None = None  # per readable hour; None for less than ten minutes
    couplets: int = 0
    runs: int = 0
    longest_run: int = 0  # beats
    fastest_run: float | None = None  # beats a minute


@dataclass(frozen=True)
class Runs:
    """Beats of one class in a row, in order: couplets, and runs of RUN_BEATS and more."""

    first: npt.NDArray[np.int64]  # index of the first beat of each
    beats: npt.NDArray[np.int64]  # 2 or more
    rate: npt.NDArray[np.float64]  # beats a minute


@dataclass(frozen=True)
class RecordingLine:
    """The result for one recording; all numbers are 0 or None if it could not be used."""

    file: str
    record: str
    lead: str | None = None
    fs: float | None = None  # samples per second of the lead
    seconds: float | None = None  # its duration
    seconds_read: float | None = None  # of which with an ECG
    beats: int = 0  # found or annotated; beats = scored + rejected
    scored: int = 0
    rejected: int = 0
    n_N: int = 0  # noqa: N815 - named like p_N: scored beats by predicted class
    n_S: int = 0  # noqa: N815
    n_V: int = 0  # noqa: N815
    n_F: int = 0  # noqa: N815
    n_Q: int = 0  # noqa: N815
    abstained: int = 0
    rate_mean: float | None = None  # beats a minute
    rate_least: float | None = None
    rate_greatest: float | None = None
    longest_rr: float | None = None  # seconds
    s_per_hour: float | None = None
    s_couplets: int = 0
    s_runs: int = 0
    s_longest_run: int = 0
    s_fastest_run: float | None = None
    v_per_hour: float | None = None
    v_couplets: int = 0
    v_runs: int = 0
    v_longest_run: int = 0
    v_fastest_run: float | None = None
    noise: float | None = None  # share of its duration without an ECG
    unlike: str | None = None  # why its beats are unlike those that the model was trained on
    notes: str | None = None  # other remarks
    refused: str | None = None  # why it could not be used

    @property
    def abstained_share(self) -> float | None:
        """The share of scored beats on which the model abstains; None without a scored beat."""
        return self.abstained / self.scored if self.scored else None

    def ectopy(self, symbol: str) -> Ectopy:
        """Return the beats of S or of V."""
        return Ectopy(*(getattr(self, f"{symbol.lower()}_{each.name}") for each in fields(Ectopy)))


def lines_content(lines: Sequence[RecordingLine]) -> bytes:
    """Return the Parquet file that holds these lines."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {"str": pa.string(), "int": pa.int64(), "float": pa.float64()}
    columns = [
        pa.field(each.name, types[str(each.type).split(" ")[0]], nullable="None" in str(each.type))
        for each in fields(RecordingLine)
    ]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist([vars(line) for line in lines], schema=pa.schema(columns)), sink)
    return sink.getvalue().to_pybytes()


def read_lines(content: bytes, path: str) -> list[RecordingLine]:
    """Return the lines in a file of recordings/.

    Raises:
        HeartbeatError: it is not such a file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(pa.BufferReader(arrow_buffer(content))).read(use_threads=False)
        return [RecordingLine(**row) for row in table.to_pylist()]
    except (pa.ArrowException, OSError, TypeError, UnicodeDecodeError) as error:
        raise HeartbeatError(
            f"{path} cannot be read ({error}): `heartbeat score --resume` scores its shard again."
        ) from error


def tally_lines(lines: Sequence[RecordingLine], unfollowed: int, doubled: int, near: int) -> RecordingTally:
    """Add lines up; the counts of beats are those of RecordingTally."""
    used = [line for line in lines if line.refused is None]
    refusals = [f"{line.file}: {line.refused}" for line in lines if line.refused is not None]
    return RecordingTally(
        used=len(used),
        unusable=len(refusals),
        seconds=round(sum(line.seconds or 0.0 for line in used), 3),
        seconds_read=round(sum(line.seconds_read or 0.0 for line in used), 3),
        unfollowed=unfollowed,
        unlike=sum(line.unlike is not None for line in used),
        refusals=refusals[:NAMED],
        doubled=doubled,
        near=near,
    )


def rhythm_fields(
    seconds: npt.NDArray[np.float64],
    label: npt.NDArray[np.int8],
    silent: npt.NDArray[np.float64],
    seconds_read: float,
) -> dict[str, float | int | None]:
    """Return the fields of a line that follow from its beats' times and classes.

    Args:
        seconds: float64[n], time of each beat, rising.
        label: int8[n], its class; -1 if it was not scored.
        silent: float64[m, 2], start and end of each stretch without an ECG, in seconds, rising.
        seconds_read: duration with an ECG.
    """
    rr = np.diff(seconds)
    gaps = np.searchsorted(silent[:, 0], seconds)
    known = (gaps[1:] == gaps[:-1]) & (rr > 0)  # no interval spans a gap
    rates = running_rates(rr, known)
    rates = rates[~np.isnan(rates)]
    fields: dict[str, float | int | None] = {
        "rate_mean": 60 / float(rr[known].mean()) if known.any() else None,
        "rate_least": float(rates.min()) if len(rates) else None,
        "rate_greatest": float(rates.max()) if len(rates) else None,
        "longest_rr": float(rr[known].max()) if known.any() else None,
    }
    for symbol in ("S", "V"):
        ectopy = _ectopy(label == CLASSES.index(symbol), seconds, known, seconds_read)
        fields |= {f"{symbol.lower()}_{name}": value for name, value in vars(ectopy).items()}
    return fields


def running_rates(rr: npt.NDArray[np.float64], known: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Return the heart rate, beats per minute, over each RATE_BEATS consecutive intervals; NaN if one is not known.

    Args:
        rr: float64[n], intervals in seconds.
        known: bool[n], whether each joins two beats.
    """
    if len(rr) < RATE_BEATS:
        return np.zeros(0)
    sums = np.lib.stride_tricks.sliding_window_view(np.where(known, rr, np.nan), RATE_BEATS).sum(axis=1)
    return 60 * RATE_BEATS / sums


def runs_of(of_class: npt.NDArray[np.bool_], seconds: npt.NDArray[np.float64], known: npt.NDArray[np.bool_]) -> Runs:
    """Find consecutive beats of one class.

    Args:
        of_class: bool[n], which beats are of the class.
        seconds: float64[n], time of each beat.
        known: bool[n - 1], whether each interval joins its two beats.
    """
    follows = of_class[1:] & of_class[:-1] & known  # the beat belongs to the run of the one before
    starts, stops = stretches(follows).T
    return Runs(starts, stops - starts + 1, 60 * (stops - starts) / (seconds[stops] - seconds[starts]))


def _ectopy(
    of_class: npt.NDArray[np.bool_], seconds: npt.NDArray[np.float64], known: npt.NDArray[np.bool_], seconds_read: float
) -> Ectopy:
    """Return the beats of one class; arguments as for `runs_of`."""
    per_hour = 3600 * float(of_class.sum()) / seconds_read if seconds_read >= LEAST_RATED_SECONDS else None
    if not of_class.any():
        return Ectopy(per_hour)
    found = runs_of(of_class, seconds, known)
    runs = found.beats >= RUN_BEATS
    return Ectopy(
        per_hour,
        couplets=int((found.beats == RUN_BEATS - 1).sum()),
        runs=int(runs.sum()),
        longest_run=int(found.beats[runs].max(initial=0)),
        fastest_run=float(found.rate[runs].max()) if runs.any() else None,
    )
