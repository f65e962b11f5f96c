"""Weights of the eval split's beats, so that hard and easy beats are as common as among train beats.

The eval split is chosen by hash and may by chance be easier than the training data; a temperature fitted to it would
leave the model over-confident. Difficulty is measured without a model: a beat is hard if its nearest train beat is of
another class. The weights are those of Holt and Smith, "Post Stratification", 1979. A split that is no easier keeps
weights of 1: one of whole records is meant to be harder, and a model that is not confident enough does less harm.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from components.train.data import Spool

NEIGHBOURS: Final = 50_000
"""Number of train beats searched for the nearest."""

LARGE: Final = 50_000
"""An eval split with this many beats is left as it is: chance matters little."""

_BLOCK = 512


def post_stratify(train: Spool, validation: Spool, seed: int) -> npt.NDArray[np.float64]:
    """Weigh each beat of the eval split by its class and by whether it is hard.

    Args:
        train: column `clean`.
        validation: the eval split, column `clean`.
        seed: of the choice of train beats, if there are too many to search.

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
    """Divide each stratum's share among train beats by its share in the eval split.

    Args:
        label_train: int64[m], 0..4.
        hard_train: bool[m].
        label: int64[n], of the eval split.
        hard: bool[n].

    Returns:
        float64[n], with mean 1 if both splits have the same classes. A class without hard or without easy beats here
        is one stratum.
    """
    weight = np.ones(len(label))
    for index in np.unique(label):
        here, there = label == index, label_train == index
        weight[here] = there.mean() / here.mean()
        if there.any() and hard[here].any() and not hard[here].all():
            share = hard_train[there].mean()
            weight[here & hard] *= share / hard[here].mean()
            weight[here & ~hard] *= (1 - share) / (1 - hard[here].mean())
    return weight


def _nearest(
    queries: npt.NDArray[np.float32],
    beats: npt.NDArray[np.float32],
    label: npt.NDArray[np.int64],
    itself: bool = False,
) -> npt.NDArray[np.int64]:
    """Find the class of each query's nearest beat (Euclidean).

    Args:
        queries: float32[m, 187].
        beats: float32[n, 187].
        label: int64[n].
        itself: whether the queries are the beats, each of which is then not its own neighbour.
    """
    squares = np.einsum("ns,ns->n", beats, beats)
    classes = np.empty(len(queries), np.int64)
    for start in range(0, len(queries), _BLOCK):
        block = queries[start : start + _BLOCK]
        distance = block @ beats.T
        distance *= -2
        distance += squares  # in place: three arrays of 100 MB take four times as long
        if itself:
            distance[np.arange(len(block)), np.arange(start, start + len(block))] = np.inf
        classes[start : start + _BLOCK] = label[distance.argmin(axis=1)]
    return classes
