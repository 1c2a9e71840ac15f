"""Layers that several architectures share."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

Tensor = Any
LEAK = 0.2


def leaky(x: Tensor) -> Tensor:
    """Leaky ReLU of slope 0.2, as all audio GANs here use it."""
    return ops.leaky_relu(x, negative_slope=LEAK)


def pixel_norm(x: Tensor) -> Tensor:
    """Divide by the root mean square over the last axis. Source: Karras et al. 2018, equation 2."""
    return x * ops.rsqrt(ops.mean(ops.square(x), axis=-1, keepdims=True) + 1e-8)


def double(x: Tensor) -> Tensor:
    """Nearest-neighbour upsampling of [B, T, M, C] by two on both axes."""
    return ops.repeat(ops.repeat(x, 2, axis=1), 2, axis=2)


def halve(x: Tensor) -> Tensor:
    """Average pooling of [B, T, M, C] by two on both axes."""
    return ops.average_pool(x, 2, strides=2)


def batch_deviation(x: Tensor) -> Tensor:
    """Append one channel: the mean standard deviation over the batch, so that a critic sees collapse.

    Source: Karras et al. 2018, section 3.
    """
    deviation = ops.sqrt(ops.var(x, axis=0) + 1e-8)
    return ops.concatenate([x, ops.ones_like(x[..., :1]) * ops.mean(deviation)], axis=-1)


def conv(channels: int, kernel: int = 3) -> keras.layers.Conv2D:
    """Convolution that keeps the grid, He-initialised for leaky ReLU."""
    return keras.layers.Conv2D(channels, kernel, padding="same", kernel_initializer="he_normal")


class Film(keras.layers.Layer):  # type: ignore[misc]
    """Feature-wise scale and shift from a condition [B, W]. Source: Perez et al. 2018."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.affine = keras.layers.Dense(2 * channels, kernel_initializer=keras.initializers.RandomNormal(stddev=0.05))
        self.channels = channels

    def build(self, condition_shape: tuple[int, ...]) -> None:
        """Make the weights for conditions of this shape."""
        self.affine.build(condition_shape)
        self.built = True

    def call(self, condition: Tensor, x: Tensor) -> Tensor:
        """Modulate x [B, T, M, C] by condition [B, W]."""
        scale, shift = ops.split(self.affine(condition)[:, None, None, :], 2, axis=-1)
        return x * (1.0 + scale) + shift
