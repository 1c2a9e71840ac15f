"""WaveGAN (Donahue et al. 2019): a GAN on raw audio, as published and as it converges on small data.

    python -m trainer train --recipe wavegan --corpus path/to/sounds
    python -m trainer train --recipe wavegan_small --corpus path/to/fsdd

Other lengths and rates: --set audio.clip_samples=65536 --set audio.sample_rate_hz=44100; stereo: --set
audio.channels=2. Upsampling: --set architecture.upsampling=nearest (linear, cubic). In wavegan_small the
critic sees a log spectrogram, and phase_shuffle does nothing. Time and scores: docs/results.md.
"""

from trainer.recipes.recipe import Recipe
from trainer.recipes.wgan_gp import NO_AUGMENTATION, PUBLISHED_GAME
from trainer.specs.architectures import WaveganSpec
from trainer.specs.audio import AudioSpec
from trainer.specs.game import AugmentSpec, GameSpec
from trainer.specs.representations import WaveformSpec
from trainer.specs.run import LoopSpec, RunSpec

PUBLISHED = RunSpec(
    recipe="wavegan",
    audio=AudioSpec(sample_rate_hz=16_000, clip_samples=16_384),
    representation=WaveformSpec(),
    architecture=WaveganSpec(conditional=False),
    game=PUBLISHED_GAME,
    augment=NO_AUGMENTATION,
    loop=LoopSpec(minutes=24 * 60.0, batch=64),
)
SMALL = RunSpec(
    recipe="wavegan_small",
    audio=AudioSpec(sample_rate_hz=8_000, clip_samples=8_192),
    representation=WaveformSpec(),
    architecture=WaveganSpec(
        latent_distribution="normal",
        width=16,
        pixel_norm=True,
        upsampling="nearest",
        output_gain=0.1,
        critic_fft=256,
    ),
    # Of waveforms, whose deviation is 1/20: the gradient that is punished is 20 times that of standardised ones.
    game=GameSpec(r1_weight=2e-4, r2_weight=2e-4),
    augment=AugmentSpec(time_shift=800, time_mask=1_200),
    loop=LoopSpec(minutes=40.0),
)
RECIPES = (
    Recipe("WaveGAN as published: raw audio, 19 M parameters", PUBLISHED),
    Recipe("WaveGAN as it converges on small data, 8 kHz", SMALL),
)
