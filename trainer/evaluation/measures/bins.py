"""Statistically different bins: which kinds of real clips come too often, too rarely or not at all."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from trainer.evaluation.clips import Clips, Indices, Real
from trainer.evaluation.measure import Measure, Statistic, Unmeasurable
from trainer.evaluation.measures.copying import nearest

FEWEST, MOST = 10, 100
CLIPS_IN_A_BIN = 20
ROUNDS = 50
SEED = 3
SIGNIFICANT = 1.96  # two-sided, at 0.05

Centres = NDArray[np.float64]


def _look(candidate: Clips, real: Real) -> Statistic:
    """Share of bins whose proportion among samples differs from that among training clips (NDB/K).

    Bins are k-means cells of the training clips' embeddings, about 20 clips in each. The test is for two
    proportions, pooled, at the 0.05 level: samples like real clips differ in about 0.05 of the bins.
    Source: Richardson and Weiss 2018.
    """
    count = bin_count(len(real.train))
    if min(len(candidate), len(real.train)) < count:
        raise Unmeasurable(f"{count} bins need as many clips on each side at least")
    centres, real_sizes = _bins(real.train)
    assigned = nearest(candidate.embeddings, centres)[1]

    def statistic(indices: Indices) -> float:
        return float(different(np.bincount(assigned[indices], minlength=count), real_sizes).mean())

    return statistic


def bin_count(train_count: int) -> int:
    """K for so many training clips."""
    return min(MOST, max(FEWEST, train_count // CLIPS_IN_A_BIN))


def different(first: np.ndarray, second: np.ndarray) -> NDArray[np.bool_]:
    """Whether the shares of each bin differ significantly between two sets, from sizes of bins [K] and [K]."""
    shares = first / first.sum(), second / second.sum()
    pooled = (first + second) / (first.sum() + second.sum())
    error = np.sqrt(pooled * (1.0 - pooled) * (1.0 / first.sum() + 1.0 / second.sum()))
    return np.asarray(np.abs(shares[0] - shares[1]) > SIGNIFICANT * error)


@lru_cache(maxsize=2)
def _bins(train: Clips) -> tuple[Centres, Indices]:
    """Centres [K, E] and how many training clips each bin holds [K]."""
    centres = k_means(train.embeddings.astype("float64"), bin_count(len(train)), seed=SEED)
    return centres, np.bincount(nearest(train.embeddings, centres)[1], minlength=len(centres))


def k_means(points: NDArray[np.float64], count: int, *, seed: int) -> Centres:
    """Centres [K, E] of points [M, E]: Lloyd's rounds from a k-means++ start, at most 50 of them.

    A cell that loses all its points keeps its centre.
    Source: Lloyd 1982; Arthur and Vassilvitskii 2007.
    """
    centres = _start(points, count, np.random.Generator(np.random.Philox(key=seed)))
    for _ in range(ROUNDS):
        members = np.eye(count)[nearest(points, centres)[1]]
        sizes = members.sum(axis=0)[:, None]
        moved = np.where(sizes > 0, members.T @ points / np.maximum(sizes, 1.0), centres)
        if np.array_equal(moved, centres):
            break
        centres = moved
    return centres


def _start(points: NDArray[np.float64], count: int, random: np.random.Generator) -> Centres:
    """Points far from each other: the next is drawn in proportion to its squared distance to the nearest so far."""
    chosen = [int(random.integers(len(points)))]
    distances = np.full(len(points), np.inf)
    while len(chosen) < count:
        distances = np.minimum(distances, np.square(points - points[chosen[-1]]).sum(axis=1))
        total = distances.sum()  # 0 where there are fewer different points than centres
        chosen.append(int(random.choice(len(points), p=distances / total if total > 0.0 else None)))
    return points[chosen]


DIFFERENT_BINS = Measure(name="different_bins", title="Different bins (NDB/K)", better="lower", look=_look)
