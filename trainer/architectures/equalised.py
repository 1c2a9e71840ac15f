"""Layers with an equalised learning rate: weights of deviation 1, multiplied by He's constant whenever they are used.

Adam moves each weight by about its learning rate; where all weights are of one size, all layers learn at one speed.
Source: Karras et al. 2018, section 4.1.
"""

from __future__ import annotations

import math
import random
from typing import Any

import keras
import numpy as np
from keras import ops

Tensor = Any


def he_constant(fan_in: int, *, linear: bool = False) -> float:
    """Deviation of weights that keeps the scale of activations: sqrt(2 / fan_in), or sqrt(1 / fan_in) where linear."""
    return math.sqrt((1.0 if linear else 2.0) / fan_in)


def _normal(shape: tuple[int, ...], dtype: str | None = None) -> Tensor:
    """Weights of deviation 1 from the stream that keras.utils.set_random_seed seeds.

    NumPy draws them: both backends begin alike, and JAX compiles no sampler for each shape (half a second each).
    """
    rng = np.random.default_rng(random.getrandbits(64))
    return ops.convert_to_tensor(rng.standard_normal(shape, dtype="float32"), dtype)


class Built(keras.layers.Layer):  # type: ignore[misc]
    """A layer whose weights exist when it is made: a level that no call has reached yet has them too."""

    def __init__(self) -> None:
        super().__init__()
        self.built = True  # else Keras warns of layers that it has not seen called


class _Equalised(Built):
    """A kernel of deviation 1, its constant, and a bias for each output."""

    def __init__(self, shape: tuple[int, ...], outputs: int, constant: float) -> None:
        super().__init__()
        self.kernel = self.add_weight(shape=shape, initializer=_normal, name="kernel")
        self.bias = self.add_weight(shape=(outputs,), initializer="zeros", name="bias")
        self.constant = constant


class Dense(_Equalised):
    """[B, inputs] to [B, outputs]. linear: no leaky ReLU follows."""

    def __init__(self, inputs: int, outputs: int, *, linear: bool = False) -> None:
        super().__init__((inputs, outputs), outputs, he_constant(inputs, linear=linear))

    def call(self, x: Tensor) -> Tensor:
        """Run the layer."""
        return ops.matmul(x, self.kernel) * self.constant + self.bias


class Conv2D(_Equalised):
    """[B, T, F, inputs] to [B, T, F, outputs] with a square kernel. linear: no leaky ReLU follows."""

    def __init__(self, inputs: int, outputs: int, size: int, *, linear: bool = False) -> None:
        constant = he_constant(size * size * inputs, linear=linear)
        super().__init__((size, size, inputs, outputs), outputs, constant)

    def call(self, x: Tensor) -> Tensor:
        """Run the layer."""
        # Scaling the kernel is cheaper than scaling the grid, and an exported graph folds it into a constant.
        return ops.conv(x, self.kernel * self.constant, padding="same") + self.bias


class Spread(_Equalised):
    """[B, inputs] to [B, *grid, outputs]; all places share one bias.

    Equal to the published convolution, whose kernel is as large as the grid and slides over a single place in zeros:
    each place of the result sees one tap of that kernel, so none of the others needs multiplying. The constant is that
    of the convolution, which counts all its taps.
    """

    def __init__(self, inputs: int, outputs: int, grid: tuple[int, int]) -> None:
        places = grid[0] * grid[1]
        super().__init__((inputs, places * outputs), outputs, he_constant(places * inputs))
        self.shape = (*grid, outputs)

    def call(self, x: Tensor) -> Tensor:
        """Run the layer."""
        return ops.reshape(ops.matmul(x, self.kernel), (-1, *self.shape)) * self.constant + self.bias
