"""SpecGAN's features: standardised log magnitudes, and the waveform by Griffin-Lim."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trainer.sounds import RATE_HZ, notes
from trainer.errors import SpecError
from trainer.evaluation.pitch import track
from trainer.evaluation.reconstruction.spectral import spectral_convergence
from trainer.inversion import griffin_lim, phase_of_gradient
from trainer.representations.log_spectrogram import LogSpectrogram, fit_bins
from trainer.specs.audio import AudioSpec
from trainer.specs.representations import LogSpectrogramSpec
from trainer.stft import hann, stft

AUDIO = AudioSpec(sample_rate_hz=RATE_HZ, clip_samples=16_384)
FLAT = {"means": (-5.0,) * 128, "deviations": (2.0,) * 128}


@pytest.fixture(scope="module")
def waveforms() -> np.ndarray:
    return notes(AUDIO.clip_samples)


@pytest.fixture(scope="module")
def spectrogram(waveforms: np.ndarray) -> LogSpectrogram:
    return LogSpectrogram(fit_bins(LogSpectrogramSpec(), AUDIO, waveforms), AUDIO)


def test_published_shape(spectrogram: LogSpectrogram, waveforms: np.ndarray) -> None:
    assert np.asarray(spectrogram.encode(waveforms)).shape == (9, 128, 128) == (9, *spectrogram.shape)


def test_levels_equal_scipys(spectrogram: LogSpectrogram, waveforms: np.ndarray) -> None:
    padded = np.pad(waveforms.astype("float64"), ((0, 0), (64, 64)))
    _, _, spectra = scipy.signal.stft(padded, nperseg=256, noverlap=128, boundary=None, padded=False)
    reference = np.log(
        np.abs(spectra.transpose(0, 2, 1)[..., :128]) * 128.0 + 1e-6
    )  # scipy divides by the window's sum
    own = np.asarray(spectrogram.levels(waveforms))
    heard = reference > np.log(1e-3)  # below, single precision rounds
    assert np.abs(own - reference)[heard].max() < 1e-2


def test_each_bin_is_standardised(spectrogram: LogSpectrogram, waveforms: np.ndarray) -> None:
    features = np.asarray(spectrogram.encode(waveforms))
    assert np.abs(features.mean(axis=(0, 1))).max() < 0.02
    assert np.abs(3.0 * features.std(axis=(0, 1)) - 1.0).max() < 0.1  # a little was clipped
    assert np.mean(np.abs(features) == 1.0) < 0.01


def test_stated_constants_stay(waveforms: np.ndarray) -> None:
    spec = fit_bins(LogSpectrogramSpec(deviations=(2.0,) * 128), AUDIO, waveforms)
    assert spec.deviations == (2.0,) * 128
    assert spec.means is not None
    assert fit_bins(spec, AUDIO, waveforms[:1]) == spec


@pytest.mark.parametrize(("n_fft", "hop", "bound"), [(256, 128, 0.3), (512, 256, 0.15), (512, 128, 0.1)])
def test_the_round_trip_keeps_the_spectrum(waveforms: np.ndarray, n_fft: int, hop: int, bound: float) -> None:
    spec = fit_bins(LogSpectrogramSpec(n_fft=n_fft, hop_samples=hop), AUDIO, waveforms)
    spectrogram = LogSpectrogram(spec, AUDIO)
    decoded = np.asarray(spectrogram.decode(spectrogram.encode(waveforms)))
    errors = [spectral_convergence(*pair, RATE_HZ) for pair in zip(waveforms, decoded, strict=True)]
    assert np.mean(errors) < bound


def test_the_round_trip_keeps_pitch(spectrogram: LogSpectrogram, waveforms: np.ndarray) -> None:
    some = waveforms[[1, 2, 4]]
    decoded = np.asarray(spectrogram.decode(spectrogram.encode(some)))
    for wanted, got in zip(some, decoded, strict=True):
        assert abs(track(wanted, RATE_HZ) - track(got, RATE_HZ)) < 0.1  # 10 cents


def test_the_gradient_is_a_better_start_than_a_pulse(waveforms: np.ndarray) -> None:
    real, imaginary = (np.asarray(part) for part in stft(waveforms, hann(256), 128))
    magnitude = np.hypot(real, imaginary)
    errors = [
        np.mean([spectral_convergence(*pair, RATE_HZ) for pair in zip(waveforms, np.asarray(sound), strict=True)])
        for sound in (
            griffin_lim(magnitude, 256, 128, 16),
            griffin_lim(magnitude, 256, 128, 16, phase=phase_of_gradient(magnitude, 256, 128)),
        )
    ]
    assert errors[1] < errors[0] / 3.0


def test_silence_is_nearly_silent(spectrogram: LogSpectrogram, waveforms: np.ndarray) -> None:
    features = np.asarray(spectrogram.encode(np.zeros((1, AUDIO.clip_samples), "float32")))
    assert np.abs(np.asarray(spectrogram.decode(features))).max() < 3e-4  # -70 dB: what clipping raised
    assert features.mean() == pytest.approx(spectrogram.silence[0], abs=1e-5)


@given(frames=st.integers(1, 60), overlap=st.sampled_from([2, 4, 8]))
@settings(max_examples=15, deadline=None)
def test_any_number_of_frames_is_coded(frames: int, overlap: int) -> None:
    spec = LogSpectrogramSpec(n_fft=256, hop_samples=256 // overlap, griffin_lim_iterations=1, **FLAT)
    spectrogram = LogSpectrogram(spec, AUDIO)
    samples = frames * spec.hop_samples
    waveform = np.random.default_rng(frames).uniform(-1, 1, (2, samples)).astype("float32")
    features = np.asarray(spectrogram.encode(waveform))
    assert features.shape == (2, frames, 128)
    assert spectrogram.free_shape == (None, 128)
    assert np.asarray(spectrogram.decode(features)).shape == (2, samples)


@pytest.mark.parametrize(
    ("spec", "audio", "says"),
    [
        (LogSpectrogramSpec(**FLAT), AUDIO.replace(clip_samples=16_000 + 100), "nearest that fits is 16128"),
        (LogSpectrogramSpec(**FLAT), AUDIO.replace(channels=2), "mono"),
        (LogSpectrogramSpec(), AUDIO, "fit_bins"),
    ],
)
def test_what_does_not_fit_says_what_would(spec: LogSpectrogramSpec, audio: AudioSpec, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        LogSpectrogram(spec, audio)
