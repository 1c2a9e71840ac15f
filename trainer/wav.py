"""16-bit WAV files with the standard library, so that a bare GPU machine can write previews."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np

from trainer.files import atomic


def encode(waveform: np.ndarray, sample_rate_hz: int) -> bytes:
    """Waveform [S], or [S, 2] for stereo, in [-1, 1] as a WAV file; samples that are not finite become silence."""
    finite = np.nan_to_num(waveform, nan=0.0, posinf=1.0, neginf=-1.0)
    samples = np.round(np.clip(finite, -1.0, 1.0) * 32767.0).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        sound.setsampwidth(2)
        sound.setframerate(sample_rate_hz)
        sound.writeframes(samples.tobytes())
    return file.getvalue()


def write(path: Path, waveform: np.ndarray, sample_rate_hz: int) -> None:
    """Write `encode`'s file, whole or not at all."""
    with atomic(path) as file:
        file.write(encode(waveform, sample_rate_hz))
