"""specgan: spectrograms by 5x5 convolutions of stride 2: WaveGAN in two dimensions, without phase shuffle.

Source: Donahue, McAuley and Puckette 2019, tables 5 and 6.
"""

from __future__ import annotations

import itertools
from typing import Any

from keras import ops

from trainer.architectures import dcgan, networks
from trainer.architectures.growth import Growth
from trainer.architectures.layers import with_place
from trainer.architectures.tower import Tower
from trainer.errors import check
from trainer.specs.architectures import SpecganSpec

Tensor = Any
Grid = tuple[int, int]
SMALLEST, LARGEST = 4, 32  # sides of the start grid: the smaller is below twice SMALLEST
MOST_LAYERS = 7


def layers_of(shape: tuple[int, ...]) -> tuple[int, Grid]:
    """How often features [T, F] halve until the smaller side is 4 to 7, and the grid that is left.

    Raises: SpecError with the nearest grid that fits.
    """
    check(len(shape) == 2, f"specgan needs features of frames x bins, not of shape {shape}")
    frames, bins = shape
    layers, start = min(_fitting(shape), key=lambda fit: _distance(fit, shape))
    nearest = (start[0] << layers, start[1] << layers)
    check(
        nearest == shape,
        f"specgan needs a grid whose sides both halve evenly until the smaller is {SMALLEST} to {2 * SMALLEST - 1} and "
        f"the larger at most {LARGEST}, not {frames} frames x {bins} bins. The nearest is {nearest[0]} x {nearest[1]}: "
        f"set clip_samples to {nearest[0]} hops and the representation to {nearest[1]} bins",
    )
    return layers, start


def _fitting(shape: tuple[int, ...]) -> list[tuple[int, Grid]]:
    """For each number of layers the grids around the wanted one."""
    found: list[tuple[int, Grid]] = []
    for layers in range(1, MOST_LAYERS + 1):
        rows, columns = (min(max(side >> layers, SMALLEST), LARGEST) for side in shape)
        around = itertools.product((rows, rows + 1), (columns, columns + 1))
        found += [(layers, grid) for grid in around if min(grid) < 2 * SMALLEST and max(grid) <= LARGEST]
    return found or [(MOST_LAYERS, (2 * SMALLEST - 1, LARGEST))]


def _distance(fit: tuple[int, Grid], shape: tuple[int, ...]) -> int:
    layers, start = fit
    return sum(abs((side << layers) - wanted) for side, wanted in zip(start, shape, strict=True))


def _plan(shape: tuple[int, ...]) -> dcgan.Plan:
    layers, start = layers_of(shape)
    return dcgan.Plan(start, (2,) * layers, 1)


class Generator(dcgan.Generator):
    """Latent [B, Z] and label to features [B, T, F] in [-1, 1]."""

    def __init__(self, spec: SpecganSpec, shape: tuple[int, ...], label_count: int) -> None:
        super().__init__(spec, shape, label_count, _plan(shape))
        self.build_weights()

    def call(
        self, latent: Tensor, label: Tensor | None = None, training: bool = False, growth: Growth | None = None
    ) -> Tensor:
        """Run the network."""
        return super().call(latent, label, training=training, growth=growth)[..., 0]


class Critic(dcgan.Critic):
    """Features [B, T, F] and label to (logit [B], class logits [B, L] or None)."""

    def __init__(self, spec: SpecganSpec, shape: tuple[int, ...], label_count: int) -> None:
        super().__init__(spec, shape, label_count, _plan(shape))
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
        return super().call(ops.expand_dims(features, -1), label, noise, training=training, growth=growth)


class TowerCritic(networks.Critic):
    """The same by 4x4 convolutions, with the batch's deviation and each bin's place."""

    def __init__(self, spec: SpecganSpec, shape: tuple[int, ...], label_count: int) -> None:
        super().__init__(shape, label_count)
        widths = _plan(shape).widths(spec.width)[::-1]
        self.tower = Tower(widths, widths[-1], widths[-1], label_count)
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
        judged: tuple[Tensor, Tensor | None] = self.tower(with_place(ops.expand_dims(features, -1)), label)
        return judged


def make_critic(spec: SpecganSpec, shape: tuple[int, ...], label_count: int) -> networks.Critic:
    """The published critic, or the tower."""
    return (TowerCritic if spec.tower_critic else Critic)(spec, shape, label_count)
