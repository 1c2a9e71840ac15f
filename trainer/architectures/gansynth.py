"""gansynth: progressive networks on log-magnitude and instantaneous frequency, for notes of a wanted pitch.

Generator: latent and one-hot pitch, pixel norm, nearest upsampling, two 3x3 convolutions a block; each level has its
1x1 way to a picture. Critic: the mirror image, batch deviation, a pitch head. All layers have an equalised learning
rate. The grid is always the whole one: a coarse level is repeated up to it by the generator and averaged down from it
by the critic, and no convolution runs on a finer grid than its level's.
Source: Engel et al. 2019, appendix A, and the code published with it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from keras import ops

from trainer.architectures import networks
from trainer.architectures.equalised import Built, Conv2D, Dense, Spread
from trainer.architectures.gansynth_light import LightCritic, LightGenerator
from trainer.architectures.growth import Growth, Schedule, blend, enlarge, shrink
from trainer.architectures.layers import batch_deviation, double, leaky, pixel_norm
from trainer.errors import check
from trainer.specs.architectures import GansynthSpec

Tensor = Any
Grid = tuple[int, int]

MOST_PLACES = 64  # of the coarsest grid, each of which has weights of its own; 32 as published


def levels_of(shape: tuple[int, ...]) -> tuple[int, Grid]:
    """How many resolutions features [T, F] or [T, F, C] give, each half the next, and the coarsest grid.

    Raises: SpecError with the nearest grid that fits.
    """
    check(len(shape) in (2, 3), f"gansynth needs features of frames x bins (x channels), not of shape {shape}")
    halvings, coarsest = _halved((shape[0], shape[1]))
    if not _is_small(coarsest):
        frames, bins = _nearest(shape[0], shape[1])
        check(
            False,
            f"gansynth needs a grid whose sides both halve evenly until {MOST_PLACES} places at most are left, not "
            f"{shape[0]} frames x {shape[1]} bins. The nearest is {frames} x {bins}: set clip_samples to {frames} hops "
            f"and the representation to {bins} bins",
        )
    return halvings + 1, coarsest


def _halved(grid: Grid) -> tuple[int, Grid]:
    halvings = 0
    while min(grid) >= 4 and grid[0] % 2 == grid[1] % 2 == 0:
        grid, halvings = (grid[0] // 2, grid[1] // 2), halvings + 1
    return halvings, grid


def _is_small(grid: Grid) -> bool:
    return min(grid) >= 2 and grid[0] * grid[1] <= MOST_PLACES


def _nearest(frames: int, bins: int) -> Grid:
    sides = range(2, MOST_PLACES // 2 + 1)
    fitting = [(t << times, f << times) for t in sides for f in sides if _is_small((t, f)) for times in range(10)]
    return min(fitting, key=lambda grid: abs(np.log2(grid[0] / frames)) + abs(np.log2(grid[1] / bins)))


def _widths(spec: GansynthSpec, levels: int) -> list[int]:
    check(
        spec.channels(levels) >= 1,
        f"base_channels={spec.base_channels} leaves the finest of {levels} resolutions none: set {2**levels} or more",
    )
    return [spec.channels(block) for block in range(1, levels + 1)]


def schedule(spec: GansynthSpec, shape: tuple[int, ...]) -> Schedule | None:
    """How the networks for features of a shape grow; None where all levels are trained at once."""
    if not spec.progressive:
        return None
    return Schedule(levels=levels_of(shape)[0], stable_clips=spec.stable_clips, fade_clips=spec.fade_clips)


def make_generator(spec: GansynthSpec, shape: tuple[int, ...], label_count: int) -> networks.Generator:
    """The generator that `spec.light` chooses, with fresh weights."""
    if not spec.light:
        return Generator(spec, shape, label_count)
    levels, grid = levels_of(shape)
    return LightGenerator(spec, shape, label_count, _widths(spec, levels), grid)


def make_critic(spec: GansynthSpec, shape: tuple[int, ...], label_count: int) -> networks.Critic:
    """The critic that fits the generator."""
    if not spec.light:
        return Critic(spec, shape, label_count)
    return LightCritic(spec, shape, label_count, _widths(spec, levels_of(shape)[0]))


class CoarsestBlock(Built):
    """Latent joined with the pitch [B, inputs] to the coarsest grid [B, t, f, channels]."""

    def __init__(self, inputs: int, channels: int, grid: Grid) -> None:
        super().__init__()
        self.spread = Spread(inputs, channels, grid)
        self.conv = Conv2D(channels, channels, 3)

    def call(self, x: Tensor) -> Tensor:
        """Run the block."""
        x = pixel_norm(leaky(self.spread(pixel_norm(x))))
        return pixel_norm(leaky(self.conv(x)))


class GeneratorBlock(Built):
    """[B, t, f, inputs] to [B, 2t, 2f, channels]."""

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__()
        self.convs = [Conv2D(inputs, channels, 3), Conv2D(channels, channels, 3)]

    def call(self, x: Tensor) -> Tensor:
        """Run the block."""
        x = double(x)
        for conv in self.convs:
            x = pixel_norm(leaky(conv(x)))
        return x


class CriticBlock(Built):
    """[B, t, f, inputs] to [B, t / 2, f / 2, channels]."""

    def __init__(self, channels: int, inputs: int) -> None:
        super().__init__()
        self.convs = [Conv2D(inputs, inputs, 3), Conv2D(inputs, channels, 3)]

    def call(self, x: Tensor) -> Tensor:
        """Run the block."""
        for conv in self.convs:
            x = leaky(conv(x))
        return shrink(x, 1)


class LastBlock(Built):
    """The coarsest grid [B, t, f, inputs], compared over the batch to see collapse, to vectors [B, outputs]."""

    def __init__(self, inputs: int, outputs: int, grid: Grid) -> None:
        super().__init__()
        self.conv = Conv2D(inputs + 1, inputs, 3)
        self.dense = Dense(grid[0] * grid[1] * inputs, outputs)  # published as a convolution over the whole grid

    def call(self, x: Tensor) -> Tensor:
        """Run the block."""
        x = leaky(self.conv(batch_deviation(x)))
        return leaky(self.dense(ops.reshape(x, (-1, self.dense.kernel.shape[0]))))


class Generator(networks.Generator):
    """Latent [B, Z] and label to features [B, T, F, C], or [B, T, F], in [-1, 1]."""

    def __init__(self, spec: GansynthSpec, shape: tuple[int, ...], label_count: int) -> None:
        super().__init__(spec, shape, label_count)
        self.levels, grid = levels_of(shape)
        widths = _widths(spec, self.levels)
        self.coarsest = CoarsestBlock(spec.latent_size + label_count, widths[0], grid)
        self.blocks = [GeneratorBlock(*pair) for pair in pairwise(widths)]
        channels = 1 if len(shape) == 2 else shape[2]
        self.to_picture = [Conv2D(width, channels, 1, linear=True) for width in widths]
        self.build_weights()

    def call(
        self, latent: Tensor, label: Tensor | None = None, training: bool = False, growth: Growth | None = None
    ) -> Tensor:
        """Run the network up to the level in use."""
        growth = growth or self.grown or Growth(self.levels - 1)
        if self.label_count:
            latent = ops.concatenate([latent, ops.one_hot(label, self.label_count)], axis=-1)
        below = x = self.coarsest(latent)
        for block in self.blocks[: growth.level]:
            below, x = x, block(x)
        picture = ops.tanh(self.to_picture[growth.level](x))
        if growth.level and not growth.settled:
            picture = blend(double(ops.tanh(self.to_picture[growth.level - 1](below))), picture, growth.fade)
        return ops.reshape(enlarge(picture, self.levels - 1 - growth.level), (-1, *self.features_shape))


class Critic(networks.Critic):
    """Features [B, T, F, C], or [B, T, F], to (logit [B], class logits [B, L] or None); `label` is not looked at."""

    def __init__(self, spec: GansynthSpec, shape: tuple[int, ...], label_count: int) -> None:
        super().__init__(shape, label_count)
        self.levels, grid = levels_of(shape)
        widths, last_width = _widths(spec, self.levels), spec.channels(0)
        self.channels = 1 if len(shape) == 2 else shape[2]
        self.from_picture = [Conv2D(self.channels, width, 1) for width in widths]
        self.blocks = [CriticBlock(*pair) for pair in pairwise(widths)]
        self.last = LastBlock(widths[0], last_width, grid)
        self.logit = Dense(last_width, 1, linear=True)
        self.classes = Dense(last_width, label_count, linear=True) if label_count else None
        self.build_weights()

    def call(
        self,
        features: Tensor,
        label: Tensor | None = None,
        noise: dict[str, Tensor] | None = None,
        training: bool = False,
        growth: Growth | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """Run the network from the level in use."""
        growth = growth or Growth(self.levels - 1)
        picture = ops.reshape(features, (-1, *self.features_shape[:2], self.channels))
        picture = shrink(picture, self.levels - 1 - growth.level)
        x = leaky(self.from_picture[growth.level](picture))
        for level in range(growth.level, 0, -1):
            x = self.blocks[level - 1](x)
            if level == growth.level and not growth.settled:
                x = blend(leaky(self.from_picture[level - 1](shrink(picture, 1))), x, growth.fade)
        x = self.last(x)
        return self.logit(x)[:, 0], None if self.classes is None else self.classes(x)
