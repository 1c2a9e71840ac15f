"""Generator and critic with their optimisers, and the average of the generator: all that a checkpoint holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from trainer.errors import LatentoneError
from trainer.specs.game import OpponentsSpec

Tensor = Any


class Opponents:
    """The networks of a game and what learning adds to them."""

    def __init__(
        self, make_generator: Callable[[], keras.Model], make_critic: Callable[[], keras.Model], spec: OpponentsSpec
    ) -> None:
        self.spec = spec
        self.generator, self.critic = make_generator(), make_critic()
        self.average = make_generator()
        self.average.set_weights(self.generator.get_weights())
        self._generator_optimizer = self._adam(self.generator, spec.generator_learning_rate)
        self._critic_optimizer = self._adam(self.critic, spec.critic_learning_rate)
        self.real_sign = keras.Variable(np.float32(0.0), trainable=False, name="real_sign")  # of D(real), smoothed

    def _adam(self, network: keras.Model, learning_rate: float) -> keras.optimizers.Optimizer:
        optimizer = keras.optimizers.Adam(
            learning_rate, self.spec.beta_1, self.spec.beta_2, epsilon=1e-8, global_clipnorm=self.spec.gradient_clip
        )
        optimizer.build(network.trainable_variables)
        return optimizer

    def improve_critic(self, gradients: list[Tensor]) -> None:
        """One step of the critic's optimiser."""
        self._critic_optimizer.apply(gradients, self.critic.trainable_variables)
        if self.spec.weight_clip is not None:
            for variable in self.critic.trainable_variables:
                variable.assign(ops.clip(variable, -self.spec.weight_clip, self.spec.weight_clip))

    def improve_generator(self, gradients: list[Tensor]) -> None:
        """One step of the generator's optimiser."""
        self._generator_optimizer.apply(gradients, self.generator.trainable_variables)

    def follow(self, memory: Tensor) -> None:
        """Move the average towards the generator; memory 0..1 is the weight of what it was."""
        for target, source in zip(self.average.variables, self.generator.variables, strict=True):
            target.assign(memory * target + (1.0 - memory) * source)

    def _groups(self) -> dict[str, list[Any]]:
        return {
            "generator": self.generator.variables,
            "critic": self.critic.variables,
            "average": self.average.variables,
            "generator_optimizer": self._generator_optimizer.variables,
            "critic_optimizer": self._critic_optimizer.variables,
            "real_sign": [self.real_sign],
        }

    @property
    def variables(self) -> list[Any]:
        """Everything that a step may assign."""
        return [variable for group in self._groups().values() for variable in group]

    def state(self) -> dict[str, np.ndarray]:
        """All variables as arrays."""
        return {
            f"{name}/{index:03d}": np.asarray(variable)
            for name, group in self._groups().items()
            for index, variable in enumerate(group)
        }

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Take over what `state` gave.

        Raises: LatentoneError where names or shapes are those of other networks.
        """
        own = self.state()
        odd = sorted(name for name in own.keys() | state.keys() if name not in own or name not in state)
        odd += sorted(name for name in own.keys() & state.keys() if own[name].shape != state[name].shape)
        if odd:
            raise LatentoneError(f"the checkpoint is of another network: {odd[0]} and {len(odd) - 1} more differ")
        for name, group in self._groups().items():
            for index, variable in enumerate(group):
                variable.assign(state[f"{name}/{index:03d}"])
