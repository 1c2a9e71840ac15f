"""Adversarial losses and penalties as plain functions of the critic's outputs.

Losses take logits [B] and return scalars; a penalty takes the critic as a function of its input.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from keras import ops

from trainer.autodiff import input_gradient

Tensor = Any


class Objective(NamedTuple):
    """What the critic minimises over real and generated logits, and what the generator minimises."""

    critic: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]


def _mean_softplus(logits: Tensor) -> Tensor:
    return ops.mean(ops.softplus(logits))


def _smoothed_bce(real: Tensor, fake: Tensor) -> Tensor:
    """Binary cross-entropy on logits with real labels of 0.9 (Salimans et al. 2016)."""
    return 0.9 * _mean_softplus(-real) + 0.1 * _mean_softplus(real) + _mean_softplus(fake)


OBJECTIVES = {
    # Non-saturating logistic: Goodfellow et al. 2014, as in StyleGAN.
    "logistic": Objective(
        critic=lambda real, fake: _mean_softplus(-real) + _mean_softplus(fake),
        generator=lambda fake: _mean_softplus(-fake),
    ),
    # Lim and Ye 2017.
    "hinge": Objective(
        critic=lambda real, fake: ops.mean(ops.relu(1.0 - real)) + ops.mean(ops.relu(1.0 + fake)),
        generator=lambda fake: -ops.mean(fake),
    ),
    # Arjovsky et al. 2017; with the gradient penalty below it is WGAN-GP.
    "wgan": Objective(
        critic=lambda real, fake: ops.mean(fake) - ops.mean(real),
        generator=lambda fake: -ops.mean(fake),
    ),
    # Mao et al. 2017, targets 1 and 0.
    "lsgan": Objective(
        critic=lambda real, fake: ops.mean(ops.square(real - 1.0)) + ops.mean(ops.square(fake)),
        generator=lambda fake: ops.mean(ops.square(fake - 1.0)),
    ),
    "bce": Objective(critic=_smoothed_bce, generator=lambda fake: _mean_softplus(-fake)),
}


def squared_gradient(critic: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
    """Mean of half the squared gradient norm: R1 on real inputs, R2 on generated ones.

    Source: Mescheder, Geiger and Nowozin 2018, equations 9 and 10.
    """
    gradient = input_gradient(critic, inputs)
    return 0.5 * ops.mean(_squared_norm(gradient))


def gradient_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, mix: Tensor) -> Tensor:
    """Mean squared distance of the gradient norm from 1 between real and fake; mix [B] in [0, 1].

    Source: Gulrajani et al. 2017, equation 3.
    """
    weight = ops.reshape(mix, (-1,) + (1,) * (len(real.shape) - 1))
    gradient = input_gradient(critic, real + weight * (fake - real))
    return ops.mean(ops.square(ops.sqrt(_squared_norm(gradient) + 1e-12) - 1.0))


def _squared_norm(gradient: Tensor) -> Tensor:
    return ops.sum(ops.square(gradient), axis=tuple(range(1, len(gradient.shape))))


def class_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy of class logits [B, L] against labels int32 [B]."""
    log_probabilities = ops.log_softmax(logits)
    return -ops.mean(ops.sum(log_probabilities * ops.one_hot(labels, logits.shape[-1]), axis=-1))
