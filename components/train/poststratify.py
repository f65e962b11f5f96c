"""How much each beat of the eval split counts, so that hard and easy beats are as common in it as among train beats.

A hash cuts the eval split, and by luck its beats can be easier than others: a temperature that fits them then leaves
the model too sure. What is hard is told without a model: the nearest train beat is of another class. Source: Holt and
Smith, "Post Stratification", 1979. A split that is no easier stays as it is: one of whole records is meant to be harder
than beats among their neighbours, and a model that is not sure enough does less harm.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from components.train.spool import Spool

NEIGHBOURS: Final = 50_000
"""Train beats among which the nearest is looked for."""

LARGE: Final = 50_000
"""Beats of an eval split that is left as it is: it owes little to luck."""

_BLOCK = 512


def post_stratify(train: Spool, validation: Spool, seed: int) -> npt.NDArray[np.float64]:
    """The weight of each beat of the eval split, by its class and by whether it is hard.

    Args:
        train: column `clean`.
        validation: the eval split, column `clean`.
        seed: of the choice of train beats, where there are more than can be looked at.

    Returns:
        float64[n]; all 1 for an eval split that is large, or no easier than train beats.
    """
    same = np.ones(len(validation))
    if len(validation) > LARGE:
        return same
    rows = np.sort(np.random.default_rng(seed).permutation(len(train))[:NEIGHBOURS])
    beats, label = train.columns["clean"][rows], train.label[rows]
    hard_train = _nearest(beats, beats, label, itself=True) != label
    hard = _nearest(validation.columns["clean"], beats, label) != validation.label
    if hard.mean() >= hard_train.mean():
        return same
    return strata_weights(label, hard_train, validation.label, hard)


def strata_weights(
    label_train: npt.NDArray[np.int64],
    hard_train: npt.NDArray[np.bool_],
    label: npt.NDArray[np.int64],
    hard: npt.NDArray[np.bool_],
) -> npt.NDArray[np.float64]:
    """A stratum's share among train beats, divided by its share here.

    Args:
        label_train: int64[m], 0..4.
        hard_train: bool[m].
        label: int64[n], of the eval split.
        hard: bool[n].

    Returns:
        float64[n], its mean 1 where both splits have the same classes. A class that lacks hard or easy beats here is
        taken whole.
    """
    weight = np.ones(len(label))
    for one in np.unique(label):
        here, there = label == one, label_train == one
        weight[here] = there.mean() / here.mean()
        if there.any() and hard[here].any() and not hard[here].all():
            share = hard_train[there].mean()
            weight[here & hard] *= share / hard[here].mean()
            weight[here & ~hard] *= (1 - share) / (1 - hard[here].mean())
    return weight


def _nearest(
    wanted: npt.NDArray[np.float32],
    beats: npt.NDArray[np.float32],
    label: npt.NDArray[np.int64],
    itself: bool = False,
) -> npt.NDArray[np.int64]:
    """Each wanted beat's nearest one's class (Euclidean); with `itself` the wanted are the beats, and others count."""
    squares = np.einsum("ns,ns->n", beats, beats)
    classes = np.empty(len(wanted), np.int64)
    for start in range(0, len(wanted), _BLOCK):
        block = wanted[start : start + _BLOCK]
        distance = block @ beats.T
        distance *= -2
        distance += squares  # in place: 100 MB three times over take four times as long
        if itself:
            distance[np.arange(len(block)), np.arange(start, start + len(block))] = np.inf
        classes[start : start + _BLOCK] = label[distance.argmin(axis=1)]
    return classes
