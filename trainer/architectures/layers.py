"""Layers that several architectures share."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from trainer.architectures.upsampling import UpsampleConv

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


def with_place(x: Tensor) -> Tensor:
    """[B, T, F, C] and one channel more, -1 at the lowest bin to 1 at the highest: bins are not alike."""
    place = np.linspace(-1.0, 1.0, x.shape[2], dtype="float32")[None, None, :, None]
    return ops.concatenate([x, ops.zeros_like(x[..., :1]) + place], axis=-1)


def batch_deviation(x: Tensor) -> Tensor:
    """Append one channel: the mean standard deviation over the batch, so that a critic sees collapse.

    Source: Karras et al. 2018, section 3.
    """
    deviation = ops.sqrt(ops.var(x, axis=0) + 1e-8)
    return ops.concatenate([x, ops.ones_like(x[..., :1]) * ops.mean(deviation)], axis=-1)


def conv(channels: int) -> keras.layers.Conv2D:
    """3x3 convolution that keeps the grid, He-initialised for leaky ReLU."""
    return keras.layers.Conv2D(channels, 3, padding="same", kernel_initializer="he_normal")


def doubling_conv(channels: int) -> UpsampleConv:
    """Nearest-neighbour doubling, then a 3x3 convolution."""
    return UpsampleConv(channels, 3, factor=2, mode="nearest", initializer="he_normal")


def halving_conv(channels: int) -> keras.layers.Conv2D:
    """4x4 convolution of stride two: the sharpest eye for its cost, and it learns several times faster than pooling."""
    return keras.layers.Conv2D(channels, 4, strides=2, padding="same", kernel_initializer="he_normal")


class Film(keras.layers.Layer):  # type: ignore[misc]
    """Feature-wise scale and shift of [B, T, M, C] from a condition [B, W]. Source: Perez et al. 2018."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.affine = keras.layers.Dense(2 * channels, kernel_initializer=keras.initializers.RandomNormal(stddev=0.05))

    def call(self, condition: Tensor, x: Tensor) -> Tensor:
        """Modulate x by condition."""
        scale, shift = ops.split(self.affine(condition)[:, None, None, :], 2, axis=-1)
        return x * (1.0 + scale) + shift
