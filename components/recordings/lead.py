"""Reading a lead block by block, with its checksum and its range kept along the way."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from components.errors import DataRefused
from components.recordings.header import Lead, Segment

BLOCK_SECONDS = 3600
"""Longest block that is read at once."""

BLOCK_SAMPLES = 6_000_000
"""Most samples, of all the signals in a file together, that are read at once: about 150 MB while wfdb unpacks them."""


class LeadReader:
    """Reads a lead in any order; what is read for the first time, from the start on, is summed up for `finish`.

    Args:
        lead: as open_lead returns it.
    """

    def __init__(self, lead: Lead) -> None:
        self.lead = lead
        self.length = lead.frames * lead.samples_per_frame
        self._seen = dict.fromkeys(range(len(lead.segments)), 0)
        self._sum = dict.fromkeys(range(len(lead.segments)), 0)
        self._low, self._high = np.inf, -np.inf

    def blocks(self) -> Iterator[tuple[int, int]]:
        """Yield [first, last) of consecutive blocks that cover the lead, in its samples."""
        per_frame = max(segment.frame_samples for segment in self.lead.segments)
        frames = min(int(BLOCK_SECONDS * self.lead.frame_rate), BLOCK_SAMPLES // per_frame)
        if any(segment.fmt == "8" for segment in self.lead.segments):
            frames = self.lead.frames  # differences from sample to sample can only be read from the start
        step = max(frames, 1) * self.lead.samples_per_frame
        for first in range(0, self.length, step):
            yield first, min(first + step, self.length)

    def read(self, first: int, last: int) -> npt.NDArray:
        """Samples [first, last) of the lead.

        Returns:
            int16 or int32[last - first] in ADC units where the record is one segment and no sample is missing;
            float64[last - first] otherwise, in ADC units (one segment) or mV (several), NaN where there is no sample.

        Raises:
            DataRefused: wfdb cannot read the signal file.
        """
        per_frame = self.lead.samples_per_frame
        if self.lead.whole:
            return self._part(0, first, last)
        samples = np.full(last - first, np.nan)
        for i, segment in enumerate(self.lead.segments):
            offset = segment.start * per_frame
            begin, end = max(first, offset), min(last, offset + segment.frames * per_frame)
            if begin < end:
                part = self._part(i, begin - offset, end - offset)
                samples[begin - first : end - first] = (part - float(segment.baseline)) / segment.gain
        return samples

    def millivolts(self, samples: npt.NDArray) -> npt.NDArray[np.float64]:
        """Convert what `read` returned to mV."""
        if not self.lead.whole:
            return samples
        segment = self.lead.segments[0]
        return (samples - float(segment.baseline)) / segment.gain

    def finish(self) -> None:
        """Judge the lead once all of it was read.

        Raises:
            DataRefused: a checksum differs from its header's, or the lead is flat or has no valid sample.
        """
        for i, segment in enumerate(self.lead.segments):
            whole = self._seen[i] == segment.frames * segment.samples_per_frame
            if whole and segment.checksum is not None and self._sum[i] % 65536 != segment.checksum:
                raise DataRefused(
                    f"the checksum of lead {self.lead.name} in {segment.stem.name} fails: "
                    f"the header says {segment.checksum}, the samples give {self._sum[i] % 65536}."
                )
        if self._high < self._low:
            raise DataRefused(f"lead {self.lead.name} has no valid sample: all of it is NaN.")
        if self._high == self._low:
            raise DataRefused(f"lead {self.lead.name} is flat: every sample has the same value.")

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

    per_frame = segment.samples_per_frame
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
