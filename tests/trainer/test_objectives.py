"""Losses and penalties against their closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from trainer.objectives import OBJECTIVES, class_loss, gradient_penalty, squared_gradient

REAL = np.array([2.0, -1.0], "float32")
FAKE = np.array([0.5, -3.0], "float32")


def softplus(x: np.ndarray) -> np.ndarray:
    return np.log1p(np.exp(x))


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def weighted(real: np.ndarray, fake: np.ndarray) -> float:
    """The report's: each cross-entropy weighted by the critic's mean error."""
    real_loss = 0.9 * softplus(-real).mean() + 0.1 * softplus(real).mean()
    return float((1 - sigmoid(REAL).mean()) * real_loss + sigmoid(FAKE).mean() * softplus(fake).mean())


EXPECTED = {
    "logistic": (softplus(-REAL).mean() + softplus(FAKE).mean(), softplus(-FAKE).mean()),
    "hinge": (np.mean([0.0, 2.0]) + np.mean([1.5, 0.0]), -FAKE.mean()),
    "wgan": (FAKE.mean() - REAL.mean(), -FAKE.mean()),
    "relativistic": (softplus(FAKE - REAL).mean(), softplus(REAL - FAKE).mean()),
    "lsgan": (np.mean((REAL - 1) ** 2) + np.mean(FAKE**2), np.mean((FAKE - 1) ** 2)),
    "bce": (
        0.9 * softplus(-REAL).mean() + 0.1 * softplus(REAL).mean() + softplus(FAKE).mean(),
        softplus(-FAKE).mean(),
    ),
    "report": (weighted(REAL, FAKE), softplus(-FAKE).mean()),
    "report_as_written": (weighted(sigmoid(REAL), sigmoid(FAKE)), softplus(-sigmoid(FAKE)).mean()),
}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_an_objective_has_its_closed_form(name: str) -> None:
    objective = OBJECTIVES[name]
    assert float(objective.critic(REAL, FAKE)) == pytest.approx(float(EXPECTED[name][0]), rel=1e-5)
    assert float(objective.generator(REAL, FAKE)) == pytest.approx(float(EXPECTED[name][1]), rel=1e-5)


def test_the_penalties_of_a_linear_critic_are_known() -> None:
    weight = np.array([[3.0], [4.0]], "float32")  # gradient norm 5 everywhere
    inputs = ops.convert_to_tensor(np.random.default_rng(0).normal(size=(6, 2)).astype("float32"))

    def critic(x: object) -> object:
        return ops.matmul(x, weight)[:, 0]

    assert float(squared_gradient(critic, inputs)) == pytest.approx(12.5, rel=1e-5)
    mix = np.linspace(0.0, 1.0, 6, dtype="float32")
    assert float(gradient_penalty(critic, inputs, -inputs, mix)) == pytest.approx(16.0, rel=1e-5)


def test_a_one_sided_penalty_leaves_short_gradients_alone() -> None:
    inputs, mix = ops.ones((4, 2)), np.full(4, 0.5, "float32")
    for slope, expected in ((0.1, 0.0), (2.0, (2.0 * 2**0.5 - 1.0) ** 2)):
        found = gradient_penalty(lambda x, slope=slope: slope * ops.sum(x, -1), inputs, inputs, mix, one_sided=True)
        assert float(found) == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_the_gradient_penalty_looks_between_real_and_fake() -> None:
    real, fake = ops.ones((1, 1)), 3.0 * ops.ones((1, 1))
    # Of x^2 the gradient is 2x; at 1 + 0.25 (3 - 1) = 1.5 it is 3, and (3 - 1)^2 = 4.
    assert float(gradient_penalty(ops.square, real, fake, np.array([0.25], "float32"))) == pytest.approx(4.0, rel=1e-5)


def test_class_loss_is_cross_entropy() -> None:
    logits = np.log(np.array([[0.7, 0.3], [0.2, 0.8]], "float32"))
    expected = -np.mean(np.log([0.7, 0.8]))
    assert float(class_loss(logits, np.array([0, 1], "int32"))) == pytest.approx(expected, rel=1e-5)
