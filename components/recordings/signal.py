"""The samples of one lead, read block by block, with checksum and range on the way, and resampled to 360 Hz."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from components.beat import RECORD_RATE_HZ
from components.errors import DataRefused
from components.recordings.lead import Lead

BLOCK_SECONDS = 3600
"""Longest block read at once."""

BLOCK_SAMPLES = 6_000_000
"""Maximum samples read at once, of all signals in a file together: about 150 MB while wfdb unpacks them."""

HALF_WIDTH = 10
"""Half the length of the anti-alias filter, in periods of the slower of the two rates: scipy's own choice."""

LARGEST_FACTOR = 10_000
"""Largest number that a rate is divided by on the way to 360 Hz; the filter is twenty times as long."""

DECIMALS = 6
"""Resampled values are rounded to this many decimals, so that a flat stretch stays flat."""


class LeadReader:
    """Read a lead in any order, at its own rate or at 360 Hz.

    Samples read for the first time, in order, are summed up for `finish`.

    Attributes:
        lead: what is read.
        rate: its sampling rate.
        length: its samples at 360 Hz.
    """

    def __init__(self, lead: Lead) -> None:
        self.lead = lead
        self.rate = Rate.of(lead.fs)
        self.length = self.rate.length(lead.length)
        self._starts = [segment.start for segment in lead.segments]
        count = len(lead.segments)
        self._summed, self._sum = [0] * count, [0] * count
        self._levels = [{0: segment.signal.init_value} for segment in lead.segments]
        self._low, self._high = math.inf, -math.inf
        self._whole: npt.NDArray | None = None  # of a lead read as one block, so that it is read only once

    def blocks(self) -> Iterator[tuple[int, int]]:
        """Yield [first, last), samples at 360 Hz, of consecutive blocks that cover the lead and fit into memory."""
        for first, last in self.own_blocks():
            yield self.rate.length(first), self.rate.length(last)

    def own_blocks(self) -> Iterator[tuple[int, int]]:
        """Yield the same blocks in samples of the lead at its own rate."""
        segments = self.lead.segments
        own, together = segments[0].signal.samps_per_frame, max(sum(each.samps_per_frame) for each in segments)
        step = max(min(int(BLOCK_SECONDS * self.lead.fs), BLOCK_SAMPLES * own // together), 1)
        step -= step % own if step > own else 0  # whole frames, unless a frame is longer than a block
        for first in range(0, self.lead.length, step):
            yield first, min(first + step, self.lead.length)

    def resampled(self, first: int, last: int) -> npt.NDArray:
        """Return samples [first, last) at 360 Hz in the units of `read`; float64 unless that is the lead's own rate."""
        return resample(self.read, self.lead.length, self.rate, first, last)

    def resampled_millivolts(self, first: int, last: int) -> npt.NDArray[np.float64]:
        """Return float64[last - first], samples [first, last) at 360 Hz in mV, NaN if missing."""
        return resample(lambda a, b: self.millivolts(self.read(a, b)), self.lead.length, self.rate, first, last)

    def read(self, first: int, last: int) -> npt.NDArray:
        """Return samples [first, last) of the lead at its own rate, the right way up.

        They are int16 or int32[last - first] in ADC units, negated if the gain is negative, if the record is one
        segment and no sample is missing; otherwise float64[last - first], in ADC units (one segment) or mV (several),
        NaN for missing samples.

        Raises:
            DataRefused: the signal file cannot be read.
        """
        if self._whole is not None:
            return self._whole[first:last]
        samples = self._read(first, last)
        if last - first == self.lead.length:
            self._whole = samples
        return samples

    def _read(self, first: int, last: int) -> npt.NDArray:
        if self.lead.whole:
            samples = self._part(0, first, last)
            return -samples if self.lead.segments[0].signal.adc_gain < 0 else samples
        samples = np.full(last - first, np.nan)
        for i in range(max(bisect_right(self._starts, first) - 1, 0), bisect_left(self._starts, last)):
            segment = self.lead.segments[i]
            begin, end = max(first, segment.start), min(last, segment.start + segment.length)
            if begin < end:
                part = self._part(i, begin - segment.start, end - segment.start)
                samples[begin - first : end - first] = (part - segment.signal.baseline) / segment.signal.adc_gain
        return samples

    def millivolts(self, samples: npt.NDArray) -> npt.NDArray[np.float64]:
        """Convert the result of `read` to mV."""
        if not self.lead.whole:
            return samples
        signal = self.lead.segments[0].signal
        return (samples - signal.baseline * math.copysign(1, signal.adc_gain)) / abs(signal.adc_gain)

    def finish(self) -> None:
        """Judge the lead after all of it was read.

        Raises:
            DataRefused: a checksum differs from its header's, or the lead is flat or has no valid sample.
        """
        for i, segment in enumerate(self.lead.segments):
            whole = self._summed[i] == segment.length
            expected = segment.signal.checksum
            if whole and expected is not None and self._sum[i] % 65536 != expected:
                raise DataRefused(
                    f"the checksum of lead {self.lead.sig_name} in {segment.name} fails: "
                    f"the header says {expected}, the samples give {self._sum[i] % 65536}."
                )
        if self._high < self._low:
            raise DataRefused(f"lead {self.lead.sig_name} has no valid sample: all of it is NaN.")
        if self._high == self._low:
            raise DataRefused(f"lead {self.lead.sig_name} is flat: every sample has the same value.")

    def _part(self, index: int, first: int, last: int) -> npt.NDArray:
        """Return samples [first, last) of a segment in ADC units, float64 with NaN if some are missing."""
        segment = self.lead.segments[index]
        samples = self._stored(index, first, last)
        known = self._summed[index]
        fresh = samples[known - first :] if first <= known < last else samples[:0]
        self._sum[index] += int(fresh.sum(dtype=np.int64))
        self._summed[index] = max(known, last) if fresh.size else known
        invalid = _invalid_value(segment.signal.fmt)
        missing = np.zeros(0, bool) if invalid is None else samples == invalid
        valid = fresh[~missing[len(samples) - len(fresh) :]] if missing.any() else fresh
        if valid.size:
            self._low, self._high = min(self._low, int(valid.min())), max(self._high, int(valid.max()))
        if not missing.any() and len(samples) == last - first:
            return samples
        whole = np.full(last - first, np.nan)  # a skewed signal has no samples at its end
        whole[: len(samples)] = np.where(missing, np.nan, samples) if missing.any() else samples
        return whole

    def _stored(self, index: int, first: int, last: int) -> npt.NDArray:
        """Return samples [first, last) of a segment as stored, int16 or int32, fewer at the end of the file."""
        from components.recordings.edf import read_samples
        from components.recordings.edf_header import SAMPLE_BYTES
        from components.recordings.wfdb_private import read_signal

        segment = self.lead.segments[index]
        per_frame = segment.signal.samps_per_frame
        begin = min(first // per_frame + segment.signal.skew, segment.sig_len)
        end = min(-(-last // per_frame) + segment.signal.skew, segment.sig_len)
        start, levels = begin, self._levels[index]
        if segment.signal.fmt == "8":  # differences from sample to sample: continue from the last known level
            start = max(frame for frame in levels if frame <= begin)
        try:
            if segment.signal.fmt in SAMPLE_BYTES:
                return read_samples(segment, first, last)
            samples = read_signal(segment, start, end, levels.get(start, 0))
        except Exception as error:  # wfdb raises whatever its reader runs into
            raise DataRefused(f"samples {first} to {last} of {segment.name} cannot be read: {error}") from error
        if len(samples) != (end - start) * per_frame:
            raise DataRefused(f"{segment.name} ends early: {len(samples)} samples from {start * per_frame} on.")
        if segment.signal.fmt == "8" and len(samples):
            levels[end] = int(samples[-1])
        offset = (begin - start) * per_frame + first - first // per_frame * per_frame
        return samples[offset : offset + last - first]


def stretches(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return int64[m, 2], the [first, last) of each stretch in which bool[n] is true, in order."""
    return row_stretches(mask[None])


def row_stretches(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return int64[m, 2], the [first, last) of each stretch of a row in which bool[n, length] is true, in order.

    They are indices into the rows as they lie in memory, one after another.
    """
    edges = np.flatnonzero(np.diff(mask, prepend=False, append=False)).reshape(-1, 2)
    return edges - edges[:, :1] // (mask.shape[1] + 1)


def _invalid_value(fmt: str) -> int | None:
    """Return the ADC value of a missing sample in a format: the lowest, but format 8 and EDF have none."""
    bits = {"80": 8, "508": 8, "310": 10, "311": 10, "212": 12, "24": 24, "524": 24, "32": 32}.get(fmt, 16)
    return None if fmt in ("8", "EDF", "BDF") else -(2 ** (bits - 1))


@dataclass(frozen=True)
class Rate:
    """A sampling rate as the fraction that converts it to 360 Hz, in lowest terms: 360 = rate * up / down."""

    up: int
    down: int

    @classmethod
    @lru_cache(maxsize=64)
    def of(cls, fs: Fraction) -> Rate:
        """Return the rate of `fs` samples per second, to a part in ten thousand if `fs` is not a round number."""
        ratio = (RECORD_RATE_HZ / fs).limit_denominator(LARGEST_FACTOR)
        return cls(ratio.numerator, ratio.denominator)

    def length(self, samples: int) -> int:
        """Return the number of samples at 360 Hz of a signal of `samples` samples."""
        return -(-samples * self.up // self.down)

    def samples(self, positions: npt.NDArray[np.int64], length: int) -> npt.NDArray[np.int64]:
        """Return the nearest sample at this rate of each sample at 360 Hz, inside a signal of `length` samples."""
        return np.minimum((2 * positions * self.down + self.up) // (2 * self.up), length - 1)

    def positions(self, samples: npt.NDArray[np.int64], length: int) -> npt.NDArray[np.int64]:
        """Return the nearest sample at 360 Hz of each sample, halves up, inside a signal of `length` samples."""
        return np.minimum((2 * samples * self.up + self.down) // (2 * self.down), self.length(length) - 1)


def resample(read: Callable[[int, int], npt.NDArray], length: int, rate: Rate, first: int, last: int) -> npt.NDArray:
    """Return samples [first, last) of a signal at 360 Hz, the same ones for any part read.

    The signal continues with its first and last value beyond its ends. A missing sample (NaN) makes those that the
    filter reaches from it missing too.

    Args:
        read: returns samples [first, last) of the signal at its own rate.
        length: samples of the signal at its own rate.
        rate: its own rate.
        first: first sample to return, 360 Hz.
        last: one past the last, 360 Hz.

    Returns:
        float64[last - first] in the signal's unit; the result of `read` if the rate is already 360 Hz.
    """
    if rate.up == rate.down:
        return read(first, last)
    from scipy.signal import resample_poly

    reach = HALF_WIDTH * max(rate.up, rate.down) // rate.up + 2
    begin = (first * rate.down // rate.up - reach) // rate.down * rate.down  # positions where both rates have a sample
    end = -(-last * rate.down // rate.up) + reach
    inside = read(max(begin, 0), min(end, length)).astype(np.float64)
    padded = np.pad(inside, (max(-begin, 0), max(end - length, 0)), mode="edge")
    resampled = resample_poly(padded, rate.up, rate.down, window=_low_pass(rate)).round(DECIMALS)
    offset = first - begin // rate.down * rate.up
    return resampled[offset : offset + last - first]


@lru_cache(maxsize=8)
def _low_pass(rate: Rate) -> npt.NDArray[np.float64]:
    """Return float64[odd], a Kaiser-windowed low pass at the lower Nyquist frequency that keeps constants."""
    from scipy.signal import firwin

    slower = max(rate.up, rate.down)
    taps = firwin(2 * HALF_WIDTH * slower + 1, 1.0 / slower, window=("kaiser", 5.0))
    for phase in range(rate.up):
        taps[phase :: rate.up] /= taps[phase :: rate.up].sum() * rate.up
    return taps
