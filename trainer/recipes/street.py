"""Four seconds of street sound at 22.05 kHz, with or without labels.

    python -m trainer train --recipe street --corpus path/to/urbansound8k --option classes=street_music
    python -m trainer train --recipe street --corpus path/to/urbansound8k

Clips are 128 frames of 688 samples, 3.99 s, so that the report's preset hears the very same ones. Time and scores:
docs/results.md.
"""

from trainer.recipes.recipe import Recipe
from trainer.specs.audio import AudioSpec
from trainer.specs.game import AugmentSpec
from trainer.specs.representations import LogMelSpec
from trainer.specs.run import LoopSpec, RunSpec

STREET_AUDIO = AudioSpec(sample_rate_hz=22_050, clip_samples=88_064)
STREET = RunSpec(
    recipe="street",
    audio=STREET_AUDIO,
    representation=LogMelSpec(n_fft=2_752, hop_samples=688, n_mels=64),
    # Street sounds have no beginning: they may be moved far in time.
    augment=AugmentSpec(time_shift=24, time_mask=16),
    loop=LoopSpec(minutes=40.0),
)
RECIPES = (Recipe("four seconds at 22.05 kHz, such as street sounds", STREET),)
