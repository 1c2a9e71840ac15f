"""GANSynth (Engel et al. 2019): notes by pitch from log magnitude and instantaneous frequency.

    python -m trainer train --recipe gansynth --corpus path/to/nsynth --option label=pitch
    python -m trainer train --recipe gansynth_small --corpus path/to/font.sf2 --option programs=0,11,20,24

gansynth is the published network with the mel features of its best figures, grown progressively over 11 million
clips; gansynth_small trains light networks on a smaller grid directly, with frequencies seen from the middle of their
band and faded out where it is quiet. Linear features: --set representation.n_mels=None. Time and
scores: docs/results.md.
"""

from trainer.recipes.recipe import Recipe
from trainer.specs.architectures import GansynthSpec
from trainer.specs.audio import AudioSpec
from trainer.specs.game import AugmentSpec, GameSpec
from trainer.specs.representations import PhaseSpec
from trainer.specs.run import LoopSpec, RunSpec

PUBLISHED = RunSpec(
    recipe="gansynth",
    audio=AudioSpec(sample_rate_hz=16_000, clip_samples=64_000),
    representation=PhaseSpec(n_fft=2_048, hop_samples=512, n_mels=1_024, frames=128),
    architecture=GansynthSpec(),
    game=GameSpec(
        objective="wgan",
        r1_weight=0.0,
        r2_weight=0.0,
        gradient_penalty_weight=10.0,
        penalty_every=1,
        drift_weight=1e-3,
        standardise=False,
        class_weight=10.0,
        classify_fakes=True,
        ema=0.999,
        generator_learning_rate=8e-4,
        critic_learning_rate=8e-4,
    ),
    augment=AugmentSpec(probability=0.0, adaptive=False),
    loop=LoopSpec(steps=1_375_000, batch=8, patience=None),
)
SMALL = RunSpec(
    recipe="gansynth_small",
    audio=AudioSpec(sample_rate_hz=16_000, clip_samples=16_384),
    representation=PhaseSpec(
        n_fft=2_048, hop_samples=512, n_mels=256, mel_frequency="power", frequency_origin="band", gate_db=60.0
    ),
    architecture=GansynthSpec(latent_size=96, base_channels=512, most_channels=128, light=True, progressive=False),
    # A note moved by a bin is another pitch.
    augment=AugmentSpec(probability=0.0, bin_shift=0, time_shift=2, time_mask=4, bin_mask=24),
    # Slower than what was best for the first minutes (1e-3), and a longer average: the distance wobbled.
    game=GameSpec(r1_weight=1.0, r2_weight=1.0, generator_learning_rate=6e-4, critic_learning_rate=6e-4, ema=0.999),
    loop=LoopSpec(minutes=60.0),
)
RECIPES = (
    Recipe("GANSynth as published: notes by pitch, 4 s at 16 kHz", PUBLISHED),
    Recipe("GANSynth as it converges on small data: notes of a second, trained directly", SMALL),
)
