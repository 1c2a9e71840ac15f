"""Loudness: a generator may be right in every class and still too loud, too even, clipped or silent."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from trainer.evaluation.clips import Clips, Indices, Real
from trainer.evaluation.measure import Measure, Statistic, Unmeasurable


def _mean_of(values_of: Callable[[Clips], np.ndarray]) -> Callable[[Clips, Real], Statistic]:
    """Look at the mean of one number a clip."""

    def look(candidate: Clips, _real: Real) -> Statistic:
        if not len(candidate):
            raise Unmeasurable("there are no clips")
        values = values_of(candidate).astype("float64")
        return lambda indices: float(values[indices].mean())

    return look


def _level_spread(candidate: Clips, _real: Real) -> Statistic:
    """Standard deviation of the clips' levels, in dB."""
    if len(candidate) < 2:
        raise Unmeasurable("a spread needs two clips at least")
    levels = candidate.levels_dbfs.astype("float64")

    def statistic(indices: Indices) -> float:
        return float(levels[indices].std(ddof=1))

    return statistic


LEVEL = Measure(name="level", title="Level (dBFS)", better="floor", look=_mean_of(lambda clips: clips.levels_dbfs))
LEVEL_SPREAD = Measure(name="level_spread", title="Spread of levels (dB)", better="floor", look=_level_spread)
PEAK = Measure(name="peak", title="Peak", better="floor", look=_mean_of(lambda clips: clips.peaks))
SILENCE = Measure(name="silence", title="Share of silence", better="floor", look=_mean_of(lambda clips: clips.silences))
