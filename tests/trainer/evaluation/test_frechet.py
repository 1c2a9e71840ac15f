"""Frechet distance against the closed form of Gaussians."""

from __future__ import annotations

import numpy as np
import pytest

from tests.trainer.evaluation.making import clips, corpus, normal, score
from trainer.errors import LatentoneError
from trainer.evaluation.clips import Real
from trainer.evaluation.measure import Unmeasurable
from trainer.evaluation.measures.frechet import FRECHET_DISTANCE, frechet_distance


def exactly(seed: int, count: int, mean: list[float], covariance: np.ndarray) -> np.ndarray:
    """Embeddings whose own mean and covariance are the given ones: whitened first, then coloured."""
    drawn = np.random.default_rng(seed).normal(size=(count, len(mean)))
    drawn -= drawn.mean(axis=0)
    white = drawn @ np.linalg.inv(np.linalg.cholesky(np.cov(drawn, rowvar=False))).T
    return white @ np.linalg.cholesky(covariance).T + mean


def by_definition(first: np.ndarray, second: np.ndarray) -> float:
    """|m1 - m2|^2 + tr(C1 + C2) - 2 tr (C1 C2)^(1/2), by the eigenvalues of C1 C2 themselves."""
    covariances = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    roots = np.sqrt(np.maximum(np.linalg.eigvals(covariances[0] @ covariances[1]).real, 0.0))
    gap = first.mean(axis=0) - second.mean(axis=0)
    return float(gap @ gap + np.trace(covariances[0]) + np.trace(covariances[1]) - 2.0 * roots.sum())


def test_gaussians_that_share_axes_have_the_closed_form() -> None:
    first = exactly(0, 50, [1.0, 2.0, 0.0], np.diag([4.0, 1.0, 9.0]))
    second = exactly(1, 80, [0.0, 0.0, 0.0], np.diag([1.0, 1.0, 25.0]))
    # (1 + 4) of the means, (2 - 1)^2 + 0 + (3 - 5)^2 of the spreads.
    assert frechet_distance(first, second) == pytest.approx(10.0, rel=1e-9)


def test_gaussians_with_turned_axes_follow_the_definition() -> None:
    turned = np.array([[2.0, 0.9], [0.9, 1.0]])
    first, second = exactly(0, 40, [0.0, 1.0], turned), exactly(1, 60, [0.5, 0.0], np.diag([0.5, 3.0]))
    assert frechet_distance(first, second) == pytest.approx(by_definition(first, second), rel=1e-9)


@pytest.mark.parametrize("size", [8, 30, 60, 90])
def test_more_dimensions_than_items_change_nothing_in_the_definition(size: int) -> None:
    rng = np.random.default_rng(size)
    first, second = rng.normal(size=(25, size)), rng.normal(0.3, 2.0, size=(70, size))
    assert frechet_distance(first, second) == pytest.approx(by_definition(first, second), rel=1e-5)
    assert frechet_distance(second, first) == pytest.approx(frechet_distance(first, second), rel=1e-6)


def test_a_set_is_at_no_distance_from_itself_and_at_the_square_of_a_shift() -> None:
    items = np.random.default_rng(0).normal(size=(100, 6))
    assert frechet_distance(items, items) == pytest.approx(0.0, abs=1e-6)
    assert frechet_distance(items + 2.0, items) == pytest.approx(4.0 * 6, rel=1e-6)


def test_a_choice_scores_as_the_items_it_names() -> None:
    candidate, real = normal(3, 60, 6), corpus(size=6)
    indices = np.random.default_rng(0).integers(0, 60, 45)
    expected = frechet_distance(candidate.embeddings[indices], real.train.embeddings)
    assert FRECHET_DISTANCE.look(candidate, real)(indices) == pytest.approx(expected, rel=1e-9)


def test_one_item_is_refused() -> None:
    with pytest.raises(LatentoneError, match="two items"):
        frechet_distance(np.zeros((1, 3)), np.zeros((5, 3)))
    with pytest.raises(Unmeasurable, match="two clips"):
        score("frechet_distance", clips(np.zeros((1, 4))), Real(normal(0, 5), normal(1, 5)))
