"""How far two sounds are apart to the ear, as a loss: their spectrograms at three resolutions."""

from __future__ import annotations

from typing import Any

from keras import ops

from trainer.stft import hann, stft

Tensor = Any
FFTS = (256, 512, 1024)  # a frame every quarter
POWER_FLOOR = 1e-6


def spectral_loss(wanted: Tensor, got: Tensor) -> Tensor:
    """Spectral convergence plus mean absolute difference of log magnitudes of sounds [B, S], the mean over FFTS.

    Source: Yamamoto, Song and Kim 2020 (Parallel WaveGAN), section 3.2, with resolutions that are powers of two.
    """
    return sum(_at(wanted, got, n_fft) for n_fft in FFTS) / len(FFTS)


def _at(wanted: Tensor, got: Tensor, n_fft: int) -> Tensor:
    first, second = (_magnitude(sound, n_fft) for sound in (wanted, got))
    convergence = ops.sqrt(ops.sum(ops.square(first - second)) / ops.sum(ops.square(first)) + 1e-12)
    return convergence + ops.mean(ops.abs(ops.log(first) - ops.log(second)))


def _magnitude(sound: Tensor, n_fft: int) -> Tensor:
    hop = n_fft // 4
    whole = ops.pad(sound, [(0, 0), (0, -sound.shape[1] % hop)])
    real, imaginary = stft(whole, hann(n_fft), hop)
    return ops.sqrt(ops.maximum(ops.square(real) + ops.square(imaginary), POWER_FLOOR))
