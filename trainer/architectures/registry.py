"""Which architectures there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from trainer.architectures import gansynth, melgan, melspec, report, specgan, vocos, wavegan
from trainer.architectures.encoder import Encoder, Standard, fft_of
from trainer.architectures.growth import Schedule
from trainer.architectures.networks import Critic, Generator
from trainer.architectures.vocoder import Mel, Vocoder
from trainer.architectures.wave_critics import WaveCritics
from trainer.specs.architectures import AnyGeneratorSpec, WaveganSpec
from trainer.specs.vocoders import AnyVocoderSpec

Shape = tuple[int, ...]


class Architecture(NamedTuple):
    """How its networks are made, from (specification, shape of the features, number of labels), and how they grow."""

    generator: Callable[[Any, Shape, int], Generator]
    critic: Callable[[Any, Shape, int], Critic]
    schedule: Callable[[Any, Shape], Schedule | None] = lambda _spec, _shape: None


ARCHITECTURES: dict[str, Architecture] = {
    "melspec": Architecture(melspec.Generator, melspec.Critic),
    "wavegan": Architecture(wavegan.Generator, wavegan.make_critic),
    "specgan": Architecture(specgan.Generator, specgan.make_critic),
    "gansynth": Architecture(gansynth.make_generator, gansynth.make_critic, gansynth.schedule),
    "report": Architecture(report.Generator, report.Critic),
}
VOCODERS: dict[str, Callable[[Any, Mel], Vocoder]] = {"melgan": melgan.Generator, "vocos": vocos.Generator}


def make_generator(spec: AnyGeneratorSpec, shape: Shape, label_count: int) -> Generator:
    """A generator with fresh weights for features of a shape.

    Raises: SpecError with the nearest shape that fits.
    """
    return ARCHITECTURES[spec.kind].generator(spec, shape, label_count)


def make_critic(spec: AnyGeneratorSpec, shape: Shape, label_count: int) -> Critic:
    """The critic that fits the generator."""
    return ARCHITECTURES[spec.kind].critic(spec, shape, label_count)


def make_encoder(spec: AnyGeneratorSpec, generator: Generator, standard: Standard) -> Encoder:
    """The way back through a generator, with fresh weights. standard: mean and deviation of the corpus' features."""
    is_sound = isinstance(spec, WaveganSpec)
    return Encoder(
        generator.features_shape,
        standard,
        latent_size=generator.latent_size,
        is_normal=generator.latent_distribution == "normal",
        label_count=generator.label_count,
        n_fft=fft_of(generator.features_shape[0]) if is_sound else None,
    )


def growing_of(spec: AnyGeneratorSpec, shape: Shape) -> Schedule | None:
    """How networks grow during training; None where they do not."""
    return ARCHITECTURES[spec.kind].schedule(spec, shape)


def make_vocoder(spec: AnyVocoderSpec, mel: Mel) -> Vocoder:
    """A vocoder with fresh weights for features of a mel scale.

    Raises: SpecError with the nearest values that fit.
    """
    return VOCODERS[spec.kind](spec, mel)


def make_wave_critics(spec: AnyVocoderSpec) -> WaveCritics:
    """The critics that hear it."""
    return WaveCritics(spec)
