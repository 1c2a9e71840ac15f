"""Bootstrap intervals hold what they promise."""

from __future__ import annotations

import numpy as np
import pytest

from tests.trainer.evaluation.making import corpus, normal
from trainer.evaluation.bootstrap import interval
from trainer.evaluation.clips import Indices
from trainer.evaluation.measure import Statistic
from trainer.evaluation.measures import find


def mean_of(values: np.ndarray) -> Statistic:
    def statistic(indices: Indices) -> float:
        return float(values[indices].mean())

    return statistic


def test_the_interval_of_a_mean_is_the_textbook_one() -> None:
    values = np.random.default_rng(0).normal(3.0, 2.0, 400)
    low, high = interval(mean_of(values), 400, seed=0, repeats=2000)
    margin = 1.96 * values.std() / 20.0
    assert low == pytest.approx(values.mean() - margin, abs=0.1 * margin)
    assert high == pytest.approx(values.mean() + margin, abs=0.1 * margin)


def test_about_nineteen_intervals_of_twenty_contain_the_true_mean() -> None:
    intervals = [
        interval(mean_of(np.random.default_rng(seed).exponential(1.0, 200)), 200, seed=seed) for seed in range(200)
    ]
    assert 0.88 <= np.mean([low <= 1.0 <= high for low, high in intervals]) <= 0.99


def test_the_same_seed_gives_the_same_interval_and_another_does_not() -> None:
    statistic = mean_of(np.random.default_rng(0).normal(size=50))
    assert interval(statistic, 50, seed=5) == interval(statistic, 50, seed=5)
    assert interval(statistic, 50, seed=5) != interval(statistic, 50, seed=6)


def test_a_seed_gives_the_same_figures_on_every_machine() -> None:
    low, high = interval(mean_of(np.arange(10.0)), 10, seed=0, repeats=20)
    assert (low, high) == pytest.approx((2.7761146, 6.2238854), abs=1e-6)


def test_a_constant_has_an_interval_of_no_width() -> None:
    assert interval(lambda _indices: 4.0, 10, seed=0) == (4.0, 4.0)


def test_percentiles_would_miss_the_frechet_distance_and_the_interval_does_not() -> None:
    candidate, real = normal(3, 60, 8), corpus(size=8)
    statistic = find("frechet_distance").look(candidate, real)
    value = statistic(np.arange(60))
    rng = np.random.default_rng(0)
    repeats = [statistic(rng.integers(0, 60, 60)) for _ in range(100)]
    assert np.percentile(repeats, 2.5) > value
    low, high = interval(statistic, 60, seed=0)
    assert low < value < high
