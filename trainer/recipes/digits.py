"""Short sounds of about a second at 8 kHz: spoken digits, or any folder of short labelled sounds.

    python -m trainer train --recipe digits --corpus path/to/fsdd --export models

Time and scores on the Free Spoken Digit Dataset: docs/results.md.
"""

from trainer.recipes.recipe import Recipe
from trainer.specs.audio import AudioSpec
from trainer.specs.representations import LogMelSpec
from trainer.specs.run import LoopSpec, RunSpec

DIGITS = RunSpec(
    recipe="digits",
    audio=AudioSpec(sample_rate_hz=8_000, clip_samples=8_192),
    representation=LogMelSpec(n_fft=512, hop_samples=128, n_mels=64),
    loop=LoopSpec(minutes=20.0),
)
RECIPES = (Recipe("sounds of about a second at 8 kHz, such as spoken digits", DIGITS),)
