"""report: the mel-spectrogram GAN of the report that this project began with.

Generator: a dense layer and four times upsampling, convolution, batch norm and ReLU; the last 'upsampling' by one and
its 1x1 convolution are that convolution. Critic: four convolutions, each with batch norm, leaky ReLU and dropout, and a
logit: its sigmoid is the objective's affair. Of the two slopes that the report states, 0.2 is that of the layers with a
stride and 0.1 that of the 1x1 layer, which it does not say. Defects are listed in the objectives, not copied here.
The report began with a generator of variations, whose latent was joined with a spectrogram; how, it does not say. Here
an encoder turns the spectrogram into a code, which is the second half of the latent.
"""

from __future__ import annotations

from math import prod
from typing import Any

import keras
import numpy as np
from keras import ops

from trainer.architectures import networks
from trainer.architectures.code_encoder import CodeEncoder
from trainer.architectures.growth import Growth
from trainer.architectures.striding import StridedConv
from trainer.architectures.upsampling import UpsampleConv
from trainer.errors import check
from trainer.specs.architectures import ReportSpec

Tensor = Any
Grid = tuple[int, int]
CRITIC_LAYERS = ((7, 2, 0.2), (5, 2, 0.2), (3, 2, 0.2), (1, 1, 0.1))  # taps, stride and slope
MASK_STEPS = 2**16


def start_of(shape: tuple[int, ...], stages: int) -> Grid:
    """The grid that so many doublings begin from; the critic halves three times, so sides are multiples of 8 at least.

    Raises: SpecError with the nearest grid that fits.
    """
    check(len(shape) == 2, f"report needs features of frames x bands, not of shape {shape}")
    step = 2 ** max(stages, 3)
    nearest = tuple(min(max(round(side / step), 1), 1024 // step) * step for side in shape)
    check(
        shape == nearest,
        f"report needs sides that are multiples of {step}, 1024 at most, not {shape[0]} frames x {shape[1]} bands. The "
        f"nearest is {nearest[0]} x {nearest[1]}: set representation.size=({nearest[0]}, {nearest[1]})",
    )
    return shape[0] >> stages, shape[1] >> stages


class Generator(networks.Generator):
    """Latent [B, Z] to features [B, T, F] in [-1, 1]."""

    def __init__(self, spec: ReportSpec, shape: tuple[int, ...], label_count: int) -> None:
        start = start_of(shape, len(spec.generator_widths))
        super().__init__(spec, shape, label_count)
        self.start_shape = (*start, spec.start_width)
        self.start = keras.layers.Dense(start[0] * start[1] * spec.start_width)
        stages = zip(spec.generator_widths, spec.generator_kernels, spec.upsampling, strict=True)
        self.convs = [UpsampleConv(width, taps, factor=2, mode=mode) for width, taps, mode in stages]
        self.norms = [keras.layers.BatchNormalization() for _ in self.convs]
        self.output_conv = keras.layers.Conv2D(1, 1)
        if spec.has_encoder:
            self.encoder = CodeEncoder(shape, spec.latent_size // 2)
        self.build_weights()

    def call(
        self, latent: Tensor, label: Tensor | None = None, training: bool = False, growth: Growth | None = None
    ) -> Tensor:
        """Run the network."""
        x = ops.reshape(ops.relu(self.start(latent)), (-1, *self.start_shape))
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = ops.relu(norm(conv(x), training=training))
        return ops.tanh(self.output_conv(x))[..., 0]


class Critic(networks.Critic):
    """Features [B, T, F] to (logit [B], None), with parts of each layer dropped as `noise` says."""

    def __init__(self, spec: ReportSpec, shape: tuple[int, ...], label_count: int) -> None:
        start_of(shape, len(spec.generator_widths))
        super().__init__(shape, label_count)
        self.dropout = spec.dropout
        layers = zip(spec.critic_widths, CRITIC_LAYERS, strict=True)
        self.convs = [StridedConv(width, taps, stride=stride) for width, (taps, stride, _) in layers]
        self.norms = [keras.layers.BatchNormalization() for _ in self.convs]
        self.logit = keras.layers.Dense(1)
        self.grids = [(shape[0] >> halvings, shape[1] >> halvings) for halvings in (1, 2, 3, 3)]
        self.build_weights()

    def draw(self, count: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Which activations of each layer stay: uint8 [count, t, f, width] of 0 and 1."""
        if not self.dropout:
            return {}
        # 16 bits a number are enough, and half the work of a float.
        least = round(self.dropout * MASK_STEPS)
        masks = {}
        for layer, (grid, conv) in enumerate(zip(self.grids, self.convs, strict=True)):
            drawn = rng.integers(0, MASK_STEPS, (count, *grid, conv.filters), dtype="uint16")
            masks[f"keep_{layer}"] = (drawn >= least).astype("uint8")
        return masks

    def call(
        self,
        features: Tensor,
        label: Tensor | None = None,
        noise: dict[str, Tensor] | None = None,
        training: bool = False,
        growth: Growth | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """Run the network."""
        x = ops.expand_dims(features, -1)
        for layer, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            x = ops.leaky_relu(norm(conv(x), training=training), negative_slope=CRITIC_LAYERS[layer][2])
            if noise and f"keep_{layer}" in noise:
                x = x * ops.cast(noise[f"keep_{layer}"], x.dtype) / (1.0 - self.dropout)
        return self.logit(ops.reshape(x, (-1, prod(x.shape[1:]))))[:, 0], None
