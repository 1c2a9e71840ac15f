"""The game of generators of sound from latents."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Protocol

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from trainer.augment import adapt
from trainer.autodiff import CompiledStep, value_and_gradients
from trainer.draws import Augmentation, Draws, RealBatch
from trainer.games.norm import norm
from trainer.objectives import OBJECTIVES, class_loss, gradient_penalty, squared_gradient
from trainer.opponents import Opponents
from trainer.randomness import generator_at
from trainer.specs.game import AugmentSpec, GameSpec

Tensor = Any
Batch = dict[str, Any]
Scores = dict[str, Tensor]

ADAPT_EVERY = 16
SIGN_DECAY = 0.9


class Growing(Protocol):
    """How networks grow during training, where they do."""

    def at(self, clips: int) -> Any:
        """Growth(level, fade) after so many clips shown; the level is a number of the host's."""

    def of(self, level: int, fade: Tensor) -> Any:
        """The same from its parts, where the fade is on the device."""

    def soften(self, real: Tensor, growth: Any) -> Tensor:
        """Real items with no more detail than the networks can show."""


class LatentGame:
    """Latent to sound: an adversarial game with augmentation, penalties and, where there are labels, classes."""

    def __init__(
        self,
        make_generator: Callable[[], keras.Model],
        make_critic: Callable[[], keras.Model],
        real_batch: RealBatch,
        *,
        game: GameSpec,
        augmentation: Augmentation,
        adaptation: AugmentSpec,
        label_shares: NDArray[np.float64] | None,
        growing: Growing | None,
        standard: tuple[NDArray[np.float32], NDArray[np.float32]] | None,
        batch: int,
        seed: int,
    ) -> None:
        self.spec, self.augmentation, self.adaptation = game, augmentation, adaptation
        self.batch, self.seed, self.growing, self.standard = batch, seed, growing, standard
        self.opponents = Opponents(make_generator, make_critic, game)
        self.generator, self.critic = self.opponents.generator, self.opponents.critic
        self.average = self.opponents.average
        self.draws = Draws(
            real_batch,
            self.generator,
            draw_critic=self.critic.draw,
            augmentation=augmentation,
            game=game,
            label_shares=label_shares,
            batch=batch,
        )
        self.labelled = label_shares is not None
        self.objective = OBJECTIVES[game.objective]
        self.probability = adaptation.probability
        self._steps: dict[tuple[bool, int | None], CompiledStep] = {}
        self._samplers: dict[int | None, CompiledStep] = {}

    def state(self) -> dict[str, np.ndarray]:
        """Everything that a checkpoint must hold, as arrays."""
        return self.opponents.state() | {"probability": np.asarray(self.probability)}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Take over what `state` gave.

        Raises: LatentoneError where names or shapes are those of another network.
        """
        self.opponents.restore({name: value for name, value in state.items() if name != "probability"})
        self.probability = float(state["probability"])

    def step(self, step: int) -> Scores:
        """Play step number `step`, counted from 0; scores stay on the device."""
        if step % ADAPT_EVERY == 0 and step:
            sign, clips = float(np.asarray(self.opponents.real_sign)), ADAPT_EVERY * self.batch
            self.probability = adapt(self.adaptation, self.probability, sign, clips)
        growth = self._growth(step)
        penalty = self.spec.has_penalty and step % self.spec.penalty_every == 0
        scores = self._compiled_step(penalty, growth)(self._draw(step, growth))
        extra = {} if growth is None else {"level": growth.level, "fade": growth.fade}
        return scores | {"augmentation": self.probability} | extra

    def sample(self, step: int, latent: Tensor, label: Tensor) -> Tensor:
        """Features [B, ...] that the averaged generator makes after `step` steps."""
        growth = self._growth(step)
        level = None if growth is None else growth.level
        if level not in self._samplers:

            def make(given: Batch) -> Scores:
                growth = self._grown(level, given["fade"])
                return {"features": self.average(given["latent"], self._label(given["label"]), growth=growth)}

            # A step: JAX would keep the weights of the first call as constants of a function that is only compiled.
            self._samplers[level] = CompiledStep(make, self.average.variables)
        fade = np.float32(1.0 if growth is None else growth.fade)
        return self._samplers[level]({"latent": latent, "label": label, "fade": fade})["features"]

    def _growth(self, step: int) -> Any:
        return self.growing.at(step * self.batch) if self.growing is not None else None

    def _grown(self, level: int | None, fade: Tensor) -> Any:
        return None if self.growing is None or level is None else self.growing.of(level, fade)

    def _compiled_step(self, penalty: bool, growth: Any) -> CompiledStep:
        key = (penalty, None if growth is None else growth.level)
        if key not in self._steps:
            play = functools.partial(self._step, penalty=penalty, level=key[1])
            self._steps[key] = CompiledStep(play, self.opponents.variables)
        return self._steps[key]

    def _draw(self, step: int, growth: Any) -> Batch:
        rng, spec = generator_at(self.seed, step), self.spec
        return {
            "critic": [self.draws.critic(rng, self.probability) for _ in range(spec.critic_steps)],
            "generator": [self.draws.generated(rng, self.probability) for _ in range(spec.generator_steps)],
            "ema": np.float32(min(spec.ema, (1 + step) / (10 + step))),
            "fade": np.float32(1.0 if growth is None else growth.fade),
        }

    def _step(self, batch: Batch, *, penalty: bool, level: int | None) -> Scores:
        scores: Scores = {}
        growth = self._grown(level, batch["fade"])
        for critic_batch in batch["critic"]:
            scores |= self._critic_step(critic_batch, growth, penalty=penalty)
        for generator_batch in batch["generator"]:
            scores |= self._generator_step(generator_batch, self._real_logit(batch["critic"][-1], growth), growth)
        self.opponents.follow(batch["ema"])
        return scores

    def _critic_step(self, batch: Batch, growth: Any, *, penalty: bool) -> Scores:
        fake_item = self.generator(self._latent(batch), self._label(batch["label"]), training=True, growth=growth)
        real_item = self._real_item(batch, growth)
        real = self.augmentation.apply(real_item, batch["real_numbers"]) + batch.get("real_static", 0.0)
        fake = self.augmentation.apply(fake_item, batch["numbers"]) + batch.get("static", 0.0)

        def loss() -> tuple[Tensor, Scores]:
            # Two calls: in one, the batch deviation would mix real and generated items.
            real_logit, real_class = self._judge(real, batch["real_label"], batch["real_noise"], growth)
            fake_logit, fake_class = self._judge(fake, batch["label"], batch["noise"], growth)
            total = self.objective.critic(real_logit, fake_logit)
            total = total + self.spec.drift_weight * ops.mean(ops.square(real_logit))
            if self.labelled:
                total = total + self.spec.class_weight * class_loss(real_class, batch["real_label"])
                if self.spec.classify_fakes:
                    total = total + self.spec.class_weight * class_loss(fake_class, batch["label"])
            scores = {
                "critic_loss": total,
                "real_sign": ops.mean(ops.sign(real_logit - self._middle(real_logit, fake_logit))),
                "real_above_fake": ops.mean(ops.cast(real_logit > fake_logit, "float32")),
                "deviation_ratio": ops.mean(ops.std(fake_item, axis=0)) / ops.mean(ops.std(real_item, axis=0)),
            }
            if penalty:
                penalties = self._penalties(batch, real, fake, growth)
                total = total + self.spec.penalty_every * penalties
                scores["penalty"] = penalties
            return total, scores

        scores: Scores
        (_, scores), gradients = value_and_gradients(
            loss, self.critic.trainable_variables, self.critic.non_trainable_variables
        )
        self.opponents.improve_critic(gradients)
        sign = self.opponents.real_sign
        sign.assign(SIGN_DECAY * sign + (1.0 - SIGN_DECAY) * scores["real_sign"])
        scores["critic_gradient"] = norm(gradients)
        return scores

    def _middle(self, real_logit: Tensor, fake_logit: Tensor) -> Tensor:
        """Logit that says neither real nor generated; a paired objective leaves it free."""
        return 0.5 * (ops.mean(real_logit) + ops.mean(fake_logit)) if self.objective.is_paired else 0.0

    def _penalties(self, batch: Batch, real: Tensor, fake: Tensor, growth: Any) -> Tensor:
        """Of the critic's logit, with batch normalisation at rest."""
        spec = self.spec

        def of_real(features: Tensor) -> Tensor:
            return self._judge(features, batch["real_label"], batch["real_noise"], growth, training=False)[0]

        def of_fake(features: Tensor) -> Tensor:
            return self._judge(features, batch["label"], batch["noise"], growth, training=False)[0]

        total: Tensor = 0.0
        if spec.r1_weight:
            total += spec.r1_weight * squared_gradient(of_real, real)
        if spec.r2_weight:
            total += spec.r2_weight * squared_gradient(of_fake, fake)
        if spec.gradient_penalty_weight:
            penalty = gradient_penalty(of_real, real, fake, batch["mix"], one_sided=spec.one_sided_penalty)
            total += spec.gradient_penalty_weight * penalty
        return total

    def _real_logit(self, batch: Batch, growth: Any) -> Tensor | None:
        """What a paired objective compares generated items with."""
        if not self.objective.is_paired:
            return None
        real = self.augmentation.apply(self._real_item(batch, growth), batch["real_numbers"])
        return self._judge(real, batch["real_label"], batch["real_noise"], growth)[0]

    def _real_item(self, batch: Batch, growth: Any) -> Tensor:
        return batch["real"] if self.growing is None else self.growing.soften(batch["real"], growth)

    def _generator_step(self, batch: Batch, real_logit: Tensor | None, growth: Any) -> Scores:
        def loss() -> tuple[Tensor, Scores]:
            item = self.generator(self._latent(batch), self._label(batch["label"]), training=True, growth=growth)
            seen = self.augmentation.apply(item, batch["numbers"])
            logit, classes = self._judge(seen, batch["label"], batch["noise"], growth)
            total = self.objective.generator(real_logit, logit)
            if self.labelled:
                total = total + self.spec.class_weight * class_loss(classes, batch["label"])
            if "given" not in batch:
                return total, {}
            error = ops.mean(ops.abs(item[-batch["given"].shape[0] :] - batch["given"]))
            return total + self.spec.reconstruction_weight * error, {"reconstruction_error": error}

        resting = [*self.generator.non_trainable_variables, *self.critic.non_trainable_variables]
        scores: Scores
        (value, scores), gradients = value_and_gradients(loss, self.generator.trainable_variables, resting)
        self.opponents.improve_generator(gradients)
        return scores | {"generator_loss": value, "generator_gradient": norm(gradients)}

    def _latent(self, batch: Batch) -> Tensor:
        """Latents [B, Z] as drawn; the last are joined with the features that are to be varied, where there are any.

        Sounds from drawn codes are judged beside those from encoded ones, as by Larsen et al. 2016 (VAE/GAN), so that
        every latent is a sound's, and not only those where codes of sounds happen to lie.
        """
        if "given" not in batch:
            return batch["latent"]
        latent, given = batch["latent"], batch["given"]
        count = given.shape[0]
        return ops.concatenate([latent[:-count], self.generator.encoder.joined(latent[-count:], given)])

    def _judge(
        self, features: Tensor, label: Tensor, noise: dict[str, Tensor], growth: Any, *, training: bool = True
    ) -> tuple[Tensor, Tensor | None]:
        """The critic's logits and classes of features [B, ...]."""
        if self.standard is not None:
            features = (features - self.standard[0]) / self.standard[1]
        judged: tuple[Tensor, Tensor | None]
        judged = self.critic(features, self._label(label), noise, training=training, growth=growth)
        return judged

    def _label(self, label: Tensor) -> Tensor | None:
        return label if self.labelled else None
