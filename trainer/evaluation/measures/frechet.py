"""Frechet distance between two sets of embeddings."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainer.errors import LatentoneError
from trainer.evaluation.clips import Clips, Indices, Real
from trainer.evaluation.measure import Measure, Statistic, Unmeasurable


class Gaussian(NamedTuple):
    """Fitted to M embeddings: mean [E], total variance, and a factor [E, min(M, E)] with factor @ factor.T = C."""

    mean: NDArray[np.float64]
    variance: float
    factor: NDArray[np.float64]


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Squared 2-Wasserstein distance of the Gaussians fitted to embeddings [N, E] and [M, E].

    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)).
    Raises: LatentoneError for sets of fewer than two items.
    Source: Dowson and Landau 1982; Heusel et al. 2017.
    """
    if min(len(first), len(second)) < 2:
        raise LatentoneError("a Frechet distance needs two items on each side at least")
    return distance_to(fit(second), first)(np.arange(len(first)))


def fit(embeddings: np.ndarray) -> Gaussian:
    """The Gaussian of embeddings [M, E], M at least 2."""
    mean = embeddings.mean(axis=0, dtype="float64")
    centred = (embeddings - mean) / np.sqrt(len(embeddings) - 1)
    return Gaussian(mean, float(np.square(centred).sum()), np.asarray(np.linalg.qr(centred, mode="r")).T)


def distance_to(reference: Gaussian, embeddings: np.ndarray) -> Statistic:
    """The Frechet distance from a choice of embeddings [N, E] to a reference.

    With C1 = A A^T and C2 = B B^T, tr (C1 C2)^(1/2) is the sum of the singular values of A^T B. A is the choice
    itself, centred and scaled, so no root of a matrix is taken. A choice costs one product and one
    eigendecomposition of side min(distinct items, E): a millisecond for E = 64, 50 ms for E = 2048 and
    N = 1000.
    """
    items = embeddings.astype("float64")
    projected = items @ reference.factor

    def statistic(indices: Indices) -> float:
        distinct, repeats = np.unique(indices, return_counts=True)
        share = repeats / len(indices)
        weights = repeats[:, None] / (len(indices) - 1)
        mean = share @ items[distinct]
        variance = float((weights * np.square(items[distinct] - mean)).sum())
        crossed = np.sqrt(weights) * (projected[distinct] - share @ projected[distinct])
        gap = mean - reference.mean
        return max(0.0, float(gap @ gap) + variance + reference.variance - 2.0 * _sum_of_singular_values(crossed))

    return statistic


def _sum_of_singular_values(matrix: NDArray[np.float64]) -> float:
    """Through the smaller Gram matrix, which is several times as fast as a singular value decomposition."""
    rows, columns = matrix.shape
    gram = matrix @ matrix.T if rows < columns else matrix.T @ matrix
    return float(np.sqrt(np.maximum(np.linalg.eigvalsh(gram), 0.0)).sum())


@lru_cache(maxsize=2)
def _fit_once(clips: Clips) -> Gaussian:
    return fit(clips.embeddings)


def _look(candidate: Clips, real: Real) -> Statistic:
    if min(len(candidate), len(real.train)) < 2:
        raise Unmeasurable("a Frechet distance needs two clips on each side at least")
    return distance_to(_fit_once(real.train), candidate.embeddings)


FRECHET_DISTANCE = Measure(name="frechet_distance", title="Frechet distance", better="lower", look=_look)
