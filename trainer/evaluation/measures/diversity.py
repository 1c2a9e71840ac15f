"""Whether samples of one class are as varied as real clips of it."""

from __future__ import annotations

import numpy as np

from trainer.evaluation.clips import Clips, Indices, Real
from trainer.evaluation.measure import Measure, Statistic, Unmeasurable


def within_class_diversity(
    embeddings: np.ndarray, labels: np.ndarray, reference: np.ndarray, reference_labels: np.ndarray
) -> float:
    """Spread of samples inside their class over that of real clips, averaged over classes; 1 is as varied as real.

    embeddings [N, E] with labels [N]; reference [M, E] with labels [M]. NaN where no class has two of each.
    """
    return _mean_ratio(_spreads(embeddings, labels), _spreads(reference, reference_labels))


def _spreads(embeddings: np.ndarray, labels: np.ndarray) -> dict[int, float]:
    """Root of the total variance (trace of the covariance) of each class that has two items at least."""
    own = {int(label): embeddings[labels == label] for label in np.unique(labels)}
    return {
        label: float(np.sqrt(items.var(axis=0, ddof=1, dtype="float64").sum()))
        for label, items in own.items()
        if len(items) >= 2
    }


def _mean_ratio(spreads: dict[int, float], real: dict[int, float]) -> float:
    ratios = [spreads[label] / spread for label, spread in real.items() if label in spreads and spread > 0.0]
    return float(np.mean(ratios)) if ratios else float("nan")


def _look(candidate: Clips, real: Real) -> Statistic:
    """Within-class diversity beside training clips; all clips of a corpus without labels are one class."""
    spreads = _spreads(real.train.embeddings, real.train.labels)
    if np.isnan(_mean_ratio(_spreads(candidate.embeddings, candidate.labels), spreads)):
        raise Unmeasurable("no class has two clips on each side")

    def statistic(indices: Indices) -> float:
        return _mean_ratio(_spreads(candidate.embeddings[indices], candidate.labels[indices]), spreads)

    return statistic


CLASS_DIVERSITY = Measure(name="class_diversity", title="Diversity inside a class", better="floor", look=_look)
