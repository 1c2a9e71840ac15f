"""Sizes of the vocoders, which turn features of a mel scale into sound, and of the critics that hear them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from trainer.errors import check
from trainer.specs.spec import Spec


@dataclass(frozen=True, kw_only=True)
class VocoderSpec(Spec):
    """What every vocoder states: its critics, as MelGAN has them, and whether silence is made silent.

    silence_gate: where features are those of silence the sound is exactly 0. critic_scales: critics, each of which
    hears half the rate of the one before. critic_width: channels of a critic's first layer; they grow with each stride
    of critic_factors, up to critic_most_width.
    """

    silence_gate: bool = True
    critic_scales: int = 3
    critic_width: int = 16
    critic_most_width: int = 1024
    critic_factors: tuple[int, ...] = (4, 4, 4, 4)

    @property
    def conditional(self) -> bool:
        """Vocoders take no labels."""
        return False

    @property
    def wants_pitches(self) -> bool:
        """Nor pitches."""
        return False

    @property
    def has_encoder(self) -> bool:
        """They have no latents."""
        return False

    def __post_init__(self) -> None:
        check(1 <= self.critic_scales <= 6, f"critic_scales={self.critic_scales} is not in 1..6")
        check(
            4 <= self.critic_width <= self.critic_most_width and self.critic_width % 4 == 0,
            f"critic_width={self.critic_width} is not a multiple of 4 up to critic_most_width={self.critic_most_width}",
        )
        check(
            self.critic_most_width % self.critic_width == 0,
            f"critic_most_width={self.critic_most_width} is not a multiple of critic_width={self.critic_width}",
        )
        check(
            bool(self.critic_factors) and all(factor in (2, 4, 8) for factor in self.critic_factors),
            f"critic_factors={self.critic_factors}: strides of 2, 4 or 8",
        )


@dataclass(frozen=True, kw_only=True)
class MelganSpec(VocoderSpec):
    """Sizes of MelGAN; the defaults are the published ones, but for the ends.

    width: channels at the rate of frames, halved by each upsampling. factors: of the upsamplings, their product is the
    hop. dilations: of the residual blocks after each. held_ends: the first and the last place of a grid are repeated
    beyond its ends before it is upsampled; as published zeros stand there, and the ends lose half of what makes them.
    Source: Kumar et al. 2019, appendix A, and the code published with it.
    """

    kind: Literal["melgan"] = "melgan"
    width: int = 512
    factors: tuple[int, ...] = (8, 8, 2, 2)
    dilations: tuple[int, ...] = (1, 3, 9)
    held_ends: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check(bool(self.factors) and min(self.factors) >= 2, f"factors={self.factors}: whole numbers of 2 or more")
        parts = 2 ** len(self.factors)
        check(
            self.width >= parts and self.width % parts == 0,
            f"width={self.width} is not halved {len(self.factors)} times: take a multiple of {parts}",
        )
        check(bool(self.dilations) and min(self.dilations) >= 1, f"dilations={self.dilations}: numbers of 1 or more")


@dataclass(frozen=True, kw_only=True)
class VocosSpec(VocoderSpec):
    """Sizes of a vocoder at the rate of frames; the defaults are half as wide as Vocos as published.

    width: channels. blocks: of ConvNeXt, each with an inner layer `expansion` times as wide. causal: no convolution
    looks ahead; what is left is the half window of the inverse transform. griffin_lim_iterations: 0 as published, the
    head makes magnitude and phase; where they are more, the head corrects the magnitudes whose mel is nearest to the
    features, and as many iterations find the phase: what a few hundred clips and minutes can learn.
    Source: Siuzdak 2023, section 3.
    """

    kind: Literal["vocos"] = "vocos"
    width: int = 256
    blocks: int = 8
    expansion: int = 3
    causal: bool = False
    griffin_lim_iterations: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        check(
            0 <= self.griffin_lim_iterations <= 64,
            f"griffin_lim_iterations={self.griffin_lim_iterations} is not in 0..64",
        )
        check(
            not (self.causal and self.griffin_lim_iterations),
            "a causal network and Griffin-Lim, which hears what follows: set architecture.griffin_lim_iterations=0",
        )
        check(min(self.width, self.blocks, self.expansion) >= 1, "width, blocks and expansion must be 1 or more")


AnyVocoderSpec = MelganSpec | VocosSpec
