"""What a recipe is."""

from __future__ import annotations

from typing import NamedTuple

from trainer.specs.run import RunSpec


class Recipe(NamedTuple):
    """A specification, and in a few words what it is for."""

    summary: str
    spec: RunSpec
