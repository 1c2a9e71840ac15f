"""How an encoder learns the way back through a generator whose weights rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from trainer.autodiff import CompiledStep, value_and_gradients
from trainer.draws import Draws
from trainer.games.norm import norm
from trainer.objectives import class_loss
from trainer.randomness import generator_at

Tensor = Any
Batch = dict[str, Any]
Scores = dict[str, Tensor]
LEARNING_RATE = 1e-3
EMA = 0.99
# Of the distance between real pictures and what is made of them again, beside the latent's error. With 1 they come
# nearer still, by blurred sounds that keep their class less often.
DISTANCE_WEIGHT = 0.3


class EncodingGame:
    """Latents and labels of generated sounds are found again; real sounds are encoded to what makes their like.

    Real sounds have a label to be found but no latent: what they are encoded to goes through the generator, with their
    own label, its picture is compared with theirs, and the encoder must hear their label in it.
    Source of the two halves: Donahue et al. 2017 (latent regression) and Zhu et al. 2020, in-domain inversion.
    """

    def __init__(
        self,
        make_encoder: Callable[[], keras.Model],
        generator: keras.Model,
        draws: Draws,
        *,
        probability: float,
        seed: int,
    ) -> None:
        """probability: of augmentation."""
        self.encoder, self.average = make_encoder(), make_encoder()
        self.average.set_weights(self.encoder.get_weights())
        self.generator, self.draws = generator, draws
        self.probability, self.seed = probability, seed
        self._optimizer = keras.optimizers.Adam(LEARNING_RATE, epsilon=1e-8)
        self._optimizer.build(self.encoder.trainable_variables)
        everything = [*(variable for group in self._groups().values() for variable in group), *generator.variables]
        self._compiled = CompiledStep(self._step, everything)
        self._measure = CompiledStep(self._distance, [*self.average.variables, *generator.variables])

    def _groups(self) -> dict[str, list[Any]]:
        return {
            "encoder": self.encoder.variables,
            "average": self.average.variables,
            "optimizer": self._optimizer.variables,
        }

    def state(self) -> dict[str, np.ndarray]:
        """Everything that a checkpoint must hold, as arrays."""
        return {
            f"{name}/{index:03d}": np.asarray(variable)
            for name, group in self._groups().items()
            for index, variable in enumerate(group)
        }

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Take over what `state` gave."""
        for name, group in self._groups().items():
            for index, variable in enumerate(group):
                variable.assign(state[f"{name}/{index:03d}"])

    def step(self, step: int) -> Scores:
        """Play step number `step`, counted from 0; scores stay on the device."""
        drawn = self.draws.critic(generator_at(self.seed, step), self.probability)
        return self._compiled(drawn | {"memory": np.float32(min(EMA, (1 + step) / (10 + step)))})

    def distance(self, features: Tensor) -> float:
        """Of pictures of features [B, ...] from those of what the averaged encoder makes of them.

        Mean absolute difference, in deviations of the corpus' features.
        """
        return float(np.asarray(self._measure({"features": features})["distance"]))

    def _distance(self, given: Batch) -> Scores:
        latent, label = self.average.found(given["features"])
        remade = self.generator(latent, label)
        return {"distance": ops.mean(ops.abs(self.average.picture(remade) - self.average.picture(given["features"])))}

    def _step(self, batch: Batch) -> Scores:
        labelled, apply = bool(self.generator.label_count), self.draws.augmentation.apply
        label, real_label = (batch["label"], batch["real_label"]) if labelled else (None, None)
        generated = apply(self.generator(batch["latent"], label), batch["numbers"])
        real, picture = apply(batch["real"], batch["real_numbers"]), self.encoder.picture(batch["real"])

        def loss() -> tuple[Tensor, Scores]:
            latent, classes = self.encoder(generated)
            found, real_classes = self.encoder(real)
            error = ops.mean(ops.square(latent - batch["latent"]))
            remade = self.generator(found, real_label)
            distance = ops.mean(ops.abs(self.encoder.picture(remade) - picture))
            total = error + DISTANCE_WEIGHT * distance
            scores = {"latent_error": error, "distance": distance}
            if labelled:
                scores["class_loss"] = class_loss(classes, label)
                scores["real_class_loss"] = class_loss(real_classes, real_label)
                scores["remade_class_loss"] = class_loss(self.encoder(remade)[1], real_label)
                total = total + scores["class_loss"] + scores["real_class_loss"] + scores["remade_class_loss"]
            return total, scores

        (total, scores), gradients = value_and_gradients(loss, self.encoder.trainable_variables)
        self._optimizer.apply(gradients, self.encoder.trainable_variables)
        for target, source in zip(self.average.variables, self.encoder.variables, strict=True):
            target.assign(batch["memory"] * target + (1.0 - batch["memory"]) * source)
        result: Scores = scores | {"loss": total, "gradient": norm(gradients)}
        return result
