"""Precision, recall, density and coverage: whose neighbourhoods the samples lie in, and who lies in theirs.

A clip's neighbourhood is the ball that reaches to its k-th nearest fellow of the same set, in embeddings. In a
bootstrap choice the balls of samples keep the radii of the full set: nearest fellows of a choice with repeats would
be the repeats.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainer.evaluation.clips import Clips, Indices, Real
from trainer.evaluation.measure import Measure, Statistic, Unmeasurable
from trainer.evaluation.measures.distances import distance_blocks

NEIGHBOURS = 5
AT_MOST = 5_000
SEED = 1

Bools = NDArray[np.bool_]


class Neighbourhoods(NamedTuple):
    """For N samples and M real clips: bool [N, M] each.

    around_real: whether sample i lies in the neighbourhood of real clip j.
    around_samples: whether real clip j lies in the neighbourhood of sample i.
    """

    around_real: Bools
    around_samples: Bools


def precision(candidate: Clips, real: Real) -> Statistic:
    """Share of samples inside some real clip's neighbourhood: do samples sound real? Source: Kynkaanniemi 2019."""
    inside = np.asarray(_neighbourhoods(candidate, real.train).around_real.any(axis=1))
    return lambda indices: float(inside[indices].mean())


def recall(candidate: Clips, real: Real) -> Statistic:
    """Share of real clips inside some sample's neighbourhood: is all of the corpus reached? Source as precision."""
    around = _neighbourhoods(candidate, real.train).around_samples
    return lambda indices: _share_reached(around, indices)


def density(candidate: Clips, real: Real) -> Statistic:
    """In how many real neighbourhoods a sample lies, over k; about 1 for samples like real clips, not bounded by 1.

    Precision that an outlier among the real clips, with its wide ball, can't lift. Source: Naeem et al. 2020.
    """
    counts = _neighbourhoods(candidate, real.train).around_real.sum(axis=1) / NEIGHBOURS
    return lambda indices: float(counts[indices].mean())


def coverage(candidate: Clips, real: Real) -> Statistic:
    """Share of real clips with a sample in their neighbourhood.

    Recall that an outlier among the samples can't lift. Source: Naeem et al. 2020.
    """
    around = _neighbourhoods(candidate, real.train).around_real
    return lambda indices: _share_reached(around, indices)


def _share_reached(around: Bools, indices: Indices) -> float:
    return float(around[np.unique(indices)].any(axis=0).mean())


@lru_cache(maxsize=2)  # samples and held-out clips: the four measures of each share one computation
def _neighbourhoods(candidate: Clips, train: Clips) -> Neighbourhoods:
    """Neighbourhoods of the samples and of at most 5000 training clips.

    Raises: Unmeasurable where a set has no k neighbours.
    """
    if min(len(candidate), len(train)) <= NEIGHBOURS:
        raise Unmeasurable(f"neighbourhoods need more than {NEIGHBOURS} clips on each side")
    samples, real = candidate.embeddings, representatives(train)
    sample_radii, real_radii = _squared_radii(samples), _squared_radii(real)
    shape = (len(samples), len(real))
    around = Neighbourhoods(np.empty(shape, bool), np.empty(shape, bool))
    for rows, distances in distance_blocks(samples, real):
        around.around_real[rows] = distances <= real_radii
        around.around_samples[rows] = distances <= sample_radii[rows, None]
    return around


def representatives(train: Clips) -> NDArray[np.float32]:
    """Embeddings of all training clips, or of a seeded choice of 5000."""
    if len(train) <= AT_MOST:
        return train.embeddings
    random = np.random.Generator(np.random.Philox(key=SEED))
    return train.embeddings[random.choice(len(train), AT_MOST, replace=False)]


def _squared_radii(items: np.ndarray) -> NDArray[np.float64]:
    """Squared distance of each item to its k-th nearest fellow: [N]. The item itself takes the first place."""
    radii = [
        np.partition(distances, NEIGHBOURS, axis=1)[:, NEIGHBOURS] for _, distances in distance_blocks(items, items)
    ]
    return np.concatenate(radii)


PRECISION = Measure(name="precision", title="Precision", better="higher", look=precision)
RECALL = Measure(name="recall", title="Recall", better="higher", look=recall)
DENSITY = Measure(name="density", title="Density", better="higher", look=density)
COVERAGE = Measure(name="coverage", title="Coverage", better="higher", look=coverage)
