"""Critics of waveforms at several rates, whose inner layers are heard too.

Source: Kumar et al. 2019, section 2.2 and appendix A, and the code published with it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import keras
import numpy as np
from keras import ops

from trainer.architectures.equalised import Built
from trainer.architectures.layers import leaky
from trainer.architectures.weight_norm import NormedConv
from trainer.reflection import reflect_pad
from trainer.specs.vocoders import VocoderSpec

Tensor = Any
GROUP = 4  # channels that a strided convolution sees at once
EXAMPLE = 512  # samples; any number does


class WaveCritic(Built):
    """Sound [B, S, 1] to what each layer hears [B, places, channels], the last one the logits [B, places, 1]."""

    def __init__(self, spec: VocoderSpec) -> None:
        super().__init__()
        widths = [spec.critic_width]
        for factor in spec.critic_factors:
            widths.append(min(widths[-1] * factor, spec.critic_most_width))
        self.first = NormedConv(1, widths[0], 15)
        self.strided = [
            NormedConv(inputs, outputs, 10 * factor + 1, stride=factor, groups=inputs // GROUP)
            for (inputs, outputs), factor in zip(pairwise(widths), spec.critic_factors, strict=True)
        ]
        wide = min(2 * widths[-1], spec.critic_most_width)
        self.wide = NormedConv(widths[-1], wide, 5)
        self.logit = NormedConv(wide, 1, 3)

    def call(self, x: Tensor) -> list[Tensor]:
        """Run the layers."""
        heard = [leaky(self.first(reflect_pad(x, 7)))]
        for conv in self.strided:
            heard.append(leaky(conv(_zero_pad(heard[-1], conv.taps // 2))))
        heard.append(leaky(self.wide(_zero_pad(heard[-1], 2))))
        return [*heard, self.logit(_zero_pad(heard[-1], 1))]


def _zero_pad(x: Tensor, edge: int) -> Tensor:
    return ops.pad(x, [(0, 0), (edge, edge), (0, 0)])


class WaveCritics(keras.Model):  # type: ignore[misc]
    """Sound [B, S] to what the layers of each critic hear; each hears half the rate of the one before."""

    def __init__(self, spec: VocoderSpec) -> None:
        super().__init__(name="critic")
        self.critics = [WaveCritic(spec) for _ in range(spec.critic_scales)]
        self(np.zeros((2, EXAMPLE), "float32"))

    def call(self, sound: Tensor, training: bool = False) -> list[list[Tensor]]:
        """Run the networks."""
        x, heard = sound[..., None], []
        for place, critic in enumerate(self.critics):
            # The mean of four samples, of three at the ends.
            x = ops.average_pool(x, 4, strides=2, padding="same") if place else x
            heard.append(critic(x))
        return heard
