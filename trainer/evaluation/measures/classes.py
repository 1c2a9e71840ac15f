"""Measures on labelled samples, from a classifier's embeddings and probabilities."""

from __future__ import annotations

import numpy as np


def accuracy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Share of items whose most probable class [N, L] is their label [N]."""
    return float(np.mean(np.argmax(probabilities, axis=1) == labels))


def class_accuracies(probabilities: np.ndarray, labels: np.ndarray) -> dict[int, float]:
    """Accuracy for each label that occurs."""
    return {
        int(label): accuracy(probabilities[labels == label], labels[labels == label]) for label in np.unique(labels)
    }


def within_class_diversity(
    embeddings: np.ndarray, labels: np.ndarray, reference: np.ndarray, reference_labels: np.ndarray
) -> float:
    """Spread of samples inside their class over that of real clips, averaged over classes; 1 is as varied as real.

    The spread of a class is the root of its total variance (trace of the covariance of embeddings).
    """
    ratios = []
    for label in np.unique(reference_labels):
        own, real = embeddings[labels == label], reference[reference_labels == label]
        if min(len(own), len(real)) >= 2:
            ratios.append(np.sqrt(own.var(axis=0, ddof=1).sum() / max(1e-12, real.var(axis=0, ddof=1).sum())))
    return float(np.mean(ratios)) if ratios else float("nan")
