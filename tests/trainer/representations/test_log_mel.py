"""The log-mel representation: librosa's numbers, exact partners, and an inverse no worse than librosa's."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trainer.sounds import RATE_HZ, notes
from trainer.errors import SpecError
from trainer.evaluation.reconstruction.spectral import log_spectral_distance, mel_error, spectral_convergence
from trainer.representations.log_mel import LogMel, fit_db_max
from trainer.representations.mel_filters import mel_filters
from trainer.specs.audio import AudioSpec
from trainer.specs.representations import LogMelSpec
from trainer.stft import hann, istft, stft

MEASURES = (spectral_convergence, log_spectral_distance, mel_error)
AUDIO = AudioSpec(sample_rate_hz=RATE_HZ, clip_samples=16_384)


@pytest.fixture(scope="module")
def waveforms() -> np.ndarray:
    return notes(AUDIO.clip_samples)


@pytest.fixture(scope="module")
def log_mel(waveforms: np.ndarray) -> LogMel:
    return LogMel(fit_db_max(LogMelSpec(), AUDIO, waveforms), AUDIO)


@given(
    rate=st.sampled_from([8_000, 16_000, 22_050, 44_100]),
    n_fft=st.sampled_from([256, 512, 1024, 2048]),
    n_mels=st.integers(8, 128),
    fmin=st.floats(0.0, 300.0),
)
@settings(max_examples=30, deadline=None)
@pytest.mark.filterwarnings("ignore:Empty filters:UserWarning")  # librosa's word on what LogMel refuses
def test_filters_equal_librosa(rate: int, n_fft: int, n_mels: int, fmin: float) -> None:
    own = mel_filters(rate, n_fft, n_mels, fmin, rate / 2)
    reference = librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=n_mels, fmin=fmin)
    assert np.abs(own - reference).max() < 1e-6


def test_mel_power_equals_librosa(waveforms: np.ndarray, log_mel: LogMel) -> None:
    edge = (1024 - 256) // 2
    padded = np.pad(waveforms, ((0, 0), (edge, edge)))
    reference = librosa.feature.melspectrogram(
        y=padded, sr=RATE_HZ, n_fft=1024, hop_length=256, n_mels=64, center=False
    ).transpose(0, 2, 1)
    own = np.asarray(log_mel.mel_power(waveforms))
    assert own.shape == reference.shape == (9, 64, 64)
    assert np.abs(own - reference).max() <= 1e-4 * reference.max()
    decibels = [librosa.power_to_db(power, top_db=80.0) for power in (own, reference)]
    assert np.abs(decibels[0] - decibels[1]).max() < 1e-2


@given(
    hop=st.sampled_from([16, 64, 128]),
    overlap=st.sampled_from([2, 4, 8]),
    frames=st.integers(1, 40),
    seed=st.integers(0, 9),
)
@settings(max_examples=30, deadline=None)
def test_istft_undoes_stft(hop: int, overlap: int, frames: int, seed: int) -> None:
    window = hann(hop * overlap)
    waveform = np.random.default_rng(seed).uniform(-1, 1, (2, frames * hop)).astype("float32")
    again = np.asarray(istft(stft(waveform, window, hop), window, hop))
    assert again.shape == waveform.shape
    # With two frames over each sample the window is nearly zero at the clip's very ends.
    inner = slice(hop // 2, -hop // 2) if overlap == 2 else slice(None)
    assert np.abs(again - waveform)[:, inner].max(initial=0.0) < 1e-4


def test_features_lie_on_the_scale_and_use_it(waveforms: np.ndarray, log_mel: LogMel) -> None:
    features = np.asarray(log_mel.encode(waveforms))
    assert features.shape == (9, *log_mel.shape)
    assert features.min() >= -1.0
    assert 0.9 < features.max() <= 1.0


def test_silence_in_is_silence_out(log_mel: LogMel) -> None:
    silence = np.zeros((1, AUDIO.clip_samples), "float32")
    features = np.asarray(log_mel.encode(silence))
    assert np.all(features == -1.0)
    assert np.all(np.asarray(log_mel.decode(features)) == 0.0)


def test_any_number_of_frames_is_decoded(log_mel: LogMel) -> None:
    for frames in (1, 5, 200):
        assert np.asarray(log_mel.decode(np.zeros((1, frames, 64), "float32"))).shape == (1, frames * 256)


def errors(wanted: np.ndarray, got: np.ndarray) -> np.ndarray:
    """Spectral convergence, log-spectral distance in dB and mel error."""
    return np.array([measure(wanted, got, RATE_HZ) for measure in MEASURES])


def test_the_round_trip_is_no_worse_than_librosa(waveforms: np.ndarray, log_mel: LogMel) -> None:
    decoded = np.asarray(log_mel.decode(log_mel.encode(waveforms)))
    own, reference = np.zeros(3), np.zeros(3)
    for wanted, got in zip(waveforms, decoded, strict=True):
        mel = librosa.feature.melspectrogram(y=wanted, sr=RATE_HZ, n_fft=1024, hop_length=256, n_mels=64)
        rival = librosa.feature.inverse.mel_to_audio(
            mel, sr=RATE_HZ, n_fft=1024, hop_length=256, n_iter=32, length=len(wanted)
        )
        own += errors(wanted, got)
        reference += errors(wanted, rival)
    assert np.all(own <= reference), (own / 9, reference / 9)


@pytest.mark.parametrize(
    ("spec", "audio", "says"),
    [
        (
            LogMelSpec(db_max=0.0),
            AUDIO.replace(clip_samples=16_000),
            "nearest that fits is 1(5872|6128)",
        ),
        (LogMelSpec(db_max=0.0, fmax_hz=9_000.0), AUDIO, "Nyquist"),
        (LogMelSpec(db_max=0.0, n_fft=256, hop_samples=64, n_mels=128), AUDIO, "lower n_mels"),
        (LogMelSpec(db_max=0.0), AUDIO.replace(channels=2), "mono"),
        (LogMelSpec(), AUDIO, "fit_db_max"),
    ],
)
def test_a_specification_that_does_not_fit_says_what_would(spec: LogMelSpec, audio: AudioSpec, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        LogMel(spec, audio)
