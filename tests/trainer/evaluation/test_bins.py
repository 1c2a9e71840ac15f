"""Statistically different bins, and the k-means under them."""

from __future__ import annotations

import numpy as np
import pytest

from tests.trainer.evaluation.making import clips, corpus, normal, score
from trainer.evaluation.clips import Clips, Real
from trainer.evaluation.measure import Unmeasurable
from trainer.evaluation.measures.bins import bin_count, different, k_means

MODES = 100.0 * np.eye(10)


def modes(seed: int, count: int, *, of: int = 10) -> Clips:
    rng = np.random.default_rng(seed)
    return clips(MODES[np.arange(count) % of] + rng.normal(size=(count, 10)))


def test_the_training_set_differs_in_no_bin() -> None:
    real = corpus()
    assert score("different_bins", clips(real.train.embeddings), real) == 0.0


def test_the_same_distribution_differs_in_one_bin_of_twenty_or_so() -> None:
    real = corpus(train=2000)
    scores = [score("different_bins", normal(seed, 500), real) for seed in range(3, 13)]
    assert 0.0 < np.mean(scores) < 0.12


def test_missing_modes_are_different_bins() -> None:
    real = Real(modes(1, 190), modes(2, 50))  # under 200 clips: ten bins, one for each mode
    assert score("different_bins", modes(3, 190), real) == 0.0
    # Five of ten are missing, and the other five come twice as often.
    assert score("different_bins", modes(3, 190, of=5), real) == 1.0
    assert score("different_bins", clips(np.repeat(MODES[:1], 100, axis=0)), real) == 1.0


def test_the_test_of_proportions_is_the_textbook_one() -> None:
    # 50 and 30 of 100: pooled 0.4, error 0.0693, z = 2.89. 50 and 40: pooled 0.45, z = 1.42. 0 and 0: no evidence.
    assert different(np.array([50, 50]), np.array([30, 70])).tolist() == [True, True]
    assert different(np.array([50, 50]), np.array([40, 60])).tolist() == [False, False]
    assert different(np.array([0, 100]), np.array([0, 100])).tolist() == [False, False]


def test_k_means_finds_separate_modes_and_the_same_ones_again() -> None:
    points = modes(0, 400).embeddings.astype("float64")
    centres = k_means(points, 10, seed=0)
    found = centres[centres.argmax(axis=1).argsort()]
    np.testing.assert_allclose(found, MODES, atol=1.0)
    np.testing.assert_array_equal(centres, k_means(points, 10, seed=0))


def test_k_means_bears_fewer_different_points_than_centres() -> None:
    centres = k_means(np.repeat([[0.0, 0.0], [1.0, 1.0]], 10, axis=0), 5, seed=0)
    assert {tuple(centre) for centre in centres} == {(0.0, 0.0), (1.0, 1.0)}


def test_there_are_about_twenty_clips_in_a_bin() -> None:
    assert [bin_count(count) for count in (30, 200, 1000, 2000, 9000)] == [10, 10, 50, 100, 100]


def test_fewer_clips_than_bins_are_refused() -> None:
    with pytest.raises(Unmeasurable, match="20 bins"):
        score("different_bins", normal(3, 19), corpus())
