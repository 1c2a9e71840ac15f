"""Precision, recall, density and coverage on sets whose neighbourhoods are known."""

from __future__ import annotations

import numpy as np
import pytest

from tests.trainer.evaluation.making import clips, corpus, normal, score
from trainer.evaluation.clips import Real
from trainer.evaluation.measure import Unmeasurable
from trainer.evaluation.measures import distances, find, manifold
from trainer.evaluation.measures.distances import distance_blocks
from trainer.evaluation.measures.manifold import representatives

FOUR = ("precision", "recall", "density", "coverage")


@pytest.mark.parametrize("name", FOUR)
def test_the_training_set_itself_scores_full(name: str) -> None:
    real = corpus()
    # Each clip lies in its own ball too, which strangers do not: 6 / 5 instead of 1.
    expected = 1.2 if name == "density" else 1.0
    assert score(name, clips(real.train.embeddings), real) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("name", FOUR)
def test_a_set_far_away_scores_zero(name: str) -> None:
    assert score(name, normal(3, 100, mean=100.0), corpus()) == 0.0


def test_density_is_one_on_average_for_the_same_distribution() -> None:
    real = corpus(train=500)
    assert np.mean([score("density", normal(seed, 200), real) for seed in range(3, 13)]) == pytest.approx(1.0, abs=0.1)


def test_one_item_repeated_is_precise_and_reaches_next_to_nothing() -> None:
    real = corpus()
    repeated = clips(np.repeat(real.train.embeddings[:1], 50, axis=0))
    assert score("precision", repeated, real) == 1.0
    assert score("recall", repeated, real) <= 1 / 400
    assert score("coverage", repeated, real) < 0.05


def test_balls_on_a_line_are_counted_by_hand() -> None:
    # The fifth nearest fellow of 0 among 0..9 is 5 away, that of 4 (and of 5) is 3 away, that of 9 is 5 away.
    real = Real(clips(np.arange(10.0)[:, None]), normal(0, 6, 1))
    candidate = clips([[-4.5], [100.0], [101.0], [102.0], [103.0], [104.0], [105.0]])
    # -4.5 lies in the ball of 0 alone (1 reaches 4: not to -4.5), and its own ball holds all ten.
    assert score("precision", candidate, real) == pytest.approx(1 / 7)
    assert score("density", candidate, real) == pytest.approx(1 / 7 / 5)
    assert score("coverage", candidate, real) == pytest.approx(1 / 10)
    assert score("recall", candidate, real) == 1.0


def test_an_outlier_lifts_recall_and_leaves_coverage() -> None:
    real = corpus()
    apart = 0.1 * normal(3, 50).embeddings - 10.0
    with_outlier = clips(np.concatenate([apart, np.full((1, 4), 50.0)]))
    assert score("recall", clips(apart), real) == score("coverage", clips(apart), real) == 0.0
    assert score("recall", with_outlier, real) == 1.0  # its ball reaches back to the others, past all real clips
    assert score("coverage", with_outlier, real) == 0.0


def test_a_choice_keeps_the_radii_of_the_full_set() -> None:
    candidate, real = normal(3, 30), corpus()
    statistic = find("recall").look(candidate, real)
    once, repeated = statistic(np.arange(10)), statistic(np.repeat(np.arange(10), 3))
    assert once == repeated > 0.0


@pytest.mark.parametrize("name", FOUR)
def test_blocks_of_any_size_give_the_same_score(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = score(name, normal(3, 50), corpus())
    monkeypatch.setattr(distances, "BLOCK", 1000)
    assert score(name, normal(3, 50), corpus()) == whole


def test_distances_come_in_whole_sets_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distances, "BLOCK", 21)
    first, second = normal(3, 10).embeddings, normal(4, 7).embeddings
    blocks = list(distance_blocks(first, second))
    assert [(rows.start, rows.stop) for rows, _ in blocks] == [(0, 3), (3, 6), (6, 9), (9, 10)]
    expected = np.square(first[:, None] - second[None]).sum(axis=2)
    np.testing.assert_allclose(np.concatenate([distances for _, distances in blocks]), expected, rtol=1e-5)


def test_a_large_corpus_is_represented_by_a_choice_that_stays_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    train = corpus().train
    assert representatives(train) is train.embeddings
    monkeypatch.setattr(manifold, "AT_MOST", 40)
    assert np.unique(representatives(train), axis=0).shape == (40, 4)
    assert not np.array_equal(representatives(train), train.embeddings[:40])  # a corpus is sorted by class
    first, second = (score("recall", normal(3, 30), corpus()) for _ in range(2))
    assert first == second
    assert (first * 40).is_integer()


@pytest.mark.parametrize("name", FOUR)
def test_five_clips_have_no_five_neighbours(name: str) -> None:
    with pytest.raises(Unmeasurable, match="more than 5 clips"):
        score(name, normal(3, 5), corpus())
