"""Recipes: one file each, whose docstring gives the command, the time it takes and the score to expect.

A file holds the presets of one system: as it was published, and as it converges on a few hundred clips.
"""

from __future__ import annotations

from trainer.errors import LatentoneError, unknown
from trainer.recipes import digits, gansynth, melgan, quickstart, report, specgan, street, vocos, wavegan, wgan_gp
from trainer.recipes.recipe import Recipe
from trainer.specs.run import RunSpec

FILES = (quickstart, digits, street, wgan_gp, wavegan, specgan, gansynth, melgan, vocos, report)
RECIPES: dict[str, Recipe] = {recipe.spec.recipe: recipe for file in FILES for recipe in file.RECIPES}


def find(name: str) -> RunSpec:
    """Return the specification of a recipe.

    Raises: LatentoneError naming the nearest recipe.
    """
    if name not in RECIPES:
        raise LatentoneError(unknown("recipe", name, RECIPES))
    return RECIPES[name].spec
