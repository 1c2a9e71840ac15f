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
    """What critic and generator minimise over real and generated logits.

    is_paired: whether the generator's loss looks at the real ones, which otherwise need not be computed.
    """

    critic: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor, Tensor], Tensor]
    is_paired: bool = False


def _mean_softplus(logits: Tensor) -> Tensor:
    return ops.mean(ops.softplus(logits))


def _smoothed_bce(real: Tensor, fake: Tensor) -> Tensor:
    """Binary cross-entropy on logits with real labels of 0.9 (Salimans et al. 2016)."""
    return 0.9 * _mean_softplus(-real) + 0.1 * _mean_softplus(real) + _mean_softplus(fake)


def _weighted_bce(real: Tensor, fake: Tensor, read: Callable[[Tensor], Tensor] = lambda logits: logits) -> Tensor:
    """Binary cross-entropy with real labels of 0.9, each term weighted by how wrong the critic is on the whole batch.

    read: what the cross-entropy takes for logits.
    """
    real_weight = 1.0 - ops.stop_gradient(ops.mean(ops.sigmoid(real)))
    fake_weight = ops.stop_gradient(ops.mean(ops.sigmoid(fake)))
    real, fake = read(real), read(fake)
    real_loss = 0.9 * _mean_softplus(-real) + 0.1 * _mean_softplus(real)
    return real_weight * real_loss + fake_weight * _mean_softplus(fake)


OBJECTIVES = {
    # Non-saturating logistic: Goodfellow et al. 2014, as in StyleGAN.
    "logistic": Objective(
        critic=lambda real, fake: _mean_softplus(-real) + _mean_softplus(fake),
        generator=lambda _real, fake: _mean_softplus(-fake),
    ),
    # Pairs of real and generated, which drops fewer modes: Jolicoeur-Martineau 2019; Huang et al. 2024 (R3GAN).
    "relativistic": Objective(
        critic=lambda real, fake: _mean_softplus(fake - real),
        generator=lambda real, fake: _mean_softplus(real - fake),
        is_paired=True,
    ),
    # Lim and Ye 2017.
    "hinge": Objective(
        critic=lambda real, fake: ops.mean(ops.relu(1.0 - real)) + ops.mean(ops.relu(1.0 + fake)),
        generator=lambda _real, fake: -ops.mean(fake),
    ),
    # Arjovsky et al. 2017; with the gradient penalty below it is WGAN-GP.
    "wgan": Objective(
        critic=lambda real, fake: ops.mean(fake) - ops.mean(real),
        generator=lambda _real, fake: -ops.mean(fake),
    ),
    # Mao et al. 2017, targets 1 and 0.
    "lsgan": Objective(
        critic=lambda real, fake: ops.mean(ops.square(real - 1.0)) + ops.mean(ops.square(fake)),
        generator=lambda _real, fake: ops.mean(ops.square(fake - 1.0)),
    ),
    "bce": Objective(critic=_smoothed_bce, generator=lambda _real, fake: _mean_softplus(-fake)),
    # The report's, whose critic ends in a sigmoid: as it was meant, and with that sigmoid taken for a logit as written.
    "report": Objective(critic=_weighted_bce, generator=lambda _real, fake: _mean_softplus(-fake)),
    "report_as_written": Objective(
        critic=lambda real, fake: _weighted_bce(real, fake, read=ops.sigmoid),
        generator=lambda _real, fake: _mean_softplus(-ops.sigmoid(fake)),
    ),
}


def squared_gradient(critic: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
    """Mean of half the squared gradient norm: R1 on real inputs, R2 on generated ones.

    Source: Mescheder, Geiger and Nowozin 2018, equations 9 and 10.
    """
    gradient = input_gradient(critic, inputs)
    return 0.5 * ops.mean(_squared_norm(gradient))


def gradient_penalty(
    critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, mix: Tensor, *, one_sided: bool = False
) -> Tensor:
    """Mean squared distance of the gradient norm from 1 between real and fake; mix [B] in [0, 1].

    one_sided: shorter gradients are as good as those of 1.
    Source: Gulrajani et al. 2017, equation 3 and section 4.
    """
    weight = ops.reshape(mix, (-1,) + (1,) * (len(real.shape) - 1))
    gradient = input_gradient(critic, real + weight * (fake - real))
    excess = ops.sqrt(_squared_norm(gradient) + 1e-12) - 1.0
    return ops.mean(ops.square(ops.relu(excess) if one_sided else excess))


def _squared_norm(gradient: Tensor) -> Tensor:
    return ops.sum(ops.square(gradient), axis=tuple(range(1, len(gradient.shape))))


def class_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy of class logits [B, L] against labels int32 [B]."""
    log_probabilities = ops.log_softmax(logits)
    return -ops.mean(ops.sum(log_probabilities * ops.one_hot(labels, logits.shape[-1]), axis=-1))
