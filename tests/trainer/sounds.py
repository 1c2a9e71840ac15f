"""Built-in notes as arrays, for tests of signal processing."""

from __future__ import annotations

import numpy as np

from trainer.corpus.notes import Note
from trainer.corpus.synthesis import FAMILIES

RATE_HZ = 16_000


def notes(samples: int) -> np.ndarray:
    """One note of each family and three pitches: float32 [9, samples] at 16 kHz."""
    import librosa

    made = []
    for family in sorted(FAMILIES):
        for pitch in (45, 60, 76):
            note = Note(family=family, pitch=pitch, velocity=100, variant=0, seconds=samples / RATE_HZ + 0.1, seed=0)
            waveform, rate = note.read()
            made.append(librosa.resample(waveform[:, 0], orig_sr=rate, target_sr=RATE_HZ)[:samples])
    return np.stack(made).astype("float32")
