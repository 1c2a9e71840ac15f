"""MelGAN (Kumar et al. 2019): mel spectrograms to sound, as published and for small data at 8 kHz.

    python -m trainer train --recipe melgan --corpus path/to/speech
    python -m trainer train --recipe melgan_small --corpus path/to/fsdd

Other rates, hops and bands: --set audio.sample_rate_hz=16000 --set representation.hop_samples=200 --set
representation.n_fft=800 with --set "architecture.factors=(5, 5, 4, 2)", whose product is the hop, and crops of whole
hops: --set game.segment_samples=8000. Time and scores: docs/results.md.
"""

from trainer.recipes.recipe import Recipe
from trainer.specs.audio import AudioSpec
from trainer.specs.game import InversionSpec
from trainer.specs.representations import MagnitudeMelSpec
from trainer.specs.run import LoopSpec, RunSpec
from trainer.specs.vocoders import MelganSpec

PUBLISHED = RunSpec(
    recipe="melgan",
    audio=AudioSpec(sample_rate_hz=22_050, clip_samples=65_536),
    representation=MagnitudeMelSpec(),
    architecture=MelganSpec(),
    game=InversionSpec(),
    augment=None,
    loop=LoopSpec(minutes=3 * 24 * 60.0, patience=None),
)
SMALL_AUDIO = AudioSpec(sample_rate_hz=8_000, clip_samples=8_192)
SMALL_MEL = MagnitudeMelSpec(n_fft=512, hop_samples=128, n_mels=64)
# First the spectrogram alone, then the critics, who take most of a step.
SMALL_GAME = InversionSpec(
    segment_samples=2_048,
    skip_silence=True,
    spectral_weight=5.0,
    alone_steps=2_000,
    generator_learning_rate=5e-4,
    critic_learning_rate=2e-4,
    ema=0.998,
)
SMALL = PUBLISHED.replace(
    recipe="melgan_small",
    audio=SMALL_AUDIO,
    representation=SMALL_MEL,
    architecture=MelganSpec(
        width=256, factors=(8, 4, 2, 2), critic_width=8, critic_most_width=128, critic_factors=(4, 4, 4)
    ),
    game=SMALL_GAME,
    loop=LoopSpec(minutes=40.0, batch=8, patience=None),
)
RECIPES = (
    Recipe("MelGAN as published: a vocoder at 22.05 kHz, 4.26 M parameters", PUBLISHED),
    Recipe("MelGAN for small data, 8 kHz", SMALL),
)
