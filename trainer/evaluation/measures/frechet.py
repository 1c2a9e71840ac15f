"""Frechet distance between two sets of embeddings."""

from __future__ import annotations

import numpy as np

from trainer.config import LatentoneError


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Squared 2-Wasserstein distance of the Gaussians fitted to embeddings [N, E] and [M, E].

    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)); the trace of the root is the sum of the roots of the eigenvalues of
    C1^(1/2) C2 C1^(1/2), which is symmetric.
    Raises: LatentoneError for sets of fewer than two items.
    Source: Dowson and Landau 1982; Heusel et al. 2017.
    """
    if min(len(first), len(second)) < 2:
        raise LatentoneError("a Frechet distance needs two items on each side at least")
    first, second = first.astype("float64"), second.astype("float64")
    cov_1, cov_2 = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    values, vectors = np.linalg.eigh(cov_1)
    root_1 = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root_1 @ cov_2 @ root_1), 0.0)).sum()
    means = first.mean(axis=0) - second.mean(axis=0)
    return max(0.0, float(means @ means + np.trace(cov_1) + np.trace(cov_2) - 2.0 * cross))
