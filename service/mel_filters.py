"""Mel scales and mel filter banks, in NumPy."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

MelScale = Literal["slaney", "htk"]
MelNorm = Literal["slaney", "none"]

KNEE_HZ, HZ_PER_MEL, LOG_STEP = 1_000.0, 200.0 / 3.0, np.log(6.4) / 27.0
KNEE = KNEE_HZ / HZ_PER_MEL
HTK_MELS, HTK_HZ = 2595.0, 700.0


def hz_to_mel(hz: NDArray[np.float64] | float, scale: MelScale) -> NDArray[np.float64]:
    """Frequencies on Slaney's scale, linear to 1 kHz and logarithmic above, or on HTK's. Source: librosa.hz_to_mel."""
    hz = np.asarray(hz, np.float64)
    if scale == "htk":
        return np.asarray(HTK_MELS * np.log10(1.0 + hz / HTK_HZ))
    return np.where(hz < KNEE_HZ, hz / HZ_PER_MEL, KNEE + np.log(np.maximum(hz, KNEE_HZ) / KNEE_HZ) / LOG_STEP)


def mel_to_hz(mels: NDArray[np.float64], scale: MelScale) -> NDArray[np.float64]:
    """Inverse of `hz_to_mel`."""
    if scale == "htk":
        return np.asarray(HTK_HZ * (10.0 ** (mels / HTK_MELS) - 1.0))
    return np.where(mels < KNEE, mels * HZ_PER_MEL, KNEE_HZ * np.exp(LOG_STEP * (mels - KNEE)))


def mel_filters(
    *, sample_rate_hz: int, n_fft: int, n_mels: int, fmin_hz: float, fmax_hz: float, scale: MelScale, norm: MelNorm
) -> NDArray[np.float32]:
    """Triangular mel filters; those narrower than a bin may be empty.

    norm: slaney for equal areas, none for peaks of 1.
    Returns: float32 [n_mels, n_fft // 2 + 1].
    Source: librosa.filters.mel, equal to 1e-6.
    """
    bins_hz = np.linspace(0.0, sample_rate_hz / 2.0, n_fft // 2 + 1)
    lowest, highest = hz_to_mel(np.array([fmin_hz, fmax_hz]), scale)
    edges_hz = mel_to_hz(np.linspace(lowest, highest, n_mels + 2), scale)
    ramps, widths = edges_hz[:, None] - bins_hz, np.diff(edges_hz)[:, None]
    filters = np.maximum(0.0, np.minimum(-ramps[:-2] / widths[:-1], ramps[2:] / widths[1:]))
    if norm == "slaney":
        filters *= 2.0 / (edges_hz[2:] - edges_hz[:-2])[:, None]
    return filters.astype(np.float32)
