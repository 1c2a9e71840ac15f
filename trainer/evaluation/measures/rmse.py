"""Spectrogram RMSE, the measure of the seed report."""

from __future__ import annotations

import numpy as np

from trainer.evaluation.clips import Clips, Indices, Real
from trainer.evaluation.measure import Measure, Statistic, Unmeasurable

SEED = 4


def _look(candidate: Clips, real: Real) -> Statistic:
    """Mean RMSE between a sample's log-mel picture in [-1, 1] and that of a random training clip of its label.

    Pairs are drawn once, seeded; of any label where there are none. Kept for comparison with the report, and read
    beside the floor only: the lowest RMSE belongs to the mean picture of the corpus, a blur that sounds like no clip.
    """
    if not (len(candidate) and len(real.train)):
        raise Unmeasurable("there are no clips to pair")
    partners = _partners(candidate.labels, real.train.labels)
    squares = np.square(candidate.thumbnails - real.train.thumbnails[partners])
    errors = np.sqrt(squares.mean(axis=(1, 2), dtype="float64"))
    return lambda indices: float(errors[indices].mean())


def _partners(labels: np.ndarray, real_labels: np.ndarray) -> Indices:
    """For each label [N] the index of a random real clip with that label, or of any where none has it."""
    random = np.random.Generator(np.random.Philox(key=SEED))
    partners = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        own, alike = labels == label, np.flatnonzero(real_labels == label)
        partners[own] = random.choice(alike if len(alike) else len(real_labels), int(own.sum()))
    return partners


SPECTROGRAM_RMSE = Measure(name="spectrogram_rmse", title="Spectrogram RMSE", better="floor", look=_look)
