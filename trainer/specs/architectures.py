"""Sizes of the generators and of their critics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from trainer.errors import check, unknown
from trainer.specs.spec import Spec

Distribution = Literal["normal", "uniform"]  # of latents: mean 0 and deviation 1, or -1 to 1
Upsampling = Literal["zeros", "nearest", "linear", "cubic"]  # zeros: a transposed convolution
CRITIC_FFTS = (64, 128, 256, 512, 1024, 2048)
UPSAMPLINGS = ("zeros", "nearest", "linear", "cubic")


@dataclass(frozen=True, kw_only=True)
class ArchitectureSpec(Spec):
    """What every generator states. conditional: labels, where the corpus has them, decide what is made."""

    latent_size: int
    latent_distribution: Distribution = "normal"
    conditional: bool = True

    @property
    def wants_pitches(self) -> bool:
        """Whether the labels that it is conditioned on must stand for pitches."""
        return False

    @property
    def has_encoder(self) -> bool:
        """Whether an encoder of sounds is a part of it, and trained with it."""
        return False

    def __post_init__(self) -> None:
        check(1 <= self.latent_size <= 4096, f"latent_size={self.latent_size} is not in 1..4096")
        check(
            self.latent_distribution in ("normal", "uniform"),
            unknown("latent_distribution", self.latent_distribution, ("normal", "uniform")),
        )


@dataclass(frozen=True, kw_only=True)
class MelspecSpec(ArchitectureSpec):
    """Widths of the melspec networks, from the 4-high grid outwards; the last width repeats on larger grids."""

    kind: Literal["melspec"] = "melspec"
    latent_size: int = 96
    label_size: int = 32
    generator_widths: tuple[int, ...] = (128, 128, 64, 32, 16)
    critic_widths: tuple[int, ...] = (128, 128, 64, 32)

    def __post_init__(self) -> None:
        super().__post_init__()
        check(
            bool(self.generator_widths) and bool(self.critic_widths),
            "generator_widths and critic_widths need one width at least",
        )


@dataclass(frozen=True, kw_only=True)
class DcganSpec(ArchitectureSpec):
    """What WaveGAN and SpecGAN share; the defaults are the published ones. width: d, the channels of the widest grid.

    Source: Donahue, McAuley and Puckette 2019, tables 3 to 6.
    """

    latent_size: int = 100
    latent_distribution: Distribution = "uniform"
    width: int = 64
    kernel: int
    upsampling: Upsampling = "zeros"
    batch_norm: bool = False
    pixel_norm: bool = False  # not published: keeps activations level; latent and label modulate each layer
    label_size: int = 32  # of the vector that a label is turned into; as published there are no labels
    output_gain: float = 1.0  # not published: of what the last layer makes, before tanh; sounds are far from 1

    def __post_init__(self) -> None:
        super().__post_init__()
        check(min(self.width, self.label_size) >= 1, "width and label_size must be 1 or more")
        check(self.upsampling in UPSAMPLINGS, unknown("upsampling", self.upsampling, UPSAMPLINGS))
        check(not (self.batch_norm and self.pixel_norm), "batch_norm and pixel_norm: one of them")
        check(0.0 < self.output_gain <= 10.0, f"output_gain={self.output_gain} is not in 0..10")


@dataclass(frozen=True, kw_only=True)
class WaveganSpec(DcganSpec):
    """Sizes of WaveGAN."""

    kind: Literal["wavegan"] = "wavegan"
    kernel: int = 25
    phase_shuffle: int = 2
    post_filter_taps: int = 0  # published as 512, off by default
    critic_fft: int | None = None  # not published: the critic sees a log spectrogram of this FFT size, not raw samples

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self.kernel % 2 == 1 and 5 <= self.kernel <= 101, f"kernel={self.kernel} is not an odd number in 5..101")
        check(0 <= self.phase_shuffle <= 16, f"phase_shuffle={self.phase_shuffle} is not in 0..16")
        check(0 <= self.post_filter_taps <= 4096, f"post_filter_taps={self.post_filter_taps} is not in 0..4096")
        check(
            self.critic_fft in (None, *CRITIC_FFTS),
            f"critic_fft={self.critic_fft} is neither None nor a power of two in 64..2048",
        )


@dataclass(frozen=True, kw_only=True)
class SpecganSpec(DcganSpec):
    """Sizes of SpecGAN."""

    kind: Literal["specgan"] = "specgan"
    kernel: int = 5
    tower_critic: bool = False  # not published: the critic of melspec, which sees collapse and where a bin stands

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self.kernel % 2 == 1 and 3 <= self.kernel <= 15, f"kernel={self.kernel} is not an odd number in 3..15")


@dataclass(frozen=True, kw_only=True)
class GansynthSpec(ArchitectureSpec):
    """Sizes of GANSynth; the defaults are the published ones. Labels are pitches there.

    progressive: grows from the coarsest grid, which is trained for stable_clips, then each next resolution is faded in
    over fade_clips and trained for stable_clips; else all are trained at once. light: networks of one convolution a
    block, not published, which converge in an hour on one core; they do not grow. Small budgets: fewer most_channels.
    Source: Engel et al. 2019, section 3 and appendix A.
    """

    kind: Literal["gansynth"] = "gansynth"
    latent_size: int = 256
    base_channels: int = 4096
    most_channels: int = 256
    light: bool = False
    progressive: bool = True
    stable_clips: int = 800_000
    fade_clips: int = 800_000

    @property
    def wants_pitches(self) -> bool:
        """As published."""
        return True

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self.base_channels >= 1 and self.most_channels >= 1, "base_channels and most_channels must be 1 or more")
        check(not (self.light and self.progressive), "light networks do not grow: progressive=False")
        check(self.stable_clips >= 1 and self.fade_clips >= 1, "stable_clips and fade_clips must be 1 or more")

    def channels(self, block: int) -> int:
        """Channels of a block, 1 the coarsest; 0 is the vector that the critic ends in."""
        return min(self.base_channels >> block, self.most_channels)


@dataclass(frozen=True, kw_only=True)
class ReportSpec(ArchitectureSpec):
    """Sizes of the report's GAN on 256 x 256 pictures: one width, kernel and upsampling a stage.

    has_encoder: the second half of the latent is the code of a spectrogram, as in the report's earlier form.
    """

    kind: Literal["report"] = "report"
    latent_size: int = 128
    conditional: bool = False
    has_encoder: bool = False
    start_width: int = 1024
    generator_widths: tuple[int, ...] = (512, 256, 128, 64)
    generator_kernels: tuple[int, ...] = (7, 5, 5, 3)
    upsampling: tuple[Upsampling, ...] = ("linear", "linear", "cubic", "cubic")
    critic_widths: tuple[int, ...] = (64, 128, 256, 512)
    dropout: float = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        stages = {len(self.generator_widths), len(self.generator_kernels), len(self.upsampling)}
        check(len(stages) == 1, "generator_widths, generator_kernels and upsampling need one entry a stage")
        check(len(self.critic_widths) == 4, "critic_widths needs four entries")
        for name in self.upsampling:
            check(name in UPSAMPLINGS, unknown("upsampling", name, UPSAMPLINGS))
        check(0.0 <= self.dropout < 1.0, f"dropout={self.dropout} is not in 0..1")
        check(not self.conditional, "the report's GAN takes no labels: conditional=False")
        if self.has_encoder:
            check(self.latent_size % 2 == 0, f"latent_size={self.latent_size} has no second half for a code")
            check(self.latent_distribution == "normal", "a code has the length of normal latents: no uniform ones")


AnyGeneratorSpec = MelspecSpec | WaveganSpec | SpecganSpec | GansynthSpec | ReportSpec
