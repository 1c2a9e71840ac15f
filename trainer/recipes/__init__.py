"""Recipes: one file each, whose docstring gives the command, the time it takes and the score to expect."""

from __future__ import annotations

from types import ModuleType

from trainer.config import LatentoneError, RunSpec, unknown
from trainer.recipes import digits, quickstart, wgan_gp

_MODULES: tuple[ModuleType, ...] = (digits, quickstart, wgan_gp)
RECIPES: dict[str, ModuleType] = {module.RECIPE.recipe: module for module in _MODULES}


def find(name: str) -> RunSpec:
    """Return the specification of a recipe.

    Raises: LatentoneError naming the nearest recipe.
    """
    if name not in RECIPES:
        raise LatentoneError(unknown("recipe", name, RECIPES))
    spec: RunSpec = RECIPES[name].RECIPE
    return spec


def summary(name: str) -> str:
    """First line of a recipe's docstring."""
    return (RECIPES[name].__doc__ or "").strip().splitlines()[0]
