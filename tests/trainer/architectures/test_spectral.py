"""The critic of log spectrograms: its transform is NumPy's, noise has power 1, and what is too short is refused."""

from __future__ import annotations

import numpy as np
import pytest

from trainer.architectures import wavegan
from trainer.architectures.spectral import FLOOR, SpectralCritic, log_spectrogram
from trainer.errors import SpecError
from trainer.specs.architectures import WaveganSpec

N_FFT = 64


def test_the_spectrogram_is_numpy_s() -> None:
    sound = np.random.default_rng(0).standard_normal((2, 512, 1)).astype("float32")
    padded = np.pad(sound[..., 0], [(0, 0), (N_FFT // 4, N_FFT // 4)])
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT)
    frames = np.lib.stride_tricks.sliding_window_view(padded, N_FFT, axis=1)[:, :: N_FFT // 2]
    power = np.abs(np.fft.rfft(frames * window / np.linalg.norm(window)))[..., 1:] ** 2
    made = np.asarray(log_spectrogram(sound, N_FFT))
    assert made.shape == (2, 16, 32, 1)
    assert np.abs(made[..., 0] - (0.3 * np.log(power + FLOOR) + 1.0)).max() < 1e-4


def test_noise_of_deviation_one_has_power_one() -> None:
    sound = np.random.default_rng(1).standard_normal((4, 4096, 2)).astype("float32")
    made = np.asarray(log_spectrogram(sound, N_FFT))
    power = np.exp((made[:, 1:-1, :-1] - 1.0) / 0.3) - FLOOR
    assert np.mean(power) == pytest.approx(1.0, rel=0.05)


def test_the_published_critic_is_the_default_and_a_clip_too_short_is_refused() -> None:
    spec = WaveganSpec(width=2)
    assert isinstance(wavegan.make_critic(spec, (1024, 1), 3), wavegan.Critic)
    assert isinstance(wavegan.make_critic(spec.replace(critic_fft=64), (1024, 1), 3), SpectralCritic)
    with pytest.raises(SpecError, match="critic_fft=1024 makes a grid of 2 x 512"):
        wavegan.make_critic(spec.replace(critic_fft=1024), (1024, 1), 3)
