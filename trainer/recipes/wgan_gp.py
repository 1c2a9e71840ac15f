"""The published way to train audio GANs (WGAN-GP, five critic steps, no augmentation), for comparison with digits.

    python -m trainer train --recipe wgan_gp --corpus path/to/fsdd

It does not converge in the minutes that digits needs: docs/results.md.
"""

from trainer.recipes.digits import DIGITS
from trainer.recipes.recipe import Recipe
from trainer.specs.game import AugmentSpec, GameSpec

PUBLISHED_GAME = GameSpec(
    objective="wgan",
    critic_steps=5,
    r1_weight=0.0,
    r2_weight=0.0,
    gradient_penalty_weight=10.0,
    penalty_every=1,
    standardise=False,
    class_weight=0.0,
    generator_learning_rate=1e-4,
    critic_learning_rate=1e-4,
    beta_1=0.5,
    beta_2=0.9,
)
NO_AUGMENTATION = AugmentSpec(probability=0.0, adaptive=False)

WGAN_GP = DIGITS.replace(recipe="wgan_gp", game=PUBLISHED_GAME, augment=NO_AUGMENTATION)
RECIPES = (Recipe("digits, trained the way that audio GANs were published", WGAN_GP),)
