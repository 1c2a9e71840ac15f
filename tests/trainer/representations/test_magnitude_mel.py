"""magnitude_mel: MelGAN's own definition, to the last digits that single precision has."""

from __future__ import annotations

import librosa
import numpy as np
import pytest

from tests.trainer.sounds import RATE_HZ, notes
from trainer.errors import SpecError
from trainer.representations.magnitude_mel import MagnitudeMel
from trainer.specs.audio import AudioSpec
from trainer.specs.representations import MagnitudeMelSpec

PUBLISHED = AudioSpec(sample_rate_hz=22_050, clip_samples=8_192)


def original(sound: np.ndarray, spec: MagnitudeMelSpec, rate_hz: int) -> np.ndarray:
    """The published definition in double precision, by librosa: [T, M]."""
    edge = (spec.n_fft - spec.hop_samples) // 2
    mirrored = np.pad(sound.astype("float64"), edge, mode="reflect")
    spectrum = librosa.stft(
        mirrored, n_fft=spec.n_fft, hop_length=spec.hop_samples, window="hann", center=False, dtype="complex128"
    )
    filters = librosa.filters.mel(sr=rate_hz, n_fft=spec.n_fft, n_mels=spec.n_mels, fmin=spec.fmin_hz, fmax=None)
    return np.log10(np.maximum(filters @ np.abs(spectrum), 1e-5)).T


def broadband(samples: int, seed: int = 0) -> np.ndarray:
    """Noise of changing loudness: no bin is so far below its frame that single precision loses it."""
    envelope = np.linspace(0.01, 0.5, samples)
    return (envelope * np.random.default_rng(seed).uniform(-1, 1, samples)).astype("float32")


@pytest.mark.parametrize(
    ("spec", "audio"),
    [
        (MagnitudeMelSpec(), PUBLISHED),
        (MagnitudeMelSpec(n_fft=512, hop_samples=128, n_mels=64), AudioSpec(sample_rate_hz=8_000, clip_samples=8_192)),
        (MagnitudeMelSpec(n_fft=800, hop_samples=200, n_mels=60), AudioSpec(sample_rate_hz=16_000, clip_samples=8_000)),
    ],
)
def test_it_equals_the_published_definition(spec: MagnitudeMelSpec, audio: AudioSpec) -> None:
    mel = MagnitudeMel(spec, audio)
    sound = broadband(audio.clip_samples)
    assert np.abs(np.asarray(mel.encode(sound[None]))[0] - original(sound, spec, audio.sample_rate_hz)).max() < 1e-5
    audible = notes(audio.clip_samples)
    for note in audible:
        difference = np.abs(np.asarray(mel.encode(note[None]))[0] - original(note, spec, audio.sample_rate_hz))
        wanted = original(note, spec, audio.sample_rate_hz)
        assert difference[wanted > wanted.max() - 3.0].max() < 1e-4  # 60 dB below the loudest and above


@pytest.mark.parametrize("hops", [1, 2, 3, 5, 64])
def test_any_whole_number_of_hops_is_analysed(hops: int) -> None:
    spec = MagnitudeMelSpec(n_fft=512, hop_samples=64, n_mels=20)  # the mirror passes a sound of one hop many times
    mel = MagnitudeMel(spec, AudioSpec(sample_rate_hz=8_000, clip_samples=4_096))
    sound = broadband(hops * 64)
    found = np.asarray(mel.encode(sound[None]))[0]
    assert found.shape == (hops, 20)
    assert np.abs(found - original(sound, spec, 8_000)).max() < 1e-5


def test_silence_is_the_floor_and_decodes_to_silence() -> None:
    mel = MagnitudeMel(MagnitudeMelSpec(griffin_lim_iterations=2), PUBLISHED)
    features = np.asarray(mel.encode(np.zeros((1, 8_192), "float32")))
    assert np.abs(features - mel.silence[0]).max() < 1e-5
    assert mel.silence == pytest.approx((-5.0,))
    assert not np.asarray(mel.decode(features)).any()
    assert (mel.pictures(features) == -1.0).all()


def test_griffin_lim_finds_a_sound_of_these_features() -> None:
    audio = AudioSpec(sample_rate_hz=RATE_HZ, clip_samples=8_192)
    mel = MagnitudeMel(MagnitudeMelSpec(), audio)
    sounds = notes(8_192)[:4]
    wanted, again = (10.0 ** np.asarray(mel.encode(each)) for each in (sounds, mel.decode(mel.encode(sounds))))
    assert np.linalg.norm(wanted - again) / np.linalg.norm(wanted) < 0.25


def test_a_description_is_the_definition() -> None:
    described = MagnitudeMel(MagnitudeMelSpec(), PUBLISHED).describe()
    assert (described["quantity"], described["log"], described["floor"]) == ("magnitude", "log10", 1e-5)
    assert (described["db_min"], described["fmax_hz"]) == (-100.0, 11_025.0)
    assert described["shape"] == [None, 80]


@pytest.mark.parametrize(
    ("changes", "says"),
    [({"n_mels": 400}, "hold no FFT bin"), ({"fmax_hz": 12_000.0}, "Nyquist"), ({"hop_samples": 100}, "n_fft")],
)
def test_what_does_not_fit_says_so(changes: dict, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        MagnitudeMel(MagnitudeMelSpec(**changes), PUBLISHED)
