"""Which architectures there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from trainer.architectures import gansynth, melspec, report, specgan, wavegan
from trainer.architectures.growth import Schedule
from trainer.architectures.networks import Critic, Generator
from trainer.specs.architectures import AnyArchitectureSpec

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


def make_generator(spec: AnyArchitectureSpec, shape: Shape, label_count: int) -> Generator:
    """A generator with fresh weights for features of a shape.

    Raises: SpecError with the nearest shape that fits.
    """
    return ARCHITECTURES[spec.kind].generator(spec, shape, label_count)


def make_critic(spec: AnyArchitectureSpec, shape: Shape, label_count: int) -> Critic:
    """The critic that fits the generator."""
    return ARCHITECTURES[spec.kind].critic(spec, shape, label_count)


def growing_of(spec: AnyArchitectureSpec, shape: Shape) -> Schedule | None:
    """How networks grow during training; None where they do not."""
    return ARCHITECTURES[spec.kind].schedule(spec, shape)
