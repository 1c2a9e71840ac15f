"""The game of vocoders: from features back to the sound that they were computed from."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from trainer.autodiff import CompiledStep, value_and_gradients
from trainer.games.norm import norm
from trainer.objectives import OBJECTIVES
from trainer.opponents import Opponents
from trainer.randomness import generator_at
from trainer.specs.game import InversionSpec
from trainer.spectral_loss import spectral_loss

Tensor = Any
Scores = dict[str, Tensor]
Heard = list[list[Tensor]]  # of each critic, what each layer hears; the last are its logits
Pairs = Callable[[np.random.Generator, int], dict[str, Tensor]]
"""Draws (rng, count) to "features" [count, T, M] and the "sound" [count, S] that they were computed from."""


class InversionGame:
    """Features to sound: critics of several rates, whose layers are matched beside their verdict.

    Source: Kumar et al. 2019, section 2.2. Both players see the same pairs in a step, as in the code published with it.
    """

    def __init__(
        self,
        make_generator: Callable[[], keras.Model],
        make_critic: Callable[[], keras.Model],
        pairs: Pairs,
        *,
        game: InversionSpec,
        batch: int,
        seed: int,
    ) -> None:
        self.spec, self.pairs, self.batch, self.seed = game, pairs, batch, seed
        self.opponents = Opponents(make_generator, make_critic, game)
        self.generator, self.critic = self.opponents.generator, self.opponents.critic
        self.average = self.opponents.average
        self.objective = OBJECTIVES[game.objective]
        self._steps: dict[bool, CompiledStep] = {}
        self._decode = CompiledStep(lambda given: {"sound": self.average(given)}, self.average.variables)

    def state(self) -> dict[str, np.ndarray]:
        """Everything that a checkpoint must hold, as arrays."""
        return self.opponents.state()

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Take over what `state` gave.

        Raises: LatentoneError where names or shapes are those of another network.
        """
        self.opponents.restore(state)

    def step(self, step: int) -> Scores:
        """Play step number `step`, counted from 0; scores stay on the device."""
        judged = step >= self.spec.alone_steps
        if judged not in self._steps:
            self._steps[judged] = CompiledStep(functools.partial(self._step, judged=judged), self.opponents.variables)
        memory = np.float32(min(self.spec.ema, (1 + step) / (10 + step)))
        pairs = self.pairs(generator_at(self.seed, step), self.batch)
        return self._steps[judged](pairs | {"memory": memory})

    def decode(self, features: Tensor) -> Tensor:
        """Sound [B, S] that the averaged generator makes of features [B, T, M]."""
        return self._decode(features)["sound"]

    def _step(self, batch: dict[str, Tensor], *, judged: bool) -> Scores:
        scores = self._critic_step(batch) if judged else {}
        scores |= self._generator_step(batch, judged=judged)
        self.opponents.follow(batch["memory"])
        return scores

    def _critic_step(self, batch: dict[str, Tensor]) -> Scores:
        made = self.generator(batch["features"], training=True)

        def loss() -> tuple[Tensor, Scores]:
            pairs = list(zip(self.critic(batch["sound"]), self.critic(made), strict=True))
            logits = [(real[-1], fake[-1]) for real, fake in pairs]
            total = sum(self.objective.critic(real, fake) for real, fake in logits)
            return total, {
                "critic_loss": total,
                "real_sign": _mean([ops.mean(ops.sign(real)) for real, _ in logits]),
                "real_above_fake": _mean([ops.mean(ops.cast(real > fake, "float32")) for real, fake in logits]),
            }

        scores: Scores
        (_, scores), gradients = value_and_gradients(loss, self.critic.trainable_variables)
        self.opponents.improve_critic(gradients)
        return scores | {"critic_gradient": norm(gradients)}

    def _generator_step(self, batch: dict[str, Tensor], *, judged: bool) -> Scores:
        def loss() -> tuple[Tensor, Scores]:
            made = self.generator(batch["features"], training=True)
            total: Tensor = 0.0
            scores: Scores = {}
            if judged:
                real, fake = self.critic(batch["sound"]), self.critic(made)
                total += sum(
                    self.objective.generator(first[-1], second[-1]) for first, second in zip(real, fake, strict=True)
                )
                scores["feature_loss"] = feature_loss(real, fake)
                total += self.spec.feature_weight * scores["feature_loss"]
            if self.spec.spectral_weight:
                scores["spectral_loss"] = spectral_loss(batch["sound"], made)
                total += self.spec.spectral_weight * scores["spectral_loss"]
            return total, scores | {"generator_loss": total}

        scores: Scores
        (_, scores), gradients = value_and_gradients(loss, self.generator.trainable_variables)
        self.opponents.improve_generator(gradients)
        return scores | {"generator_gradient": norm(gradients)}


def feature_loss(real: Heard, fake: Heard) -> Tensor:
    """Mean absolute difference of what the critics' layers hear, logits left out.

    Each critic's layers are added up, weighted by 4 / their number less one, and critics are averaged.
    Source: Kumar et al. 2019, equation 4; the weights are those of the code published with it.
    """
    distances = [
        4.0
        / (len(first) - 2)
        * sum(ops.mean(ops.abs(ops.stop_gradient(a) - b)) for a, b in zip(first[:-1], second[:-1], strict=True))
        for first, second in zip(real, fake, strict=True)
    ]
    return _mean(distances)


def _mean(values: list[Tensor]) -> Tensor:
    return sum(values) / len(values)
