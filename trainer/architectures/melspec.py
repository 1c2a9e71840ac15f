"""melspec: a convolutional GAN on log-mel pictures that converges on a few hundred clips.

Generator: latent and label condition every layer (FiLM), pixel norm instead of batch norm, nearest upsampling and
3x3 convolutions. Critic: 4x4 convolutions of stride two, batch deviation, a projection head (Miyato and Koyama
2018) and a class head (Odena et al. 2017). Any grid whose sides are powers of two from 8 to 256.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from trainer.architectures import networks
from trainer.architectures.growth import Growth
from trainer.architectures.layers import Film, conv, doubling_conv, leaky, pixel_norm, with_place
from trainer.architectures.tower import Tower
from trainer.errors import check
from trainer.specs.architectures import MelspecSpec

Tensor = Any


def stages(shape: tuple[int, ...]) -> int:
    """How often the smaller side of a grid halves before it is 4.

    Raises: SpecError with the nearest grid that fits.
    """
    check(len(shape) == 2, f"melspec needs features of frames x mels, not of shape {shape}")
    nearest = tuple(int(np.clip(2 ** round(np.log2(side)), 8, 256)) for side in shape)
    check(
        shape == nearest,
        f"melspec needs a grid of powers of two from 8 to 256, not {shape[0]} frames x {shape[1]} mels. "
        f"The nearest is {nearest[0]} x {nearest[1]}: set clip_samples to {nearest[0]} hops and n_mels={nearest[1]}",
    )
    return int(np.log2(min(shape))) - 2


def width(widths: tuple[int, ...], stage: int) -> int:
    """Channels of a stage; the last entry repeats."""
    return widths[min(stage, len(widths) - 1)]


class Generator(networks.Generator):
    """Latent [B, Z] and label to features [B, T, M] in [-1, 1]."""

    def __init__(self, spec: MelspecSpec, shape: tuple[int, ...], label_count: int) -> None:
        super().__init__(spec, shape, label_count)
        self.steps = stages(shape)
        self.grid = (shape[0] >> self.steps, shape[1] >> self.steps)
        widths = [width(spec.generator_widths, stage) for stage in range(self.steps + 1)]
        self.label = keras.layers.Embedding(label_count, spec.label_size) if label_count else None
        self.mapping = keras.layers.Dense(128, kernel_initializer="he_normal")
        self.start = keras.layers.Dense(self.grid[0] * self.grid[1] * widths[0])
        self.start_width = widths[0]
        self.convs = [conv(widths[0]), *(doubling_conv(channels) for channels in widths[1:])]
        self.films = [Film(channels) for channels in widths]
        self.output_conv = conv(1)
        self.build_weights()

    def call(
        self, latent: Tensor, label: Tensor | None = None, training: bool = False, growth: Growth | None = None
    ) -> Tensor:
        """Run the network."""
        latent = pixel_norm(latent)
        if self.label is not None:
            latent = ops.concatenate([latent, pixel_norm(self.label(label))], axis=-1)
        condition = leaky(self.mapping(latent))
        x = ops.reshape(self.start(condition), (-1, *self.grid, self.start_width))
        for convolution, film in zip(self.convs, self.films, strict=True):
            x = leaky(film(condition, pixel_norm(convolution(x))))
        return ops.tanh(self.output_conv(x))[..., 0]


class Critic(networks.Critic):
    """Features [B, T, M] and label to (logit [B], class logits [B, L] or None)."""

    def __init__(self, spec: MelspecSpec, shape: tuple[int, ...], label_count: int) -> None:
        super().__init__(shape, label_count)
        self.steps = stages(shape)
        widths = [width(spec.critic_widths, stage) for stage in range(self.steps + 1)][::-1]
        self.tower = Tower(widths[1:], widths[-1], widths[-1], label_count)
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
        x = with_place(ops.expand_dims(features, -1))
        judged: tuple[Tensor, Tensor | None] = self.tower(x, label)
        return judged
