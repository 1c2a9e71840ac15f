"""Sounds to decode: built-in notes, and recordings of a folder where one is given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

CLIPS = 6  # recordings taken from a folder


@dataclass(frozen=True)
class Material:
    """Waveforms float32 [N, S] and the grid of their spectrograms."""

    name: str
    rate_hz: int
    n_fft: int
    hop: int
    n_mels: int
    waveforms: np.ndarray


def notes() -> Material:
    """One built-in note of each family at three pitches, about a second at 16 kHz."""
    from trainer.corpus.notes import Note
    from trainer.corpus.synthesis import FAMILIES

    rate, samples = 16_000, 16_384
    made = [
        _fitted(*Note(family, pitch, 100, 0, samples / rate + 0.1, 0).read(), rate, samples)
        for family in sorted(FAMILIES)
        for pitch in (45, 60, 76)
    ]
    return Material("notes, 16 kHz, 1.0 s", rate, 1024, 256, 64, np.stack(made))


def recordings(folder: Path) -> Material:
    """A few recordings of a folder, 4 s at 22.05 kHz, taken evenly over their sorted names."""
    from trainer.corpus import find_source

    rate, hop = 22_050, 512
    samples = 4 * rate // hop * hop
    found = sorted(find_source(str(folder)).recordings, key=lambda recording: recording.name)
    made = [_fitted(*recording.sound.read(), rate, samples) for recording in found[:: max(1, len(found) // CLIPS)]]
    audible = [waveform for waveform in made if np.abs(waveform).max() > 1e-3]
    return Material(f"{folder.name}, 22.05 kHz, 4.0 s", rate, 2048, hop, 64, np.stack(audible[:CLIPS]))


def _fitted(samples: np.ndarray, rate_hz: int, wanted_hz: int, length: int) -> np.ndarray:
    """Mono, at the wanted rate, cut or padded with silence."""
    import soxr

    mono = soxr.resample(samples.mean(axis=1), rate_hz, wanted_hz).astype("float32")[:length]
    return np.pad(mono, (0, length - len(mono)))
