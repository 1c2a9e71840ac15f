"""Distances between magnitude spectra: blind to phase, as the ear mostly is.

The first three share a grid that favours no decoder, for it is nobody's own: frames of 1024 samples, one every 5 ms.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trainer.evaluation.measure import Unmeasurable
from trainer.evaluation.reconstruction.measure import Reconstruction, Sound

FRAME = 1024
FRAMES_A_SECOND = 200
MELS = 64
FLOOR = 1e-4  # of a magnitude, before its logarithm: a sine of amplitude 4e-7

RESOLUTIONS = ((512, 50, 240), (1024, 120, 600), (2048, 240, 1200))  # FFT, hop and window, in samples
POWER_FLOOR = 1e-7
SMALLEST_FFT = 16

Magnitudes = NDArray[np.float32]


def spectral_convergence(wanted: Sound, got: Sound, rate_hz: int) -> float:
    """Norm of the difference of magnitudes over the norm of the wanted ones; 0 is equal, silence gives 1.

    Raises: Unmeasurable where `wanted` is silent.
    Source: Arik, Jun and Diamos, "Fast Spectrogram Inversion Using Multi-Head Convolutional Neural Networks", 2019.
    """
    return _relative(_magnitudes(wanted, rate_hz), _magnitudes(got, rate_hz))


def log_spectral_distance(wanted: Sound, got: Sound, rate_hz: int) -> float:
    """Root mean square of the difference of levels over all frames and bins, dB; 0 is equal.

    Source: Gray and Markel, "Distance Measures for Speech Processing", 1976; one root over the clip, not one a frame.
    """
    first, second = (np.maximum(_magnitudes(sound, rate_hz), FLOOR) for sound in (wanted, got))
    decibels = 20.0 * np.log10(first / second)
    return float(np.sqrt(np.mean(decibels**2)))


def mel_error(wanted: Sound, got: Sound, rate_hz: int) -> float:
    """Spectral convergence of the roots of 64 mel powers (Slaney, all of the band); 0 is equal, silence gives 1.

    Raises: Unmeasurable where `wanted` is silent.
    """
    import librosa

    powers = [_magnitudes(sound, rate_hz) ** 2 for sound in (wanted, got)]
    first, second = (librosa.feature.melspectrogram(S=power, sr=rate_hz, n_mels=MELS) ** 0.5 for power in powers)
    return _relative(first, second)


def multi_resolution_stft(wanted: Sound, got: Sound, rate_hz: int) -> float:  # noqa: ARG001 - everyone's signature
    """Spectral convergence plus mean absolute difference of log magnitudes, the mean over three resolutions; >= 0.

    The resolutions are in samples at every rate, as the field gives them; for a clip shorter than the longest FFT all
    three are halved until it fits.
    Raises: Unmeasurable where the clip is shorter than 64 samples.
    Source: Yamamoto, Song and Kim, "Parallel WaveGAN", 2020, and the resolutions of its implementation
    (kan-bayashi/ParallelWaveGAN, losses/stft_loss.py).
    """
    halvings = 0
    while RESOLUTIONS[-1][0] >> halvings > len(wanted):
        halvings += 1
    if RESOLUTIONS[0][0] >> halvings < SMALLEST_FFT:
        raise Unmeasurable(f"a clip of {len(wanted)} samples has no three resolutions")
    losses = []
    for fft, hop, window in RESOLUTIONS:
        grid = (fft >> halvings, hop >> halvings, window >> halvings)
        first, second = _floored(wanted, *grid), _floored(got, *grid)
        losses.append(_relative(first, second) + float(np.mean(np.abs(np.log(first / second)))))
    return float(np.mean(losses))


def _magnitudes(sound: Sound, rate_hz: int) -> Magnitudes:
    """Magnitudes [513, frames] on the common grid; a clip shorter than a frame goes on in silence."""
    import librosa

    whole = np.pad(sound, (0, max(0, FRAME - len(sound))))
    return np.asarray(np.abs(librosa.stft(whole, n_fft=FRAME, hop_length=rate_hz // FRAMES_A_SECOND)))


def _floored(sound: Sound, fft: int, hop: int, window: int) -> Magnitudes:
    """Magnitudes [fft // 2 + 1, frames] whose powers are at least POWER_FLOOR, the ends mirrored."""
    import librosa

    spectrum = librosa.stft(sound, n_fft=fft, hop_length=hop, win_length=window, pad_mode="reflect")
    return np.asarray(np.sqrt(np.maximum(np.abs(spectrum) ** 2, POWER_FLOOR)))


def _relative(wanted: Magnitudes, got: Magnitudes) -> float:
    norm = np.linalg.norm(wanted)
    if norm == 0:
        raise Unmeasurable("the sound that is wanted is silent")
    return float(np.linalg.norm(wanted - got) / norm)


SPECTRAL_CONVERGENCE = Reconstruction(
    name="spectral_convergence",
    title="spectral convergence",
    unit="",
    better="lower",
    function=spectral_convergence,
)
LOG_SPECTRAL_DISTANCE = Reconstruction(
    name="log_spectral_distance",
    title="log-spectral distance",
    unit="dB",
    better="lower",
    function=log_spectral_distance,
)
MEL_ERROR = Reconstruction(
    name="mel_error",
    title="mel error",
    unit="",
    better="lower",
    function=mel_error,
)
MULTI_RESOLUTION_STFT = Reconstruction(
    name="multi_resolution_stft",
    title="multi-resolution STFT loss",
    unit="",
    better="lower",
    function=multi_resolution_stft,
)
