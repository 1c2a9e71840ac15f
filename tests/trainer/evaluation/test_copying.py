"""Copies are told from new clips, and held-out clips from neither."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trainer.evaluation.making import clips, corpus, normal, score
from trainer.evaluation.clips import Real
from trainer.evaluation.measure import Unmeasurable
from trainer.evaluation.measures.copying import nearest


@pytest.mark.parametrize("train", [50, 100, 2000])
def test_copies_of_training_clips_are_copying_however_many_those_are(train: int) -> None:
    real = corpus(train=train, held_out=100, size=16)
    noise = np.random.default_rng(0).normal(0.0, 0.05, (train, 16))
    assert score("copying", clips(real.train.embeddings), real) == 1.0
    assert score("nearest_training_clip", clips(real.train.embeddings), real) == 0.0
    assert score("copying", clips(real.train.embeddings + noise), real) == 1.0
    assert score("nearest_training_clip", clips(real.train.embeddings + noise), real) < 0.2


def test_copies_of_held_out_clips_are_the_opposite_of_copying() -> None:
    real = corpus(train=400, held_out=100)
    assert score("copying", clips(real.held_out.embeddings), real) == 0.0


def test_half_copies_are_between() -> None:
    real = corpus(train=900, held_out=100, size=8)
    half = clips(np.concatenate([real.train.embeddings[:500], normal(3, 500, 8).embeddings]))
    # Of new samples 0.9 have a training clip nearest: 0.95 of all, weighed 0.095 / (0.095 + 0.045).
    assert score("copying", half, real) == pytest.approx(0.68, abs=0.06)


def test_new_clips_are_as_near_to_training_clips_as_to_held_out_ones() -> None:
    worlds = [(normal(s, 100), Real(normal(s + 1, 150), normal(s + 2, 60))) for s in range(0, 90, 3)]
    scores = [[score(name, new, real) for name in ("copying", "nearest_training_clip")] for new, real in worlds]
    assert np.mean(scores, axis=0) == pytest.approx([0.5, 1.0], abs=0.05)


def test_held_out_clips_are_compared_with_the_others() -> None:
    reals = [Real(normal(seed, 180), normal(1000 + seed, 60)) for seed in range(30)]
    assert np.mean([score("copying", real.held_out, real) for real in reals]) == pytest.approx(0.5, abs=0.05)
    assert score("nearest_training_clip", reals[0].held_out, reals[0]) == 1.0


def test_votes_of_held_out_clips_are_weighed_by_how_many_others_there_are() -> None:
    # 1 is nearer to the training clip 0, 10 to the other held-out clip; one against one is half.
    real = Real(clips([[0.0]]), clips([[1.0], [10.0]]))
    assert score("copying", real.held_out, real) == 0.5


def test_equally_near_speaks_neither_for_copying_nor_against() -> None:
    same = np.zeros((20, 3))
    assert score("copying", clips(same), Real(clips(same), clips(same[:7]))) == pytest.approx(0.5)


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 99))
def test_nearest_is_what_a_plain_search_finds(count: int, known: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    items, reference = rng.normal(size=(count, 3, 2)), rng.normal(size=(known, 3, 2))
    distances, indices = nearest(items, reference)
    plain = np.sqrt(np.square(items[:, None] - reference[None]).sum(axis=(2, 3)))
    np.testing.assert_array_equal(indices, plain.argmin(axis=1))
    np.testing.assert_allclose(distances, plain.min(axis=1), rtol=1e-9)


def test_an_item_is_not_its_own_neighbour_among_others() -> None:
    items = np.array([[0.0], [1.0], [3.0]])
    assert nearest(items, items)[1].tolist() == [0, 1, 2]
    distances, indices = nearest(items, items, others=True)
    assert indices.tolist() == [1, 0, 1]
    assert distances.tolist() == [1.0, 1.0, 2.0]


def test_an_exact_copy_is_at_distance_zero() -> None:
    items = normal(0, 50, 64).embeddings + np.float32(100.0)
    assert nearest(items, items[::-1])[0].tolist() == [0.0] * 50


@pytest.mark.parametrize("name", ["copying", "nearest_training_clip"])
def test_without_held_out_clips_there_is_no_saying(name: str) -> None:
    with pytest.raises(Unmeasurable, match="held"):
        score(name, normal(0, 5), Real(normal(1, 5), clips(np.zeros((0, 4)))))


def test_a_corpus_whose_held_out_clips_were_heard_is_no_yardstick() -> None:
    heard = normal(1, 20)
    with pytest.raises(Unmeasurable, match="exactly like a training clip"):
        score("nearest_training_clip", normal(0, 5), Real(heard, clips(heard.embeddings[:10])))
