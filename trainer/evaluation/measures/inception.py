"""Inception score: each sample clearly of one class, all classes heard."""

from __future__ import annotations

import numpy as np

from trainer.evaluation.clips import Clips, Indices, Real
from trainer.evaluation.measure import Measure, Statistic, Unmeasurable


def _look(candidate: Clips, _real: Real) -> Statistic:
    """The exponential of the mean KL divergence from the mean class probabilities [L] to each sample's.

    Between 1 and L. It sees no real clip, and one perfect sample of each class reaches L: read it beside the floor.
    Source: Salimans et al. 2016, over all samples at once instead of a mean over ten parts.
    """
    if candidate.probabilities is None:
        raise Unmeasurable("no classifier: the corpus has fewer than two labels, or they are pitches")
    if not len(candidate):
        raise Unmeasurable("there are no clips")
    probabilities = candidate.probabilities.astype("float64")
    entropies = _entropy(probabilities)

    def statistic(indices: Indices) -> float:
        of_mean = _entropy(probabilities[indices].mean(axis=0))
        return float(np.exp(of_mean - entropies[indices].mean()))

    return statistic


def _entropy(probabilities: np.ndarray) -> np.ndarray:
    """Entropy in nats over the last axis; a class of probability 0 adds nothing."""
    logarithms = np.log(np.maximum(probabilities, np.finfo("float64").tiny))
    return np.asarray(-(probabilities * logarithms).sum(axis=-1))


INCEPTION_SCORE = Measure(name="inception_score", title="Inception score", better="higher", look=_look)
