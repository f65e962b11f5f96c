"""What the context of a beat says, in recordings that are made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from components.beats.context import CONTEXT_NAMES, CONTEXT_VERSION, beat_context, context_of
from components.beats.windows import WindowCutter

FS = 360


def make_lead(seconds, fs=FS, wide=(), length=None):
    """Return a lead of Gaussian QRS and T waves at these seconds, and the beats' positions; `wide` ones are V-like."""
    length = length if length is not None else seconds[-1] + 1
    time = np.arange(round(length * fs)) / fs
    lead = 0.02 * np.sin(2 * np.pi * 0.3 * time)
    for i, second in enumerate(seconds):
        width, sign = (0.035, -1) if i in wide else (0.012, 1)
        lead += np.exp(-(((time - second) / width) ** 2) / 2)
        lead += sign * 0.25 * np.exp(-(((time - second - 0.25) / 0.04) ** 2) / 2)
    return lead, np.round(np.asarray(seconds) * fs).astype(np.int64)


def column(context, name):
    return context[:, CONTEXT_NAMES.index(name)]


def with_one_early_beat(beats=60, early=40):
    seconds = 1 + np.arange(beats) * 0.8
    seconds[early] -= 0.3
    return seconds


def test_the_names_are_unique_and_few_and_the_version_counts():
    assert len(set(CONTEXT_NAMES)) == len(CONTEXT_NAMES) <= 40
    assert CONTEXT_VERSION >= 1


def test_a_regular_rhythm_is_neutral():
    context = beat_context(*make_lead(1 + np.arange(60) * 0.8), FS)
    assert context.shape == (60, len(CONTEXT_NAMES))
    assert context.dtype == np.float32
    for name in ("rr_mean32", "rr_previous_mean32", "rr_next_mean32", "rr_previous", "rr_next", "width_record"):
        assert np.abs(column(context, name)).max() < 0.02, name


def test_a_premature_beat_is_early_and_followed_by_a_pause():
    context = beat_context(*make_lead(with_one_early_beat()), FS)
    assert column(context, "rr_mean32")[40] == pytest.approx(np.log(0.5 / (0.8 - 0.3 / 32)), abs=0.01)
    assert column(context, "rr_next")[40] == pytest.approx(np.log(1.1 / 0.5), abs=0.01)
    assert column(context, "rr_previous")[41] == pytest.approx(np.log(1.1 / 0.5), abs=0.01)
    assert column(context, "rr_mean32").argmin() == 40


def test_a_wide_beat_is_wider_than_the_median():
    context = beat_context(*make_lead(with_one_early_beat(), wide={40}), FS)
    assert column(context, "width_record")[40] > np.log(2)
    assert column(context, "width_record").argmax() == 40


def test_unit_level_and_polarity_do_not_matter():
    lead, positions = make_lead(with_one_early_beat(), wide={40})
    context = beat_context(lead, positions, FS)
    np.testing.assert_allclose(beat_context(200 * lead + 1024, positions, FS), context, atol=0.02)
    np.testing.assert_allclose(beat_context(-lead, positions, FS), context, atol=0.02)


@pytest.mark.parametrize("fs", [100, 128, 250, 500, 1000])
def test_the_rate_does_not_matter(fs):
    lead, positions = make_lead(with_one_early_beat(), wide={40})
    other, at = make_lead(with_one_early_beat(), fs, wide={40})
    difference = np.abs(beat_context(other, at, fs) - beat_context(lead, positions, FS))
    regular = [CONTEXT_NAMES.index(name) for name in CONTEXT_NAMES if "spread" not in name]
    assert difference[:, regular].max() < 0.15


def test_blocks_give_what_the_whole_does():
    lead, positions = make_lead(with_one_early_beat(), wide={40})
    cutter = WindowCutter(FS)
    for first in range(0, len(lead), 5000):
        last = min(first + 5000, len(lead))
        begin, end = max(first - cutter.reach, 0), min(last + cutter.reach, len(lead))
        cutter.add(lead[begin:end], begin, positions[(positions >= first) & (positions < last)])
    np.testing.assert_allclose(context_of(cutter.windows()), beat_context(lead, positions, FS), atol=1e-3)


@pytest.mark.parametrize("beats", [0, 1, 2, 3])
def test_a_few_beats_are_enough(beats):
    lead, positions = make_lead(1 + np.arange(beats) * 0.8, length=4)
    context = beat_context(lead, positions, FS)
    assert context.shape == (beats, len(CONTEXT_NAMES))
    assert np.isfinite(context).all()


@pytest.mark.parametrize("lead", [np.full(3600, np.nan), np.zeros(3600), np.zeros(0)], ids=["missing", "flat", "empty"])
def test_a_lead_without_a_signal_still_has_a_rhythm(lead):
    context = beat_context(lead, np.array([400, 700, 850, 1200]), FS)
    assert np.isfinite(context).all()
    assert column(context, "rr_next")[1] < 0


def test_beats_at_the_very_ends_and_twice_in_one_place_are_finite():
    lead, _ = make_lead(with_one_early_beat())
    positions = np.array([0, 0, 300, len(lead) - 1])
    assert np.isfinite(beat_context(lead, positions, FS)).all()


def test_missing_samples_leave_the_other_beats_alone():
    lead, positions = make_lead(with_one_early_beat())
    holes = lead.copy()
    holes[positions[20] - 5 : positions[20] + 30] = np.nan
    whole, holed = beat_context(lead, positions, FS), beat_context(holes, positions, FS)
    assert np.isfinite(holed).all()
    np.testing.assert_allclose(np.delete(holed, 20, axis=0), np.delete(whole, 20, axis=0), atol=0.02)
