"""Mel filter banks in NumPy, so that a machine without librosa can train."""

from __future__ import annotations

import numpy as np

from trainer.errors import check

_LINEAR_HZ_PER_MEL = 200.0 / 3.0
_LOG_START_HZ = 1000.0
_LOG_STEP = np.log(6.4) / 27.0
_HTK_BREAK_HZ = 700.0
_HTK_MELS_PER_DECADE = 2595.0


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


def filters_of(
    sample_rate_hz: int, n_fft: int, n_mels: int, fmin_hz: float, fmax_hz: float | None
) -> tuple[float, np.ndarray]:
    """The highest frequency, which is Nyquist's where none is given, and `mel_filters` that lose nothing.

    Raises: SpecError where fmax_hz passes the Nyquist frequency, or a band is narrower than the FFT resolves.
    """
    nyquist = sample_rate_hz / 2
    highest = nyquist if fmax_hz is None else fmax_hz
    check(highest <= nyquist, f"fmax_hz={highest} passes the Nyquist frequency of {nyquist} Hz")
    filters = mel_filters(sample_rate_hz, n_fft, n_mels, fmin_hz, highest)
    empty = int((filters.max(axis=1) == 0).sum())
    check(empty == 0, f"{empty} of {n_mels} mel bands hold no FFT bin: lower n_mels, or raise n_fft={n_fft}")
    return highest, filters


def htk_mel_filters(sample_rate_hz: int, n_fft: int, n_mels: int) -> np.ndarray:
    """Triangular mel filters from 0 Hz to the Nyquist frequency: HTK scale, peaks of 1, no DC bin.

    Bands narrower than 1.5 bins are widened to that, so that each meets a bin; only those below the first bin stay
    empty (one or two where there are as many bands as bins).

    Returns: float32 [n_mels, n_fft // 2], for the bins 1 to n_fft // 2.
    Source: librosa.filters.mel(htk=True, norm=None), equal to 1e-6 where no band is widened; widened as GANSynth does.
    GANSynth takes bin 1 for 0 Hz and stretches the others; here every bin stands at its own frequency.
    """
    bins_hz = np.arange(1, n_fft // 2 + 1) * sample_rate_hz / n_fft
    edges_hz = _htk_mel_to_hz(np.linspace(0.0, _hz_to_htk_mel(sample_rate_hz / 2.0), n_mels + 2))
    lower_hz, centre_hz, upper_hz = edges_hz[:-2].copy(), edges_hz[1:-1], edges_hz[2:].copy()
    half_hz = 0.75 * sample_rate_hz / n_fft
    # Symmetrical in mel: half the width at the centre's own slope.
    ratio = half_hz / (centre_hz + _HTK_BREAK_HZ)
    ratio = ratio + np.sqrt(1.0 + ratio**2)
    narrow = upper_hz - lower_hz < 2.0 * half_hz
    lower_hz[narrow] = ((centre_hz + _HTK_BREAK_HZ) / ratio - _HTK_BREAK_HZ)[narrow]
    upper_hz[narrow] = ((centre_hz + _HTK_BREAK_HZ) * ratio - _HTK_BREAK_HZ)[narrow]
    rising = (bins_hz - lower_hz[:, None]) / (centre_hz - lower_hz)[:, None]
    falling = (upper_hz[:, None] - bins_hz) / (upper_hz - centre_hz)[:, None]
    filters: np.ndarray = np.maximum(0.0, np.minimum(rising, falling)).astype("float32")
    return filters


def _hz_to_htk_mel(frequency_hz: float) -> float:
    return float(_HTK_MELS_PER_DECADE * np.log10(1.0 + frequency_hz / _HTK_BREAK_HZ))


def _htk_mel_to_hz(mels: np.ndarray) -> np.ndarray:
    frequencies_hz: np.ndarray = _HTK_BREAK_HZ * (10.0 ** (mels / _HTK_MELS_PER_DECADE) - 1.0)
    return frequencies_hz
