"""The samples of one lead, read block by block with checksum and range kept along the way, and resampled to 360 Hz."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from components.beat import RECORD_RATE_HZ
from components.errors import DataRefused
from components.recordings.header import Lead, Segment

BLOCK_SECONDS = 3600
"""Longest block that is read at once."""

BLOCK_SAMPLES = 6_000_000
"""Most samples, of all the signals in a file together, that are read at once: about 150 MB while wfdb unpacks them."""

HALF_WIDTH = 10
"""Half the length of the anti-alias filter, in periods of the slower of the two rates: scipy's own choice."""

DECIMALS = 6
"""Resampled values are rounded to this many decimals, so that a flat stretch stays flat."""


class LeadReader:
    """Reads a lead in any order; what is read for the first time, from the start on, is summed up for `finish`.

    Args:
        lead: as open_lead returns it.
    """

    def __init__(self, lead: Lead) -> None:
        self.lead = lead
        self.sig_len = lead.sig_len * lead.samps_per_frame
        self._seen = dict.fromkeys(range(len(lead.segments)), 0)
        self._sum = dict.fromkeys(range(len(lead.segments)), 0)
        self._low, self._high = np.inf, -np.inf

    def blocks(self) -> Iterator[tuple[int, int]]:
        """Yield [first, last) of consecutive blocks that cover the lead, in its samples."""
        per_frame = max(segment.frame_samples for segment in self.lead.segments)
        frames = min(int(BLOCK_SECONDS * self.lead.fs), BLOCK_SAMPLES // per_frame)
        if any(segment.fmt == "8" for segment in self.lead.segments):
            frames = self.lead.sig_len  # differences from sample to sample can only be read from the start
        step = max(frames, 1) * self.lead.samps_per_frame
        for first in range(0, self.sig_len, step):
            yield first, min(first + step, self.sig_len)

    def read(self, first: int, last: int) -> npt.NDArray:
        """Samples [first, last) of the lead.

        Returns:
            int16 or int32[last - first] in ADC units where the record is one segment and no sample is missing;
            float64[last - first] otherwise, in ADC units (one segment) or mV (several), NaN where there is no sample.

        Raises:
            DataRefused: wfdb cannot read the signal file.
        """
        per_frame = self.lead.samps_per_frame
        if self.lead.whole:
            return self._part(0, first, last)
        samples = np.full(last - first, np.nan)
        for i, segment in enumerate(self.lead.segments):
            offset = segment.start * per_frame
            begin, end = max(first, offset), min(last, offset + segment.sig_len * per_frame)
            if begin < end:
                part = self._part(i, begin - offset, end - offset)
                samples[begin - first : end - first] = (part - float(segment.baseline)) / segment.adc_gain
        return samples

    def millivolts(self, samples: npt.NDArray) -> npt.NDArray[np.float64]:
        """Convert what `read` returned to mV."""
        if not self.lead.whole:
            return samples
        segment = self.lead.segments[0]
        return (samples - float(segment.baseline)) / segment.adc_gain

    def finish(self) -> None:
        """Judge the lead once all of it was read.

        Raises:
            DataRefused: a checksum differs from its header's, or the lead is flat or has no valid sample.
        """
        for i, segment in enumerate(self.lead.segments):
            whole = self._seen[i] == segment.sig_len * segment.samps_per_frame
            if whole and segment.checksum is not None and self._sum[i] % 65536 != segment.checksum:
                raise DataRefused(
                    f"the checksum of lead {self.lead.sig_name} in {segment.stem.name} fails: "
                    f"the header says {segment.checksum}, the samples give {self._sum[i] % 65536}."
                )
        if self._high < self._low:
            raise DataRefused(f"lead {self.lead.sig_name} has no valid sample: all of it is NaN.")
        if self._high == self._low:
            raise DataRefused(f"lead {self.lead.sig_name} is flat: every sample has the same value.")

    def _part(self, index: int, first: int, last: int) -> npt.NDArray:
        """Samples [first, last) of a segment in ADC units, float64 with NaN where some are missing."""
        segment = self.lead.segments[index]
        samples = _read_segment(segment, first, last)
        known = self._seen[index]
        fresh = samples[known - first :] if first <= known < last else samples[:0]
        self._sum[index] += int(fresh.sum(dtype=np.int64))
        self._seen[index] = max(known, last) if fresh.size else known
        invalid = _invalid_value(segment.fmt)
        missing = np.zeros(0, bool) if invalid is None else samples == invalid
        valid = fresh[~missing[len(samples) - len(fresh) :]] if missing.any() else fresh
        if valid.size:
            self._low, self._high = min(self._low, int(valid.min())), max(self._high, int(valid.max()))
        return np.where(missing, np.nan, samples.astype(np.float64)) if missing.any() else samples


def _read_segment(segment: Segment, first: int, last: int) -> npt.NDArray:
    """int16 or int32[last - first], ADC units; wfdb reads whole frames."""
    import wfdb

    per_frame = segment.samps_per_frame
    begin, end = first // per_frame, -(-last // per_frame)
    resolution = 32 if segment.fmt in ("24", "32", "524", "8") else 16
    try:
        record = wfdb.rdrecord(
            str(segment.stem),
            sampfrom=begin,
            sampto=end,
            channels=[segment.channel],
            physical=False,
            smooth_frames=False,
            return_res=resolution,
        )
        samples = record.e_d_signal[0]
    except Exception as error:  # wfdb raises what its reader happens to meet
        raise DataRefused(f"samples {first} to {last} of {segment.stem.name} cannot be read: {error}") from error
    if len(samples) != (end - begin) * per_frame:
        raise DataRefused(f"{segment.stem.name} ends early: {len(samples)} samples from {begin * per_frame} on.")
    return samples[first - begin * per_frame : last - begin * per_frame]


def _invalid_value(fmt: str) -> int | None:
    """The ADC value that stands for a missing sample in a format: the lowest, but format 8 has none."""
    bits = {"80": 8, "508": 8, "310": 10, "311": 10, "212": 12, "24": 24, "524": 24, "32": 32}.get(fmt, 16)
    return None if fmt == "8" else -(2 ** (bits - 1))


@dataclass(frozen=True)
class Rate:
    """A sampling rate as the fraction that leads from it to 360 Hz, in lowest terms: 360 = rate * up / down."""

    up: int
    down: int

    @classmethod
    def of(cls, rate: Fraction) -> Rate:
        """Rate of `rate` samples per second."""
        ratio = RECORD_RATE_HZ / rate
        return cls(ratio.numerator, ratio.denominator)

    def length(self, samples: int) -> int:
        """Samples that a signal of `samples` samples has at 360 Hz."""
        return -(-samples * self.up // self.down)

    def positions(self, samples: npt.NDArray[np.int64], length: int) -> npt.NDArray[np.int64]:
        """Nearest sample at 360 Hz of each sample at this rate, halves up; inside stays inside.

        Args:
            samples: int64[n], positions at this rate.
            length: samples that the record has at this rate.
        """
        if self.up == self.down:
            return samples
        nearest = (2 * samples * self.up + self.down) // (2 * self.down)
        inside = samples < length
        return np.where(inside, np.minimum(nearest, self.length(length) - 1), np.maximum(nearest, self.length(length)))


def resample(read: Callable[[int, int], npt.NDArray], length: int, rate: Rate, first: int, last: int) -> npt.NDArray:
    """Samples [first, last) of a signal at 360 Hz, the same ones whatever part of it is asked for.

    The signal goes on with its first and last value beyond its ends. A missing sample (NaN) makes those that the
    filter reaches from it missing too.

    Args:
        read: gives samples [first, last) at the signal's own rate.
        length: samples that the signal has at its own rate.
        rate: its own rate.
        first: first sample wanted, 360 Hz.
        last: one past the last, 360 Hz.

    Returns:
        float64[last - first] in the signal's unit; what `read` gives where the rate is 360 Hz already.
    """
    if rate.up == rate.down:
        return read(first, last)
    from scipy.signal import resample_poly

    reach = HALF_WIDTH * max(rate.up, rate.down) // rate.up + 2
    begin = (first * rate.down // rate.up - reach) // rate.down * rate.down  # where both rates have a sample
    end = -(-last * rate.down // rate.up) + reach
    inside = read(max(begin, 0), min(end, length)).astype(np.float64)
    padded = np.pad(inside, (max(-begin, 0), max(end - length, 0)), mode="edge")
    resampled = resample_poly(padded, rate.up, rate.down, window=_low_pass(rate)).round(DECIMALS)
    offset = first - begin // rate.down * rate.up
    return resampled[offset : offset + last - first]


@lru_cache(maxsize=8)
def _low_pass(rate: Rate) -> npt.NDArray[np.float64]:
    """float64[odd], a Kaiser-windowed low pass at the lower of the two Nyquist frequencies that keeps constants."""
    from scipy.signal import firwin

    slower = max(rate.up, rate.down)
    taps = firwin(2 * HALF_WIDTH * slower + 1, 1.0 / slower, window=("kaiser", 5.0))
    for phase in range(rate.up):
        taps[phase :: rate.up] /= taps[phase :: rate.up].sum() * rate.up
    return taps
