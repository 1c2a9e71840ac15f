"""The light networks of gansynth: one He-initialised convolution a block, for an hour on one core.

Generator: latent and one-hot pitch make the coarsest grid and condition every block (FiLM); pixel norm; each block
doubles the grid by one convolution. Critic: 4x4 convolutions of stride two, batch deviation, a projection and a pitch
head over all places. Not published: with GANSynth's blocks of two convolutions at an equalised learning rate a step
took 2.6 times as long, and 107 of them learnt nothing of pitch where 308 of these made two notes in three right.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from trainer.architectures import networks
from trainer.architectures.growth import Growth
from trainer.architectures.layers import Film, conv, doubling_conv, leaky, pixel_norm
from trainer.architectures.tower import Tower
from trainer.specs.architectures import GansynthSpec

Tensor = Any
Grid = tuple[int, int]


class LightGenerator(networks.Generator):
    """Latent [B, Z] and label to features [B, T, F, C], or [B, T, F], in [-1, 1]. widths: from the coarsest grid on."""

    def __init__(
        self, spec: GansynthSpec, shape: tuple[int, ...], label_count: int, widths: list[int], grid: Grid
    ) -> None:
        super().__init__(spec, shape, label_count)
        self.start_shape = (*grid, widths[0])
        self.start = keras.layers.Dense(int(np.prod(self.start_shape)), kernel_initializer="he_normal")
        self.mapping = keras.layers.Dense(widths[0], kernel_initializer="he_normal")
        self.convs = [conv(widths[0]), *(doubling_conv(width) for width in widths[1:])]
        self.films = [Film(width) for width in widths]
        self.to_picture = conv(1 if len(shape) == 2 else shape[2])
        self.build_weights()

    def call(
        self,
        latent: Tensor,
        label: Tensor | None = None,
        training: bool = False,
        growth: Growth | None = None,
    ) -> Tensor:
        """Run the network."""
        joined = pixel_norm(latent)
        if self.label_count:
            # The root: pitch and latent weigh alike, and Adam moves what a pitch says as fast as what the latent says.
            pitch = ops.one_hot(label, self.label_count) * self.latent_size**0.5
            joined = ops.concatenate([joined, pitch], axis=-1)
        condition = leaky(self.mapping(joined))
        x = ops.reshape(self.start(joined), (-1, *self.start_shape))
        for convolution, film in zip(self.convs, self.films, strict=True):
            x = leaky(film(condition, pixel_norm(convolution(leaky(x)))))
        return ops.reshape(ops.tanh(self.to_picture(x)), (-1, *self.features_shape))


class LightCritic(networks.Critic):
    """Features [B, T, F, C], or [B, T, F], and label to (logit [B], class logits [B, L] or None)."""

    def __init__(self, spec: GansynthSpec, shape: tuple[int, ...], label_count: int, widths: list[int]) -> None:
        super().__init__(shape, label_count)
        self.channels = 1 if len(shape) == 2 else shape[2]
        self.tower = Tower(widths[-2::-1], widths[0], spec.channels(0), label_count)
        self.build_weights()

    def call(
        self,
        features: Tensor,
        label: Tensor | None = None,
        noise: dict[str, Tensor] | None = None,
        training: bool = False,
        growth: Growth | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """Run the network."""
        x = ops.reshape(features, (-1, *self.features_shape[:2], self.channels))
        judged: tuple[Tensor, Tensor | None] = self.tower(x, label)
        return judged
