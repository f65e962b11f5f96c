"""From a record's own sampling rate to the 360 Hz that the cutting rule assumes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from components.beat import RECORD_RATE_HZ

HALF_WIDTH = 10
"""Half the length of the anti-alias filter, in periods of the slower of the two rates: scipy's own choice."""

DECIMALS = 6
"""Resampled values are rounded to this many decimals, so that a flat stretch stays flat."""


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
