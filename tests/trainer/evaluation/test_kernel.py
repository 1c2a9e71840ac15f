"""Kernel distance against its definition, pair by pair."""

from __future__ import annotations

import numpy as np
import pytest

from tests.trainer.evaluation.making import corpus, normal, score
from trainer.evaluation.clips import Clips, Indices, Real
from trainer.evaluation.measure import Unmeasurable
from trainer.evaluation.measures import kernel
from trainer.evaluation.measures.kernel import KERNEL_DISTANCE


def pair_by_pair(candidate: Clips, real: Real, indices: Indices) -> float:
    def kernel_of(a: np.ndarray, b: np.ndarray) -> float:
        return float((a.astype("float64") @ b / len(a) + 1.0) ** 3)

    items, train = candidate.embeddings, real.train.embeddings
    among = [kernel_of(items[i], items[j]) for i in indices for j in indices if i != j]
    real_pairs = [kernel_of(a, b) for m, a in enumerate(train) for n, b in enumerate(train) if m != n]
    across = [kernel_of(items[i], b) for i in indices for b in train]
    return float(np.mean(among) + np.mean(real_pairs) - 2.0 * np.mean(across))


@pytest.mark.parametrize("block", [64, 2**22])
def test_a_choice_with_repeats_counts_pairs_of_different_items_only(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel, "BLOCK", block)
    candidate, real = normal(3, 20), corpus(train=30, held_out=5)
    indices = np.random.default_rng(0).integers(0, 20, 20)
    assert len(np.unique(indices)) < 20
    statistic = KERNEL_DISTANCE.look(candidate, real)
    assert statistic(indices) == pytest.approx(pair_by_pair(candidate, real, indices), rel=1e-5)
    assert statistic(np.arange(20)) == pytest.approx(pair_by_pair(candidate, real, np.arange(20)), rel=1e-5)


def test_it_is_zero_on_average_for_the_same_distribution_however_few_the_items() -> None:
    real = corpus(train=1000)
    scores = [score("kernel_distance", normal(seed, 20), real) for seed in range(10, 210)]
    assert abs(np.mean(scores)) < 3.0 * np.std(scores) / np.sqrt(200) + 0.02


def test_a_shift_shows() -> None:
    assert score("kernel_distance", normal(3, 200, mean=1.0), corpus()) > 1.0


def test_fewer_than_ten_clips_are_refused() -> None:
    with pytest.raises(Unmeasurable, match="10 clips"):
        score("kernel_distance", normal(3, 9), corpus())
