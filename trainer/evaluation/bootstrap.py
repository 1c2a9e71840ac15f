"""How far a score would move with other samples: bootstrap intervals."""

from __future__ import annotations

import numpy as np

from trainer.evaluation.measure import Statistic

NORMAL_95 = 1.96


def interval(statistic: Statistic, count: int, *, seed: int, repeats: int = 100) -> tuple[float, float]:
    """The 95 % interval of a statistic on `count` items: its value and 1.96 bootstrap standard errors either side.

    A normal interval about the value, not percentiles of the repeats: a choice with repeated items looks less varied
    than the items are, so distances of Frechet's kind come out too high on every repeat and their percentiles may
    not even contain the value. The spread of the repeats does not suffer from that.
    Only the items are drawn again: the interval holds for these real clips and says nothing of other corpora.
    The same seed (0 or more) gives the same figures everywhere. `repeats` is 2 or more.
    Source: Efron and Tibshirani 1993, chapters 12 and 13.
    """
    random = np.random.Generator(np.random.Philox(key=seed))
    value = statistic(np.arange(count))
    drawn = [statistic(random.integers(0, count, count)) for _ in range(repeats)]
    margin = NORMAL_95 * float(np.std(drawn, ddof=1))
    return value - margin, value + margin
