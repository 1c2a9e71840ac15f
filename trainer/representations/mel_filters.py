"""Mel filter banks in NumPy, so that a machine without librosa can train."""

from __future__ import annotations

import numpy as np

_LINEAR_HZ_PER_MEL = 200.0 / 3.0
_LOG_START_HZ = 1000.0
_LOG_STEP = np.log(6.4) / 27.0


def hz_to_mel(frequencies_hz: np.ndarray) -> np.ndarray:
    """Slaney's mel scale: linear below 1 kHz, logarithmic above. Source: librosa.hz_to_mel."""
    logarithmic = (
        _LOG_START_HZ / _LINEAR_HZ_PER_MEL + np.log(np.maximum(frequencies_hz, 1e-9) / _LOG_START_HZ) / _LOG_STEP
    )
    return np.where(frequencies_hz < _LOG_START_HZ, frequencies_hz / _LINEAR_HZ_PER_MEL, logarithmic)


def mel_to_hz(mels: np.ndarray) -> np.ndarray:
    """Inverse of `hz_to_mel`."""
    start = _LOG_START_HZ / _LINEAR_HZ_PER_MEL
    return np.where(mels < start, mels * _LINEAR_HZ_PER_MEL, _LOG_START_HZ * np.exp(_LOG_STEP * (mels - start)))


def mel_filters(sample_rate_hz: int, n_fft: int, n_mels: int, fmin_hz: float, fmax_hz: float) -> np.ndarray:
    """Triangular mel filters, Slaney scale and area normalisation.

    Returns: float32 [n_mels, n_fft // 2 + 1].
    Source: librosa.filters.mel, equal to 1e-6.
    """
    bins_hz = np.linspace(0.0, sample_rate_hz / 2.0, n_fft // 2 + 1)
    lowest, highest = hz_to_mel(np.array([fmin_hz, fmax_hz]))
    edges_hz = mel_to_hz(np.linspace(float(lowest), float(highest), n_mels + 2))
    ramps = edges_hz[:, None] - bins_hz[None, :]
    widths = np.diff(edges_hz)[:, None]
    rising, falling = -ramps[:-2] / widths[:-1], ramps[2:] / widths[1:]
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    filters: np.ndarray = (triangles * (2.0 / (edges_hz[2:] - edges_hz[:-2]))[:, None]).astype("float32")
    return filters
