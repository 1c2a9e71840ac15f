"""Kernel distance between two sets of embeddings: unlike Frechet's, unbiased for sets of any size."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from trainer.evaluation.clips import Clips, Indices, Real
from trainer.evaluation.measure import Measure, Statistic, Unmeasurable

FEWEST = 10  # of fewer clips a bootstrap choice may hold one clip alone, and so not a single pair
BLOCK = 2**22


def _look(candidate: Clips, real: Real) -> Statistic:
    """The unbiased squared maximum mean discrepancy under the kernel (x . y / E + 1)^3.

    In a choice with repeats an item and its copy are no pair: their likeness is the drawing's, not the generator's.
    Holds the kernel of all N^2 pairs, 200 MB for 5000 clips.
    Source: Binkowski et al. 2018 (KID), over all items at once instead of an average over subsets.
    """
    if min(len(candidate), len(real.train)) < FEWEST:
        raise Unmeasurable(f"a kernel distance needs {FEWEST} clips on each side at least")
    items = candidate.embeddings.astype("float64")
    within = np.concatenate([_kernel(block, items) for block in _blocks(items, len(items))])
    np.fill_diagonal(within, 0.0)
    across = _mean_kernel(items, real.train.embeddings.astype("float64"))
    among_real = _among(real.train)

    def statistic(indices: Indices) -> float:
        counts = np.bincount(indices, minlength=len(items)).astype("float64")
        pairs = len(indices) ** 2 - counts @ counts
        among_chosen = counts @ within @ counts / pairs
        return float(among_chosen + among_real - 2.0 * (counts @ across) / len(indices))

    return statistic


def _kernel(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Kernel of every item of [N, E] with every item of [M, E]: [N, M]."""
    inner: NDArray[np.float64] = first @ second.T / first.shape[1] + 1.0
    return inner * inner * inner


def _blocks(items: NDArray[np.float64], width: int) -> list[NDArray[np.float64]]:
    """Runs of rows, few enough that a block of `width` columns stays near 32 MB."""
    rows = max(1, BLOCK // width)
    return [items[start : start + rows] for start in range(0, len(items), rows)]


def _mean_kernel(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the second set of the kernel with each item of the first: [N]."""
    return np.concatenate([_kernel(block, second).mean(axis=1) for block in _blocks(first, len(second))])


@lru_cache(maxsize=2)
def _among(clips: Clips) -> float:
    """Mean kernel over the pairs of two different clips."""
    items, count = clips.embeddings.astype("float64"), len(clips)
    diagonal = (np.square(items).sum(axis=1) / items.shape[1] + 1.0) ** 3
    return float((count * _mean_kernel(items, items).sum() - diagonal.sum()) / (count * (count - 1)))


KERNEL_DISTANCE = Measure(name="kernel_distance", title="Kernel distance (KID)", better="lower", look=_look)
