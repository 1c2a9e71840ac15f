"""A vocoder at the rate of frames with an inverse STFT for its head (Siuzdak 2023), played as MelGAN is.

    python -m trainer train --recipe vocos --corpus path/to/speech
    python -m trainer train --recipe vocos_small --corpus path/to/fsdd
    python -m trainer train --recipe vocos_small --corpus path/to/fsdd --features-of models/digits  (for a generator)

About a tenth of MelGAN's cost. For small data the network corrects magnitudes and Griffin-Lim finds their phase, which
minutes of a core can learn. For streaming, of the first: --set architecture.causal=True, which hears 2 frames ahead,
the half window of the transform, and no more. Time and scores: docs/results.md.
"""

from trainer.recipes.melgan import PUBLISHED as MELGAN
from trainer.recipes.melgan import SMALL as MELGAN_SMALL
from trainer.recipes.recipe import Recipe
from trainer.specs.game import InversionSpec
from trainer.specs.vocoders import VocosSpec

VOCOS = MELGAN.replace(
    recipe="vocos",
    architecture=VocosSpec(),
    game=InversionSpec(spectral_weight=5.0, generator_learning_rate=2e-4, critic_learning_rate=2e-4, ema=0.999),
)
# The critics wait for what forty minutes of a core don't reach: sooner they doubled the mel error of held-out clips.
SMALL = MELGAN_SMALL.replace(
    recipe="vocos_small",
    architecture=VocosSpec(
        width=192, blocks=6, griffin_lim_iterations=16, critic_width=8, critic_most_width=128, critic_factors=(4, 4, 4)
    ),
    game=MELGAN_SMALL.game.replace(segment_samples=4_096, alone_steps=100_000),
)
RECIPES = (
    Recipe("a vocoder with an inverse STFT for its head, 22.05 kHz, a tenth of MelGAN's cost", VOCOS),
    Recipe("a vocoder that corrects what Griffin-Lim decodes, for small data, 8 kHz", SMALL),
)
