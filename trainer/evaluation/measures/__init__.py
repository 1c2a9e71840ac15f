"""Measures of a generator: one concept a file, NumPy alone."""

from __future__ import annotations

from trainer.errors import LatentoneError, unknown
from trainer.evaluation.measure import Measure
from trainer.evaluation.measures.bins import DIFFERENT_BINS
from trainer.evaluation.measures.classes import CLASS_ACCURACY
from trainer.evaluation.measures.copying import COPYING, NEAREST_TRAINING_CLIP
from trainer.evaluation.measures.diversity import CLASS_DIVERSITY
from trainer.evaluation.measures.frechet import FRECHET_DISTANCE
from trainer.evaluation.measures.inception import INCEPTION_SCORE
from trainer.evaluation.measures.kernel import KERNEL_DISTANCE
from trainer.evaluation.measures.loudness import LEVEL, LEVEL_SPREAD, PEAK, SILENCE
from trainer.evaluation.measures.manifold import COVERAGE, DENSITY, PRECISION, RECALL
from trainer.evaluation.measures.rmse import SPECTROGRAM_RMSE

# In the order of a reader's questions: how near is it, is it what was asked for, is it all of it, is it a copy?
MEASURES: tuple[Measure, ...] = (
    FRECHET_DISTANCE,
    KERNEL_DISTANCE,
    CLASS_ACCURACY,
    INCEPTION_SCORE,
    PRECISION,
    DENSITY,
    RECALL,
    COVERAGE,
    DIFFERENT_BINS,
    CLASS_DIVERSITY,
    COPYING,
    NEAREST_TRAINING_CLIP,
    SPECTROGRAM_RMSE,
    LEVEL,
    LEVEL_SPREAD,
    PEAK,
    SILENCE,
)


def find(name: str) -> Measure:
    """Return a measure by its name.

    Raises: LatentoneError naming the nearest measure.
    """
    known = {measure.name: measure for measure in MEASURES}
    if name not in known:
        raise LatentoneError(unknown("measure", name, known))
    return known[name]
