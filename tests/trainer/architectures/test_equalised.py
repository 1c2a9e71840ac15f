"""Layers with an equalised learning rate: the published constants, shapes and scale."""

from __future__ import annotations

import math

import keras
import numpy as np
from keras import ops

from trainer.architectures.equalised import Conv2D, Dense, Spread
from trainer.architectures.layers import leaky

RNG = np.random.default_rng(7)


def test_constants_are_those_of_the_published_layers() -> None:
    assert math.isclose(Spread(317, 256, (2, 16)).constant, math.sqrt(2 / (2 * 16 * 317)))
    assert math.isclose(Conv2D(256, 128, 3).constant, math.sqrt(2 / (9 * 256)))
    assert math.isclose(Conv2D(32, 2, 1, linear=True).constant, math.sqrt(1 / 32))
    assert math.isclose(Dense(256, 61, linear=True).constant, 1 / 16)
    weights = np.asarray(Conv2D(64, 64, 3).kernel)
    assert abs(weights.std() - 1.0) < 0.02


def test_spreading_equals_the_published_convolution_over_a_padded_place() -> None:
    layer = Spread(5, 3, (2, 4))
    layer.bias.assign([1.0, 2.0, 3.0])
    x = RNG.standard_normal((2, 5)).astype("float32")
    padded = np.pad(x[:, None, None, :], ((0, 0), (1, 1), (3, 3), (0, 0)))
    kernel = np.asarray(layer.kernel).reshape(5, 2, 4, 3).transpose(1, 2, 0, 3)[::-1, ::-1]
    published = ops.conv(padded, np.ascontiguousarray(kernel) * layer.constant, padding="valid") + layer.bias
    np.testing.assert_allclose(np.asarray(layer(x)), np.asarray(published), atol=1e-5)


def test_activations_keep_their_scale_through_twelve_layers() -> None:
    keras.utils.set_random_seed(1)
    x = ops.convert_to_tensor(RNG.standard_normal((2, 16, 16, 96)).astype("float32"))
    for _ in range(12):
        x = leaky(Conv2D(96, 96, 3)(x))
        assert 0.4 < float(ops.sqrt(ops.mean(ops.square(x)))) < 2.0  # with a gain of 1 it would fall to 0.02
