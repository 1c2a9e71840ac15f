"""melgan: features of a mel scale to sound, by upsampling and residual blocks of growing dilation.

Source: Kumar et al. 2019, appendix A, and the code published with it.
"""

from __future__ import annotations

import math
from typing import Any

from keras import ops

from trainer.architectures.equalised import Built
from trainer.architectures.layers import leaky
from trainer.architectures.vocoder import Mel, Reach, Vocoder
from trainer.architectures.weight_norm import NormedConv, NormedUpsampling
from trainer.errors import SpecError
from trainer.reflection import reflect_pad
from trainer.specs.vocoders import MelganSpec

Tensor = Any
ENDS = 3  # places beyond each end that the first and the last convolution see
FACTORS = (8, 7, 5, 4, 3, 2)  # that are proposed, the largest first


def factors_of(hop: int) -> tuple[int, ...] | None:
    """Upsampling factors whose product is a hop, or None where it has a prime factor above 7."""
    found = []
    for factor in FACTORS:
        while hop % factor == 0:
            found.append(factor)
            hop //= factor
    return tuple(found) if hop == 1 and found else None


def check_hop(factors: tuple[int, ...], hop: int) -> None:
    """Hold the upsampling to the hop.

    Raises: SpecError with the nearest factors, and the nearest hop, that fit.
    """
    product = math.prod(factors)
    if product == hop:
        return
    nearest = min((other for other in range(2, 2 * hop + 1) if factors_of(other)), key=lambda other: abs(other - hop))
    proposed = f"architecture.factors={factors_of(nearest)}"
    other = "" if nearest == hop else f" with representation.hop_samples={nearest}"
    raise SpecError(
        f"melgan upsamples by factors={factors}, {product} times, and the hop is {hop} samples: set {proposed}{other}, "
        f"or representation.hop_samples={product}"
    )


class Residual(Built):
    """[B, S, C] to the same: a dilated convolution of three taps and one of a single tap, beside a shortcut."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.wide = NormedConv(channels, channels, 3, dilation=dilation)
        self.narrow = NormedConv(channels, channels, 1)
        self.shortcut = NormedConv(channels, channels, 1)

    def call(self, x: Tensor) -> Tensor:
        """Run the layers."""
        inner = self.wide(reflect_pad(leaky(x), self.dilation))
        return self.shortcut(x) + self.narrow(leaky(inner))


class Stage(Built):
    """[B, S, C] to [B, S * factor, C / 2]."""

    def __init__(self, channels: int, factor: int, spec: MelganSpec) -> None:
        super().__init__()
        self.upsampling = NormedUpsampling(channels, channels // 2, factor, held=spec.held_ends)
        self.residuals = [Residual(channels // 2, dilation) for dilation in spec.dilations]

    def call(self, x: Tensor) -> Tensor:
        """Run the layers."""
        x = self.upsampling(leaky(x))
        for residual in self.residuals:
            x = residual(x)
        return x


class Generator(Vocoder):
    """Features [B, T, bands] to sound [B, T * hop] in [-1, 1].

    Raises: SpecError where the factors do not make the hop.
    """

    def __init__(self, spec: MelganSpec, mel: Mel) -> None:
        check_hop(spec.factors, mel.hop_samples)
        super().__init__(mel, silence_gate=spec.silence_gate)
        self.first = NormedConv(mel.bands, spec.width, 2 * ENDS + 1)
        self.stages = [Stage(spec.width >> place, factor, spec) for place, factor in enumerate(spec.factors)]
        self.last = NormedConv(spec.width >> len(spec.factors), 1, 2 * ENDS + 1)
        self.build_weights()

    @property
    def network_reach(self) -> Reach:
        """Followed back from the samples of a frame, layer by layer."""
        first, last = -ENDS, self.mel.hop_samples - 1 + ENDS
        for stage in reversed(self.stages):
            wide = sum(residual.dilation for residual in stage.residuals)
            factor, cut = stage.upsampling.factor, stage.upsampling.cut
            first, last = (first - wide + cut) // factor - 1, (last + wide + cut) // factor
        return Reach(ENDS - first, ENDS + last)

    def sound(self, features: Tensor) -> Tensor:
        """Sound [B, T * hop] of features."""
        x = self.first(reflect_pad(features, ENDS))
        for stage in self.stages:
            x = stage(x)
        return ops.tanh(self.last(reflect_pad(leaky(x), ENDS)))[..., 0]
