"""How far a sound is from the one that was wanted."""

from __future__ import annotations

import numpy as np

NAMES = ("spectral convergence", "log-spectral distance, dB", "mel error")


def sound_errors(wanted: np.ndarray, got: np.ndarray, rate_hz: int) -> np.ndarray:
    """The three errors by NAMES, on a grid that favours no decoder: frames of 1024 every 5 ms.

    wanted, got: float32 [S]. Returns: float64 [3], smaller is better.
    """
    import librosa

    hop = rate_hz // 200
    first, second = (np.abs(librosa.stft(sound, n_fft=1024, hop_length=hop)) for sound in (wanted, got))
    decibels = 20.0 * np.log10(np.maximum(first, 1e-4) / np.maximum(second, 1e-4))
    mels = [librosa.feature.melspectrogram(S=size**2, sr=rate_hz, n_mels=64) ** 0.5 for size in (first, second)]
    return np.array(
        [
            np.linalg.norm(first - second) / np.linalg.norm(first),
            np.sqrt(np.mean(decibels**2)),
            np.linalg.norm(mels[0] - mels[1]) / np.linalg.norm(mels[0]),
        ]
    )
