"""Every use of a private API of wfdb: its reader of signal files, and the steps of its detector XQRS, one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.signal import filtfilt
from wfdb.io._signal import _rd_segment
from wfdb.processing import XQRS
from wfdb.processing.basic import get_filter_gain

if TYPE_CHECKING:
    from components.recordings.lead import Segment

LEARNING_SECONDS = (60, 600, 3600)
"""Stretches from the record's start that XQRS tries to learn its thresholds from; it needs eight beats."""


def read_signal(segment: Segment, first: int, last: int, init_value: int) -> npt.NDArray:
    """Read frames [first, last) of a segment's file; skew is the caller's business.

    `wfdb.rdrecord` would parse the header again, more loosely than components.recordings.header does.

    Returns:
        int16 or int32[(last - first) * samples per frame] in ADC units.

    Raises:
        Exception: whatever wfdb meets.
    """
    if first == last:
        return np.zeros(0, np.int16)
    n_sig = len(segment.samps_per_frame)
    signals = _rd_segment(
        file_name=[segment.path.name] * n_sig,
        dir_name=str(segment.path.parent),
        pn_dir=None,
        fmt=[segment.signal.fmt] * n_sig,
        n_sig=n_sig,
        sig_len=segment.sig_len,
        byte_offset=[segment.byte_offset] * n_sig,
        samps_per_frame=list(segment.samps_per_frame),
        skew=[0] * n_sig,
        init_value=[init_value] * n_sig,
        sampfrom=first,
        sampto=last,
        channels=[segment.channel],
        ignore_skew=True,
    )
    return np.asarray(signals[0], np.int32 if signals[0].dtype.itemsize > 2 else np.int16)


class StepwiseXQRS(XQRS):
    """XQRS in steps: filter each block of a signal, learn from the first one, then walk through the peaks of all.

    Args:
        signal: float64[length], mV.
        fs: samples per second.
    """

    sig_f: Any
    sig_i: Any

    def __init__(self, signal: npt.NDArray[np.float64], fs: float) -> None:
        super().__init__(sig=signal, fs=fs)
        self.sampfrom, self.sampto, self.verbose = 0, len(signal), False
        self._searched = -1

    def integrate(self) -> npt.NDArray[np.float64]:
        """Filter the signal and return float64[length], what XQRS looks for peaks in."""
        self._bandpass()
        wavelet = _ricker(self.qrs_width)
        self.sig_i = filtfilt(wavelet, [1], self.sig_f, axis=0) ** 2
        middle = (self.fc_low + self.fc_high) / 2
        self.mwi_gain = get_filter_gain(wavelet, [1], middle, self.fs) * 2
        self.transform_gain = self.filter_gain * self.mwi_gain
        return self.sig_i

    def learn(self) -> None:
        """Learn the first thresholds from the integrated signal, which is let go of afterwards."""
        filtered, integrated = self.sig_f, self.sig_i
        for seconds in LEARNING_SECONDS:
            size = min(int(seconds * self.fs), len(filtered))
            self.sig_f, self.sig_i, self.sig_len = filtered[:size], integrated[:size], size
            with np.errstate(divide="ignore", invalid="ignore"):  # a flat stretch correlates with nothing
                self._learn_init_params()
            if self.learned_init_params or size == len(filtered):
                break
        self.sig = self.sig_f = self.sig_i = None

    def walk(self, peaks: npt.NDArray[np.int64], heights: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        """Return int64[n], rising: the beats among the peaks, int64[m], of the integrated signal, float64[m]."""
        self.peak_inds_i = peaks.tolist()
        self.sig_i = dict(zip(self.peak_inds_i, heights.tolist(), strict=True))
        self.n_peaks_i = len(self.peak_inds_i)
        self._run_detection()
        return np.unique(np.asarray(self.qrs_inds, np.int64))

    def _backsearch(self) -> None:
        """Do as XQRS does, but ask about each peak once.

        XQRS asks again about every peak since the last beat, which takes quadratic time where no beat comes any more.
        The answer cannot change before the next beat: only a beat moves the threshold.
        """
        if self.last_qrs_peak_num is None:
            return
        for peak in range(max(self.last_qrs_peak_num, self._searched) + 1, self.peak_num + 1):
            if self._is_qrs(peak_num=peak, backsearch=True):
                self._update_qrs(peak_num=peak, backsearch=True)
        self._searched = self.peak_num


def _ricker(points: int, width: float = 4.0) -> npt.NDArray[np.float64]:
    """Return float64[points], the Mexican-hat wavelet that XQRS integrates with."""
    x = (np.arange(points) - (points - 1) / 2) / width
    return 2 / (np.sqrt(3 * width) * np.pi**0.25) * (1 - x**2) * np.exp(-(x**2) / 2)
