"""Games: how generator and critic learn from each other. A game knows tensors, no corpus and no audio."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from trainer import augment
from trainer.autodiff import CompiledStep, value_and_gradients
from trainer.config import AugmentSpec, GameSpec, LatentoneError
from trainer.objectives import OBJECTIVES, class_loss, gradient_penalty, squared_gradient
from trainer.randomness import generator_at

Tensor = Any
Batch = dict[str, Any]
Scores = dict[str, Tensor]
RealBatch = Callable[[np.random.Generator, int], tuple[Tensor, np.ndarray]]
"""Draws real items: (rng, count) to features [count, T, M] and labels int32 [count]."""

ADAPT_EVERY = 16
SIGN_DECAY = 0.9


class LatentGame:
    """Latent to sound: an adversarial game with augmentation, penalties and, where there are labels, classes."""

    def __init__(
        self,
        make_generator: Callable[[], keras.Model],
        make_critic: Callable[[], keras.Model],
        real_batch: RealBatch,
        *,
        latent_size: int,
        game: GameSpec,
        augmentation: AugmentSpec,
        batch: int,
        seed: int,
    ) -> None:
        self.spec, self.augmentation = game, augmentation
        self.batch, self.seed, self.latent_size = batch, seed, latent_size
        self.real_batch = real_batch
        self.generator, self.critic = make_generator(), make_critic()
        self.average = make_generator()
        self.average.set_weights(self.generator.get_weights())
        self.label_count: int = self.generator.label_count
        self.objective = OBJECTIVES[game.objective]
        self.generator_optimizer = self._adam(self.generator, game.generator_learning_rate)
        self.critic_optimizer = self._adam(self.critic, game.critic_learning_rate)
        self.real_sign = keras.Variable(np.float32(0.0), trainable=False, name="real_sign")
        self.probability = augmentation.probability
        state = self._variables()
        self._plain_step = CompiledStep(lambda batch: self._step(batch, penalty=False), state)
        self._penalty_step = CompiledStep(lambda batch: self._step(batch, penalty=True), state)

    def _adam(self, network: keras.Model, learning_rate: float) -> keras.optimizers.Optimizer:
        optimizer = keras.optimizers.Adam(learning_rate, self.spec.beta_1, self.spec.beta_2, epsilon=1e-8)
        optimizer.build(network.trainable_variables)
        return optimizer

    # -- state ---------------------------------------------------------------------------------------------------

    def _groups(self) -> dict[str, list[Any]]:
        return {
            "generator": self.generator.variables,
            "critic": self.critic.variables,
            "average": self.average.variables,
            "generator_optimizer": self.generator_optimizer.variables,
            "critic_optimizer": self.critic_optimizer.variables,
            "real_sign": [self.real_sign],
        }

    def _variables(self) -> list[Any]:
        return [variable for group in self._groups().values() for variable in group]

    def state(self) -> dict[str, np.ndarray]:
        """Everything that a checkpoint must hold, as arrays."""
        arrays = {
            f"{name}/{index:03d}": np.asarray(variable)
            for name, group in self._groups().items()
            for index, variable in enumerate(group)
        }
        return arrays | {"probability": np.asarray(self.probability)}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Take over what `state` gave.

        Raises: LatentoneError where names or shapes are those of another network.
        """
        own = self.state()
        odd = sorted(name for name in own.keys() | state.keys() if name not in own or name not in state)
        odd += sorted(name for name in own.keys() & state.keys() if own[name].shape != state[name].shape)
        if odd:
            raise LatentoneError(f"the checkpoint is of another network: {odd[0]} and {len(odd) - 1} more differ")
        for name, group in self._groups().items():
            for index, variable in enumerate(group):
                variable.assign(state[f"{name}/{index:03d}"])
        self.probability = float(state["probability"])

    # -- one step ------------------------------------------------------------------------------------------------

    def step(self, step: int) -> Scores:
        """Play step number `step`, counted from 0; scores stay on the device."""
        if step % ADAPT_EVERY == 0 and step:
            sign, clips = float(np.asarray(self.real_sign)), ADAPT_EVERY * self.batch
            self.probability = augment.adapt(self.augmentation, self.probability, sign, clips)
        batch = self._draw(step)
        penalty = self.spec.has_penalty and step % self.spec.penalty_every == 0
        scores = (self._penalty_step if penalty else self._plain_step)(batch)
        return scores | {"augmentation": self.probability}

    def _draw(self, step: int) -> Batch:
        rng = generator_at(self.seed, step)
        return {
            "critic": [self._draw_critic(rng) for _ in range(self.spec.critic_steps)],
            "generator": self._draw_generated(rng),
            "ema": np.float32(min(self.spec.ema, (1 + step) / (10 + step))),
        }

    def _draw_critic(self, rng: np.random.Generator) -> Batch:
        real, labels = self.real_batch(rng, self.batch)
        return self._draw_generated(rng) | {
            "real": real,
            "real_label": labels.astype("int32"),
            "real_numbers": self._numbers(real.shape[1:], rng),
            "mix": rng.random(self.batch, dtype="float32"),
        }

    def _draw_generated(self, rng: np.random.Generator) -> Batch:
        return {
            "latent": rng.standard_normal((self.batch, self.latent_size), dtype="float32"),
            "label": rng.integers(0, max(1, self.label_count), self.batch, dtype="int32"),
            "numbers": self._numbers(self.generator.output_grid, rng),
        }

    def _numbers(self, shape: tuple[int, int], rng: np.random.Generator) -> dict[str, np.ndarray]:
        return augment.draw(self.augmentation, self.probability, shape, self.batch, rng)

    def _step(self, batch: Batch, *, penalty: bool) -> Scores:
        scores: Scores = {}
        for critic_batch in batch["critic"]:
            scores |= self._critic_step(critic_batch, penalty=penalty)
        scores |= self._generator_step(batch["generator"])
        for target, source in zip(self.average.variables, self.generator.variables, strict=True):
            target.assign(batch["ema"] * target + (1.0 - batch["ema"]) * source)
        return scores

    def _critic_step(self, batch: Batch, *, penalty: bool) -> Scores:
        fake_picture = self.generator(batch["latent"], self._label(batch["label"]))
        real = augment.augment(batch["real"], batch["real_numbers"])
        fake = augment.augment(fake_picture, batch["numbers"])

        def loss() -> tuple[Tensor, Scores]:
            # Two calls: in one, the batch deviation would mix real and generated items.
            real_logit, real_class = self.critic(real, self._label(batch["real_label"]))
            fake_logit, fake_class = self.critic(fake, self._label(batch["label"]))
            total = self.objective.critic(real_logit, fake_logit)
            if self.label_count:
                classes = class_loss(real_class, batch["real_label"]) + class_loss(fake_class, batch["label"])
                total = total + self.spec.class_weight * classes
            scores = {
                "critic_loss": total,
                "real_sign": ops.mean(ops.sign(real_logit)),
                "real_above_fake": ops.mean(ops.cast(real_logit > fake_logit, "float32")),
                "deviation_ratio": ops.mean(ops.std(fake_picture, axis=0)) / ops.mean(ops.std(batch["real"], axis=0)),
            }
            if penalty:
                penalties = self._penalties(batch, real, fake)
                total = total + self.spec.penalty_every * penalties
                scores["penalty"] = penalties
            return total, scores

        scores: Scores
        (_, scores), gradients = value_and_gradients(loss, self.critic.trainable_variables)
        self.critic_optimizer.apply(gradients, self.critic.trainable_variables)
        self.real_sign.assign(SIGN_DECAY * self.real_sign + (1.0 - SIGN_DECAY) * scores["real_sign"])
        scores["critic_gradient"] = _norm(gradients)
        return scores

    def _penalties(self, batch: Batch, real: Tensor, fake: Tensor) -> Tensor:
        spec = self.spec
        real_label, fake_label = self._label(batch["real_label"]), self._label(batch["label"])
        total: Tensor = 0.0
        if spec.r1_weight:
            total += spec.r1_weight * squared_gradient(lambda x: self.critic(x, real_label)[0], real)
        if spec.r2_weight:
            total += spec.r2_weight * squared_gradient(lambda x: self.critic(x, fake_label)[0], fake)
        if spec.gradient_penalty_weight:
            penalty = gradient_penalty(lambda x: self.critic(x, real_label)[0], real, fake, batch["mix"])
            total += spec.gradient_penalty_weight * penalty
        return total

    def _generator_step(self, batch: Batch) -> Scores:
        def loss() -> tuple[Tensor, None]:
            picture = self.generator(batch["latent"], self._label(batch["label"]))
            logit, classes = self.critic(augment.augment(picture, batch["numbers"]), self._label(batch["label"]))
            total = self.objective.generator(logit)
            if self.label_count:
                total = total + self.spec.class_weight * class_loss(classes, batch["label"])
            return total, None

        (value, _), gradients = value_and_gradients(loss, self.generator.trainable_variables)
        self.generator_optimizer.apply(gradients, self.generator.trainable_variables)
        return {"generator_loss": value, "generator_gradient": _norm(gradients)}

    def _label(self, label: Tensor) -> Tensor | None:
        return label if self.label_count else None


def _norm(gradients: list[Tensor]) -> Tensor:
    return ops.sqrt(sum(ops.sum(ops.square(gradient)) for gradient in gradients))
