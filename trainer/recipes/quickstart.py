"""A first model in minutes: one-second sounds at 16 kHz, made for the built-in notes.

    make train
    python -m trainer train --recipe quickstart --corpus notes --export models

Time and scores: docs/results.md.
"""

from trainer.recipes.recipe import Recipe
from trainer.specs.audio import AudioSpec
from trainer.specs.representations import LogMelSpec
from trainer.specs.run import LoopSpec, RunSpec

QUICKSTART = RunSpec(
    recipe="quickstart",
    audio=AudioSpec(sample_rate_hz=16_000, clip_samples=16_384),
    representation=LogMelSpec(n_fft=1_024, hop_samples=256, n_mels=64),
    loop=LoopSpec(minutes=5.0),
)
RECIPES = (Recipe("a first model in minutes, one second at 16 kHz", QUICKSTART),)
