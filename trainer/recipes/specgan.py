"""SpecGAN (Donahue et al. 2019): a GAN on log-magnitude spectrograms, as published and as it converges on small data.

    python -m trainer train --recipe specgan --corpus path/to/sounds
    python -m trainer train --recipe specgan_small --corpus path/to/fsdd

Other lengths and rates: --set audio.clip_samples=65536 and an FFT to match, such as --set representation.n_fft=512
--set representation.hop_samples=256. Time and scores: docs/results.md.
"""

from trainer.recipes.recipe import Recipe
from trainer.recipes.wgan_gp import NO_AUGMENTATION, PUBLISHED_GAME
from trainer.specs.architectures import SpecganSpec
from trainer.specs.audio import AudioSpec
from trainer.specs.game import AugmentSpec, GameSpec
from trainer.specs.representations import LogSpectrogramSpec
from trainer.specs.run import LoopSpec, RunSpec

PUBLISHED = RunSpec(
    recipe="specgan",
    audio=AudioSpec(sample_rate_hz=16_000, clip_samples=16_384),
    representation=LogSpectrogramSpec(),
    architecture=SpecganSpec(conditional=False),
    game=PUBLISHED_GAME,
    augment=NO_AUGMENTATION,
    loop=LoopSpec(minutes=24 * 60.0, batch=64),
)
SMALL = RunSpec(
    recipe="specgan_small",
    audio=AudioSpec(sample_rate_hz=8_000, clip_samples=8_192),
    # From 1e-6 silence would be so far from the rest that bins tell sound from silence and little else.
    representation=LogSpectrogramSpec(epsilon=1e-3),
    architecture=SpecganSpec(
        latent_distribution="normal",
        width=16,
        kernel=3,
        pixel_norm=True,
        upsampling="nearest",
        output_gain=0.1,
        tower_critic=True,
    ),
    game=GameSpec(),
    augment=AugmentSpec(probability=0.3, adaptive=False),
    loop=LoopSpec(minutes=40.0),
)
RECIPES = (
    Recipe("SpecGAN as published: log-magnitude spectrograms", PUBLISHED),
    Recipe("SpecGAN as it converges on small data, 8 kHz", SMALL),
)
