"""The private API of wfdb that the detector stands on is there and does what it did."""

from __future__ import annotations

import inspect
import time

import numpy as np
import pytest
from wfdb.io import _signal
from wfdb.processing import XQRS

from components.recordings.detect import detect_beats, find_peaks
from components.recordings.wfdb_private import StepwiseXQRS
from tests.recordings.archives import simulated


@pytest.mark.parametrize(
    "name", ["_bandpass", "_learn_init_params", "_run_detection", "_backsearch", "_is_qrs", "_update_qrs"]
)
def test_the_steps_of_xqrs_are_still_there(name: str) -> None:
    assert callable(getattr(XQRS, name, None))


def test_the_reader_of_signal_files_takes_what_it_is_given() -> None:
    names = {"file_name", "dir_name", "pn_dir", "fmt", "n_sig", "sig_len", "byte_offset", "samps_per_frame", "skew"}
    names |= {"init_value", "sampfrom", "sampto", "channels", "ignore_skew"}
    assert names <= set(inspect.signature(_signal._rd_segment).parameters)


def quiet_tail(minutes: float) -> np.ndarray:
    """float64[length], mV at 360 Hz: 100 beats, then an electrode that came off."""
    signal, _, _ = simulated(seed=7, beats=100, kind="sinus")
    noise = np.random.default_rng(1).normal(0, 0.015, int(minutes * 60 * 360))
    return np.concatenate([(signal - 1024) / 200.0, noise])


def test_asking_about_each_peak_once_gives_the_beats_of_xqrs() -> None:
    signal = quiet_tail(2)
    whole = XQRS(sig=signal, fs=360)
    whole.detect(verbose=False)
    steps = StepwiseXQRS(signal, 360)
    integrated = steps.integrate()
    peaks = find_peaks(integrated, steps.qrs_radius)
    steps.learn()
    assert steps.walk(peaks, integrated[peaks]).tolist() == np.unique(whole.qrs_inds).tolist()


def test_a_lead_that_came_off_takes_time_in_proportion_to_its_length() -> None:
    spent = []
    for minutes in (30, 120):
        signal = quiet_tail(minutes)
        began = time.process_time()
        detect_beats(lambda first, last, signal=signal: signal[first:last], len(signal), 360, [(0, len(signal))])
        spent.append(time.process_time() - began)
    assert spent[1] < 8 * spent[0]  # four times as long; quadratic would be sixteen
