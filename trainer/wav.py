"""16-bit WAV files with the standard library, so that a bare GPU machine can write previews."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from trainer.files import atomic


def write(path: Path, waveform: np.ndarray, sample_rate_hz: int) -> None:
    """Write waveform [S] in [-1, 1] as a mono WAV file."""
    samples = np.round(np.clip(waveform, -1.0, 1.0) * 32767.0).astype("<i2")
    with atomic(path) as file, wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(sample_rate_hz)
        sound.writeframes(samples.tobytes())
