"""Which architectures there are."""

from __future__ import annotations

from types import ModuleType

from trainer.architectures import gansynth, melspec, report, specgan, wavegan
from trainer.architectures.growth import Schedule
from trainer.architectures.networks import Critic, Generator
from trainer.specs.architectures import AnyArchitectureSpec

ARCHITECTURES: dict[str, ModuleType] = {
    "melspec": melspec,
    "wavegan": wavegan,
    "specgan": specgan,
    "gansynth": gansynth,
    "report": report,
}


def make_generator(spec: AnyArchitectureSpec, shape: tuple[int, ...], label_count: int) -> Generator:
    """A generator with fresh weights for features of a shape.

    Raises: SpecError with the nearest shape that fits.
    """
    generator: Generator = ARCHITECTURES[spec.kind].Generator(spec, shape, label_count)
    return generator


def make_critic(spec: AnyArchitectureSpec, shape: tuple[int, ...], label_count: int) -> Critic:
    """The critic that fits the generator."""
    critic: Critic = ARCHITECTURES[spec.kind].Critic(spec, shape, label_count)
    return critic


def growing_of(spec: AnyArchitectureSpec, shape: tuple[int, ...]) -> Schedule | None:
    """How networks grow during training; None where they do not."""
    find = getattr(ARCHITECTURES[spec.kind], "schedule", None)
    schedule: Schedule | None = find(spec, shape) if find else None
    return schedule
