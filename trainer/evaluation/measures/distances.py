"""Distances between many clips, in blocks that fit in memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

BLOCK = 2**22  # distances at a time: 32 MB


def distance_blocks(first: np.ndarray, second: np.ndarray) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Squared Euclidean distances of every item of [N, E] to every item of [M, E].

    Yields: a slice of rows and its distances [rows, M], few enough rows that a block stays near 32 MB.
    """
    second = second.astype("float64")
    squares = np.square(second).sum(axis=1)
    step = max(1, BLOCK // len(second))
    for start in range(0, len(first), step):
        rows = slice(start, min(start + step, len(first)))
        block = first[rows].astype("float64")
        distances = block @ (-2.0 * second.T)
        distances += np.square(block).sum(axis=1)[:, None]
        distances += squares
        yield rows, np.maximum(distances, 0.0, out=distances)  # rounding may leave a copy just below zero
