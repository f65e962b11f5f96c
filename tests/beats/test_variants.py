"""What is made from the beats of a recording to train on besides."""

from __future__ import annotations

import numpy as np
import pytest

from components.beats import rhythms, variants
from components.beats.context import CONTEXT_NAMES, context_of
from components.beats.rhythms import KINDS, LEAST, WITHOUT_P, simulate_intervals
from components.beats.variants import make_variants
from components.beats.windows import AFTER, BEFORE, BeatWindows


def recording(beats: int = 900, seed: int = 0) -> tuple[BeatWindows, np.ndarray]:
    """Windows of made-up beats, one in nine of which is V, and their labels."""
    rng = np.random.default_rng(seed)
    label = np.where(np.arange(beats) % 9 == 4, 2, 0)
    time = (np.arange(BEFORE + AFTER) - BEFORE) / 120
    width = np.where(label == 2, 0.05, 0.015)[:, None]
    shape = np.exp(-((time / width) ** 2)) + rng.normal(0, 0.01, (beats, BEFORE + AFTER))
    seconds = np.cumsum(rng.normal(0.8, 0.03, beats))
    return BeatWindows(seconds, shape.astype(np.float16), np.ones(beats, np.float32)), label


def test_variants_are_those_of_the_name_and_have_finite_contexts() -> None:
    windows, label = recording()
    one, again, other = (make_variants(windows, label, name) for name in ("a", "a", "b"))
    assert all(len(each.beat) == len(each.label) == len(each.context) for each in one)
    assert {each.context.shape[1] for each in one} == {len(CONTEXT_NAMES)}
    assert all(np.isfinite(each.context).all() for each in one)
    for first, second in zip(one, again, strict=True):
        np.testing.assert_array_equal(first.context, second.context)
    assert [len(each.beat) for each in one] != [len(each.beat) for each in other]


def test_pieces_are_recordings_of_their_own_and_cover_what_is_ectopic() -> None:
    windows, label = recording()
    pieces = list(variants._pieces(windows, label, np.random.default_rng(3)))
    assert np.concatenate([piece.beat for piece in pieces]).tolist() == list(range(900))
    assert all(len(piece.beat) >= variants.LEAST_BEATS for piece in pieces)
    for piece in pieces:
        np.testing.assert_array_equal(piece.context, context_of(windows.take(piece.beat)))
        np.testing.assert_array_equal(piece.label, label[piece.beat])
    plain = list(variants._pieces(windows, np.zeros(900, int), np.random.default_rng(3)))
    assert len(plain) < len(pieces)


def test_simulated_rhythms_are_of_normal_beats_and_label_the_early_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rhythms, "KINDS", {kind: share for kind, share in KINDS.items() if kind not in WITHOUT_P})
    windows, label = recording()
    made = list(variants._rhythms(windows, label, np.random.default_rng(5)))
    assert len(made) == variants.RHYTHMS
    for variant in made:
        assert (label[variant.beat] == 0).all()
        assert set(variant.label) <= {0, 1}
        shape = CONTEXT_NAMES.index("qrs_unlike")
        np.testing.assert_array_equal(variant.context[:, shape], context_of(windows)[variant.beat, shape])
        assert (variant.context[:, 0] != context_of(windows)[variant.beat, 0]).any()
    assert not list(variants._rhythms(windows, np.full(900, 2), np.random.default_rng(5)))


@pytest.mark.parametrize("kind", sorted(WITHOUT_P))
def test_in_fibrillation_and_flutter_no_beat_has_a_p_wave(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(rhythms, "KINDS", {kind: 1.0})
    windows, label = recording()
    time = (np.arange(BEFORE + AFTER) - BEFORE) / 120
    atrial = (0.15 * np.exp(-(((time + 0.16) / 0.02) ** 2))).astype(np.float16)
    windows = BeatWindows(windows.seconds, windows.shape + atrial, windows.scale)
    unlike, qrs = CONTEXT_NAMES.index("p_unlike"), CONTEXT_NAMES.index("qrs_unlike")
    recorded = np.median(context_of(windows)[label == 0], axis=0)
    for variant in variants._rhythms(windows, label, np.random.default_rng(5)):
        assert (variant.label == 0).all()
        assert np.median(variant.context[:, unlike]) > recorded[unlike] + 0.5
        assert np.median(variant.context[:, qrs]) < recorded[qrs] + 1.5


def test_noise_moves_loses_and_doubles_beats_and_only_real_ones_are_rows() -> None:
    windows, label = recording()
    changed, lost = 0, 0
    for seed in range(5):
        (variant,) = variants._noisy(windows, label, np.random.default_rng(seed))
        assert len(set(variant.beat)) > 250
        assert (np.diff(variant.beat) >= 0).mean() > 0.99
        np.testing.assert_array_equal(variant.label, label[variant.beat])
        lost += int(np.ptp(variant.beat)) + 1 - len(variant.beat)
        changed += int((np.abs(variant.context - context_of(windows)[variant.beat]) > 0.01).any(axis=1).sum())
    assert 0 < lost < 5 * 300 * 0.05
    assert changed > 300


@pytest.mark.parametrize("kind", KINDS)
def test_every_rhythm_has_intervals_that_a_heart_can_have(kind: str) -> None:
    ectopic = []
    for seed in range(20):
        intervals, early = simulate_intervals(kind, 400, np.random.default_rng(seed))
        assert intervals.shape == early.shape == (400,)
        assert LEAST * 0.5 < intervals.min() <= intervals.max() < 6
        ectopic.append(early.mean())
        if early.any() and not early.all():
            assert np.median(intervals[early]) < np.median(intervals[~early])
    assert (max(ectopic) > 0) == (kind not in {"plain", "drift", "pause", *WITHOUT_P})
    assert kind != "majority" or max(ectopic) > 0.5
