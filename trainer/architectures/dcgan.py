"""What WaveGAN and SpecGAN share: a dense layer and doubling convolutions upwards, and their mirror image.

Both are the DCGAN of Radford et al. 2016 in one dimension or two. As an option that is not published, pixel norm keeps
activations level and latent and label modulate each layer, as in melspec.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import keras
from keras import ops

from trainer.architectures import networks
from trainer.architectures.growth import Growth
from trainer.architectures.heads import Heads
from trainer.architectures.layers import Film, leaky, pixel_norm
from trainer.architectures.phase_shuffle import phase_shuffle
from trainer.architectures.striding import StridedConv
from trainer.architectures.upsampling import UpsampleConv
from trainer.specs.architectures import DcganSpec

Tensor = Any
MOST_WIDTHS = 32  # times spec.width: longer clips add layers, but no wider ones


@dataclass(frozen=True)
class Plan:
    """How the sides of a clip's grid come about: `start` places, multiplied by each stride in turn."""

    start: tuple[int, ...]
    strides: tuple[int, ...]
    channels: int

    def widths(self, width: int) -> list[int]:
        """Channels of each grid but the largest, the smallest grid first."""
        return [min(2**exponent, MOST_WIDTHS) * width for exponent in reversed(range(len(self.strides)))]


class Generator(networks.Generator):
    """Latent [B, Z] and label to [B, *sides, channels] in [-1, 1]."""

    def __init__(self, spec: DcganSpec, shape: tuple[int, ...], label_count: int, plan: Plan) -> None:
        super().__init__(spec, shape, label_count)
        self.plan, self.modulated, self.gain = plan, spec.pixel_norm, spec.output_gain
        widths = plan.widths(spec.width)
        self.label = keras.layers.Embedding(label_count, spec.label_size) if label_count else None
        self.mapping = keras.layers.Dense(128, kernel_initializer="he_normal") if self.modulated else None
        self.start = keras.layers.Dense(prod(plan.start) * widths[0])
        self.convs = [
            UpsampleConv(filters, spec.kernel, factor=stride, mode=spec.upsampling)
            for filters, stride in zip([*widths[1:], plan.channels], plan.strides, strict=True)
        ]
        self.norms = [keras.layers.BatchNormalization() for _ in widths] if spec.batch_norm else []
        self.films = [Film(width) for width in widths] if self.modulated else []
        self.start_shape = (*plan.start, widths[0])

    def call(
        self, latent: Tensor, label: Tensor | None = None, training: bool = False, growth: Growth | None = None
    ) -> Tensor:
        """Run the network."""
        condition = self._condition(latent, label)
        x = ops.reshape(self.start(condition), (-1, *self.start_shape))
        for layer, conv in enumerate(self.convs):
            x = conv(self._activate(layer, x, condition, training=training))
        return ops.tanh(self.gain * x)

    def _condition(self, latent: Tensor, label: Tensor | None) -> Tensor:
        level = pixel_norm if self.modulated else ops.convert_to_tensor
        parts = [level(latent)] if self.label is None else [level(latent), level(self.label(label))]
        joined = ops.concatenate(parts, axis=-1)
        return leaky(self.mapping(joined)) if self.mapping is not None else joined

    def _activate(self, layer: int, x: Tensor, condition: Tensor, *, training: bool) -> Tensor:
        if not self.modulated:
            return ops.relu(self.norms[layer](x, training=training) if self.norms else x)
        shape = x.shape[1:]
        grid = ops.reshape(pixel_norm(x), (-1, shape[0], prod(shape[1:-1]), shape[-1]))
        return ops.reshape(leaky(self.films[layer](condition, grid)), (-1, *shape))


class Critic(networks.Critic):
    """[B, *sides, channels] and label to (logit [B], class logits [B, L] or None). shuffle: of its phase, at most."""

    def __init__(
        self, spec: DcganSpec, shape: tuple[int, ...], label_count: int, plan: Plan, *, shuffle: int = 0
    ) -> None:
        super().__init__(shape, label_count)
        self.plan, self.shuffle = plan, shuffle
        widths = plan.widths(spec.width)[::-1]
        self.convs = [
            StridedConv(width, spec.kernel, stride=stride) for width, stride in zip(widths, plan.strides, strict=True)
        ]
        # As published, none after the first layer.
        self.norms = [keras.layers.BatchNormalization() for _ in widths[1:]] if spec.batch_norm else []
        self.heads = Heads(widths[-1], label_count)
        self.flat_size = prod(plan.start) * widths[-1]

    def call(
        self,
        features: Tensor,
        label: Tensor | None = None,
        noise: dict[str, Tensor] | None = None,
        training: bool = False,
        growth: Growth | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """Run the network."""
        x = features
        last = len(self.convs) - 1
        for layer, conv in enumerate(self.convs):
            x = conv(x)
            x = leaky(self.norms[layer - 1](x, training=training) if self.norms and layer else x)
            if layer < last and noise and "shift" in noise:
                x = phase_shuffle(x, noise["shift"][layer], self.shuffle)
        summary = ops.mean(x, axis=tuple(range(1, len(x.shape) - 1)))
        heads: tuple[Tensor, Tensor | None] = self.heads(ops.reshape(x, (-1, self.flat_size)), label, summary)
        return heads
