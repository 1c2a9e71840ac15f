"""Measures on labelled samples, from a classifier's probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trainer.evaluation.clips import Clips, Real
from trainer.evaluation.measure import Measure, Statistic, Unmeasurable


def accuracy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Share of items whose most probable class [N, L] is their label [N]."""
    return float(np.mean(np.argmax(probabilities, axis=1) == labels))


def class_accuracies(probabilities: np.ndarray, labels: np.ndarray) -> dict[int, float]:
    """Accuracy for each label that occurs."""
    return {
        int(label): accuracy(probabilities[labels == label], labels[labels == label]) for label in np.unique(labels)
    }


def confusion(probabilities: np.ndarray, labels: np.ndarray, count: int) -> NDArray[np.int64]:
    """How often each class was heard where each was asked for.

    probabilities [N, L], labels [N] in 0..L-1 or -1 for items to leave out, count = L.
    Returns: int64 [L, L], rows asked for, columns heard.
    """
    asked, heard = labels[labels >= 0], np.argmax(probabilities[labels >= 0], axis=1)
    pairs = asked.astype("int64") * count + heard
    return np.bincount(pairs, minlength=count * count).reshape(count, count)


def _look(candidate: Clips, _real: Real) -> Statistic:
    """Share of samples that an independent classifier hears as the class that was asked for."""
    if candidate.probabilities is None or not (candidate.labels >= 0).any():
        raise Unmeasurable("no classifier: the corpus has fewer than two labels, or they are pitches")
    right = candidate.probabilities.argmax(axis=1) == candidate.labels
    return lambda indices: float(right[indices].mean())


CLASS_ACCURACY = Measure(name="class_accuracy", title="Class accuracy", better="higher", look=_look)
