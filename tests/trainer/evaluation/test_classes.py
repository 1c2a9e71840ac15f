"""Measures on classes: accuracy, confusion, inception score, diversity inside a class."""

from __future__ import annotations

import numpy as np
import pytest

from tests.trainer.evaluation.making import clips, corpus, normal, score
from trainer.evaluation.clips import Clips, Real
from trainer.evaluation.measure import Unmeasurable
from trainer.evaluation.measures.classes import accuracy, class_accuracies, confusion
from trainer.evaluation.measures.diversity import within_class_diversity

REAL = corpus()
ASKED = np.array([0, 0, 1, 1, 1, 2])
HEARD = np.eye(3)[[0, 1, 1, 1, 0, 2]]


def judged(probabilities: np.ndarray, labels: np.ndarray | None = None) -> Clips:
    return clips(np.zeros((len(probabilities), 4)), labels=labels, probabilities=probabilities)


def test_accuracies_and_confusion_count_the_same_samples() -> None:
    assert accuracy(HEARD, ASKED) == score("class_accuracy", judged(HEARD, ASKED), REAL) == pytest.approx(4 / 6)
    assert class_accuracies(HEARD, ASKED) == pytest.approx({0: 1 / 2, 1: 2 / 3, 2: 1.0})
    table = confusion(HEARD, ASKED, 3)
    assert table.dtype == np.int64
    assert table.tolist() == [[1, 1, 0], [1, 2, 0], [0, 0, 1]]


def test_confusion_leaves_out_samples_of_no_class_and_keeps_classes_of_no_sample() -> None:
    assert confusion(np.eye(3)[[2, 0]], np.array([-1, 1]), 3).tolist() == [[0, 0, 0], [1, 0, 0], [0, 0, 0]]


def test_samples_that_could_be_any_class_have_inception_score_one() -> None:
    assert score("inception_score", judged(np.full((40, 5), 0.2)), REAL) == pytest.approx(1.0)


def test_samples_of_one_class_have_inception_score_one() -> None:
    assert score("inception_score", judged(np.eye(5)[np.zeros(40, int)]), REAL) == pytest.approx(1.0)


@pytest.mark.parametrize("count", [2, 5, 10])
def test_one_clear_sample_of_each_class_has_the_highest_inception_score(count: int) -> None:
    assert score("inception_score", judged(np.eye(count)), REAL) == pytest.approx(float(count))


@pytest.mark.parametrize("name", ["class_accuracy", "inception_score"])
def test_without_a_classifier_classes_can_not_be_heard(name: str) -> None:
    with pytest.raises(Unmeasurable, match="fewer than two labels"):
        score(name, normal(0, 10, labels=np.zeros(10)), REAL)


def test_accuracy_needs_classes_that_were_asked_for() -> None:
    with pytest.raises(Unmeasurable, match="no classifier"):
        score("class_accuracy", judged(HEARD), REAL)


def test_samples_as_varied_as_real_have_diversity_one_and_half_as_varied_half() -> None:
    labels = np.arange(400) % 4
    real = Real(normal(1, 400, labels=labels), normal(2, 8))
    centres = 10.0 * np.arange(4)[labels, None]  # distances between classes are no diversity inside them
    assert score("class_diversity", clips(real.train.embeddings, labels=labels), real) == pytest.approx(1.0)
    halved = clips(0.5 * real.train.embeddings + centres, labels=labels)
    assert score("class_diversity", halved, real) == pytest.approx(0.5, rel=1e-5)


def test_diversity_does_not_depend_on_how_many_clips_there_are() -> None:
    # Unbiased variances: 2 of the pair 0 and 2, 4/3 of two such pairs.
    pair = np.array([[0.0], [2.0]])
    ratio = within_class_diversity(pair, np.zeros(2), np.concatenate([pair, pair]), np.zeros(4))
    assert ratio == pytest.approx(np.sqrt(1.5))


def test_one_item_of_each_class_repeated_has_diversity_zero() -> None:
    labels = np.arange(40) % 2
    repeated = clips(normal(0, 2).embeddings[labels], labels=labels)
    assert score("class_diversity", repeated, Real(normal(1, 40, labels=labels), normal(2, 8))) == 0.0


def test_clips_without_labels_are_one_class() -> None:
    assert score("class_diversity", clips(2.0 * REAL.train.embeddings), REAL) == pytest.approx(2.0)


def test_a_class_that_real_clips_do_not_have_does_not_count() -> None:
    items, labels = normal(0, 40).embeddings, np.arange(40) % 2
    own = np.concatenate([items, 100.0 * items])
    assert within_class_diversity(own, np.concatenate([labels, labels + 7]), items, labels) == pytest.approx(1.0)


def test_a_class_whose_real_clips_are_all_the_same_does_not_count() -> None:
    labels, varied = np.arange(40) % 2, normal(0, 40).embeddings
    real = np.where(labels[:, None] == 0, varied, np.float32(0.0))
    assert within_class_diversity(varied, labels, real, labels) == pytest.approx(1.0)


def test_no_class_with_two_clips_is_refused() -> None:
    with pytest.raises(Unmeasurable, match="two clips"):
        score("class_diversity", normal(0, 3, labels=[0, 1, 2]), Real(normal(1, 9, labels=np.zeros(9)), normal(2, 5)))
