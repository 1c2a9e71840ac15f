"""Clips out of plain numbers, for tests of measures."""

from __future__ import annotations

from typing import Any

import numpy as np

from trainer.evaluation.clips import Clips, Real
from trainer.evaluation.measures import find


def clips(embeddings: Any, *, labels: Any = None, probabilities: Any = None, **numbers: Any) -> Clips:
    """Clips with embeddings [N, E]; the picture of each is its embedding again, so both know the same distances.

    labels: -1 unless given. numbers: any other field of Clips; 0 unless given.
    """
    embeddings = np.asarray(embeddings, "float32")
    count = len(embeddings)
    fields = {name: np.zeros(count, "float32") for name in ("levels_dbfs", "peaks", "silences", "pitches")}
    return Clips(
        labels=np.full(count, -1, "int32") if labels is None else np.asarray(labels, "int32"),
        embeddings=embeddings,
        probabilities=None if probabilities is None else np.asarray(probabilities, "float32"),
        thumbnails=embeddings[:, :, None],
        **fields | {name: np.asarray(values, "float32") for name, values in numbers.items()},
    )


def normal(seed: int, count: int, size: int = 4, *, mean: float = 0.0, **numbers: Any) -> Clips:
    """Clips around one mean, spread 1 in each of `size` dimensions."""
    return clips(np.random.default_rng(seed).normal(mean, 1.0, (count, size)), **numbers)


def corpus(*, train: int = 400, held_out: int = 100, size: int = 4) -> Real:
    """Normal clips around 0."""
    return Real(normal(1, train, size), normal(2, held_out, size))


def score(name: str, candidate: Clips, real: Real) -> float:
    """A measure on all items."""
    return find(name).look(candidate, real)(np.arange(len(candidate)))
