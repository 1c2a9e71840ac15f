"""The published way to train audio GANs (WGAN-GP, five critic steps, no augmentation), for comparison with digits.

    python -m trainer train --recipe wgan_gp --corpus path/to/fsdd

It does not converge in the minutes that digits needs: docs/results.md.
"""

from trainer.config import AugmentSpec, GameSpec
from trainer.recipes import digits

RECIPE = digits.RECIPE.replace(
    name="wgan_gp",
    recipe="wgan_gp",
    game=GameSpec(
        objective="wgan",
        critic_steps=5,
        r1_weight=0.0,
        gradient_penalty_weight=10.0,
        penalty_every=1,
        class_weight=0.0,
        generator_learning_rate=1e-4,
        critic_learning_rate=1e-4,
        beta_1=0.5,
        beta_2=0.9,
    ),
    augment=AugmentSpec(probability=0.0, adaptive=False),
)
