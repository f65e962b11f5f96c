"""What the context of a beat says, in recordings that are made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from components.beats.context import CONTEXT_NAMES, CONTEXT_VERSION, beat_context, context_of
from components.beats.windows import WindowCutter

FS = 360


def make_lead(seconds, fs=FS, wide=(), length=None):
    """Make a lead of Gaussian P, QRS and T waves at these seconds, and its positions; `wide` ones are V-like."""
    length = length if length is not None else seconds[-1] + 1
    time = np.arange(round(length * fs)) / fs
    lead = 0.02 * np.sin(2 * np.pi * 0.3 * time)
    for i, second in enumerate(seconds):
        width, sign = (0.035, -1) if i in wide else (0.012, 1)
        lead += np.exp(-(((time - second) / width) ** 2) / 2)
        lead += (i not in wide) * 0.1 * np.exp(-(((time - second + 0.16) / 0.02) ** 2) / 2)
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
    for name in (
        "rr_mean32",
        "rr_next_mean32",
        "rr_change",
        "rr_next_change",
        "rr_upper",
        "rr_record_upper",
        "rr_jumps",
    ):
        assert np.abs(column(context, name)).max() < 0.02, name
    for name in ("width_dominant", "amplitude", "peak"):
        assert np.abs(column(context, name)).max() < 0.15, name
    assert column(context, "rr") == pytest.approx(np.log(0.8), abs=0.01)
    assert (column(context, "dominant_share") == 1).all()


def test_a_premature_beat_is_early_and_followed_by_a_pause():
    context = beat_context(*make_lead(with_one_early_beat()), FS)
    assert column(context, "rr_mean32")[40] == pytest.approx(np.log(0.5 / (0.8 - 0.3 / 32)), abs=0.01)
    assert column(context, "rr_next_change")[40] == pytest.approx(np.log(1.1 / 0.5), abs=0.01)
    assert column(context, "rr_change")[41] == pytest.approx(np.log(1.1 / 0.5), abs=0.01)
    for name in ("rr_mean32", "rr_upper", "rr_q75", "rr_record_q75", "rr_median11"):
        assert column(context, name).argmin() == 40, name


def test_early_beats_that_are_the_majority_are_early_by_the_upper_level():
    intervals = np.tile([0.5, 0.5, 0.5, 0.9], 40)
    context = beat_context(*make_lead(1 + np.cumsum(intervals)), FS)
    early = np.tile([True, True, True, False], 40)[1:]
    upper = column(context, "rr_upper")[1:]
    assert upper[early].max() < np.log(0.6) < np.log(0.95) < upper[~early].min()
    assert np.abs(column(context, "rr_record_upper")[1:] - upper).max() < 0.05
    assert column(context, "rr_levels") == pytest.approx(np.log(0.9 / 0.5), abs=0.05)
    assert column(context, "rr_levels_fit").min() > 0.9


def test_an_irregular_rhythm_jumps():
    rng = np.random.default_rng(0)
    context = beat_context(*make_lead(1 + np.cumsum(rng.uniform(0.5, 1.1, 80))), FS)
    for name, least in (("rr_jumps", 0.15), ("rr_turns", 0.25), ("rr_jump_share", 0.5)):
        assert column(context, name).min() > least, name


def test_a_wide_beat_is_unlike_the_dominant_one():
    context = beat_context(*make_lead(with_one_early_beat(), wide={40}), FS)
    assert column(context, "width_dominant")[40] > np.log(2)
    for name in ("qrs_unlike", "beat_unlike", "t_unlike", "qrs_residual", "t_residual"):
        assert column(context, name).argmax() == 40, name
    assert column(context, "alike_share").argmin() == 40
    assert column(context, "previous_unlike").argmax() == 41
    assert column(context, "next_unlike").argmax() == 39


def test_many_wide_beats_are_the_second_shape():
    wide = set(range(5, 60, 6))
    context = beat_context(*make_lead(1 + np.arange(60) * 0.8, wide=wide), FS)
    second = column(context, "second_like")
    others = [i for i in range(60) if i not in wide]
    assert second[sorted(wide)].min() > 0.95 > second[others].max()
    assert column(context, "second_share") == pytest.approx(len(wide) / 60, abs=0.01)
    assert column(context, "second_width").min() > np.log(2)
    assert column(context, "dominant_share") == pytest.approx(1 - len(wide) / 60, abs=0.01)


def test_positions_beside_the_peak_give_the_same_shapes():
    lead, positions = make_lead(with_one_early_beat(), wide={40})
    moved = beat_context(lead, positions - 12, FS)
    near = [CONTEXT_NAMES.index(name) for name in ("qrs_unlike", "width_dominant", "amplitude", "alike_early")]
    np.testing.assert_allclose(moved[1:, near], beat_context(lead, positions, FS)[1:, near], atol=0.3)


def test_a_long_recording_is_compared_with_a_stretch_of_itself(monkeypatch):
    monkeypatch.setattr("components.beats.context.STRETCH_BEATS", 100)
    intervals = np.repeat([0.8, 0.5], 100)
    context = beat_context(*make_lead(1 + np.cumsum(intervals)), FS)
    assert np.abs(column(context, "rr_record_q75")[1:]).max() < 0.02
    assert column(context, "rr_mean32")[101:130].max() < -0.02


def test_unit_level_and_polarity_do_not_matter():
    lead, positions = make_lead(with_one_early_beat(), wide={40})
    context = beat_context(lead, positions, FS)
    np.testing.assert_allclose(beat_context(200 * lead + 1024, positions, FS), context, atol=0.05)
    np.testing.assert_allclose(beat_context(-lead, positions, FS), context, atol=0.05)


@pytest.mark.parametrize("fs", [100, 128, 250, 500, 1000])
def test_the_rate_does_not_matter(fs):
    lead, positions = make_lead(with_one_early_beat(), wide={40})
    other, at = make_lead(with_one_early_beat(), fs, wide={40})
    difference = np.abs(beat_context(other, at, fs) - beat_context(lead, positions, FS))
    for name in CONTEXT_NAMES:
        limit = 0.1 if name.startswith("rr") else 1.5 if "unlike" in name or "residual" in name else 0.5
        assert column(difference, name).max() < limit, name


def test_blocks_give_what_the_whole_does():
    lead, positions = make_lead(with_one_early_beat(), wide={40})
    cutter = WindowCutter(FS)
    for first in range(0, len(lead), 5000):
        last = min(first + 5000, len(lead))
        begin, end = max(first - cutter.reach, 0), min(last + cutter.reach, len(lead))
        cutter.add(lead[begin:end], begin, positions[(positions >= first) & (positions < last)])
    np.testing.assert_array_equal(context_of(cutter.windows()), beat_context(lead, positions, FS))


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
    assert column(context, "rr_next_change")[1] < 0


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
    rhythm = [i for i, name in enumerate(CONTEXT_NAMES) if name.startswith("rr")]
    np.testing.assert_array_equal(holed[:, rhythm], whole[:, rhythm])
    others = np.delete(np.arange(len(positions)), [19, 20, 21])
    np.testing.assert_allclose(holed[others], whole[others], atol=0.1)


def test_another_p_wave_and_noise_are_told():
    seconds = with_one_early_beat()
    lead, positions = make_lead(seconds)
    time = np.arange(len(lead)) / FS
    for i, second in enumerate(seconds):
        lead -= 0.2 * (i == 40) * np.exp(-(((time - second + 0.16) / 0.02) ** 2) / 2)
    context = beat_context(lead, positions, FS)
    assert column(context, "p_unlike").argmax() == 40
    assert column(context, "p_peak").argmin() == 40
    noisy = lead + np.random.default_rng(0).normal(0, 0.05, len(lead)) * (time > 30)
    noise = column(beat_context(noisy, positions, FS), "noise")
    assert noise[38:].min() > noise[:34].max()
