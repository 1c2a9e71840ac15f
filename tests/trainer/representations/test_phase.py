"""GANSynth's features: equal to independent computations, near-perfect without mel, in tune with it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trainer.sounds import RATE_HZ, notes
from trainer.errors import SpecError
from trainer.evaluation.pitch import track
from trainer.evaluation.reconstruction.spectral import spectral_convergence
from trainer.representations.phase import Phase, fit_level
from trainer.specs.audio import AudioSpec
from trainer.specs.representations import PhaseSpec

AUDIO = AudioSpec(sample_rate_hz=RATE_HZ, clip_samples=16_384)
FLAT = {"level_gain": 0.05, "level_offset": -0.1}
PUBLISHED = {"level_gain": 0.0661371661726, "level_offset": 0.113718730221}
TUNED = [0, 1, 2, 4, 8]  # notes of every family whose pitch the tracker finds within a cent


@pytest.fixture(scope="module")
def waveforms() -> np.ndarray:
    return notes(AUDIO.clip_samples)


def round_trip(spec: PhaseSpec, waveforms: np.ndarray) -> np.ndarray:
    phase = Phase(fit_level(spec, AUDIO, waveforms), AUDIO)
    return np.asarray(phase.decode(phase.encode(waveforms)))


def convergence(wanted: np.ndarray, got: np.ndarray) -> float:
    return float(np.mean([spectral_convergence(*pair, RATE_HZ) for pair in zip(wanted, got, strict=True)]))


def test_published_shape() -> None:
    audio = AUDIO.replace(clip_samples=64_000)
    phase = Phase(PhaseSpec(n_mels=1_024, frames=128, **PUBLISHED), audio)
    features = np.asarray(phase.encode(notes(64_000)[:1]))
    assert features.shape == (1, *phase.shape) == (1, 128, 1_024, 2)
    assert phase.free_shape == (128, 1_024, 2)
    assert np.asarray(phase.decode(features)).shape == (1, 64_000)
    assert phase.silence == pytest.approx((-0.8, 0.0), abs=1e-6)  # where the published constants put it
    assert np.abs(features[:, 0] - phase.silence).max() < 1e-6  # 3 frames of silence come before 125 of sound


def test_levels_and_frequencies_equal_scipys_and_numpys(waveforms: np.ndarray) -> None:
    phase = Phase(PhaseSpec(n_fft=1_024, hop_samples=256, **FLAT), AUDIO)
    levels, frequencies = (np.asarray(values) for values in phase.levels_and_frequencies(waveforms))
    padded = np.pad(waveforms.astype("float64"), ((0, 0), (384, 384)))
    _, _, spectra = scipy.signal.stft(padded, nperseg=1_024, noverlap=768, boundary=None, padded=False)
    spectra = spectra.transpose(0, 2, 1)[..., 1:] * 512.0  # scipy divides by the window's sum
    unwrapped = np.unwrap(np.angle(spectra), axis=1)
    wanted = np.diff(unwrapped, axis=1, prepend=0.0) / np.pi
    heard = np.abs(spectra) > 1e-2
    assert np.abs(levels - np.log(np.abs(spectra) + 1e-6))[heard].max() < 1e-3
    heard[:, 1:] &= heard[:, :-1]
    difference = np.abs(frequencies - wanted)[heard]
    assert np.minimum(difference, 2.0 - difference).max() < 1e-2  # -1 and 1 are the same half turn
    assert np.abs(frequencies).max() <= 1.0 + 1e-6


def test_published_mel_frequencies_are_differences_of_the_mapped_phase(waveforms: np.ndarray) -> None:
    phase = Phase(PhaseSpec(n_fft=1_024, hop_samples=256, n_mels=256, **FLAT), AUDIO)
    bins = Phase(PhaseSpec(n_fft=1_024, hop_samples=256, **FLAT), AUDIO)
    assert phase.mel is not None
    filters = np.asarray(phase.mel.filters).astype("float64")
    levels, movement = (np.asarray(values, "float64") for values in bins.levels_and_frequencies(waveforms))
    mapped = np.unwrap(np.cumsum(movement * np.pi, axis=1) @ filters, axis=1)
    frequencies = np.diff(mapped, axis=1) / np.pi
    mel_levels, mel_frequencies = (np.asarray(values) for values in phase.levels_and_frequencies(waveforms))
    difference = np.abs(frequencies - mel_frequencies[:, 1:])
    assert np.minimum(difference, 2.0 - difference).max() < 1e-3
    assert np.abs(mel_frequencies).max() <= 1.0 + 1e-6
    reference = np.log((np.exp(levels) - 1e-6) ** 2 @ filters + 1e-6)
    assert np.abs(mel_levels - reference).max() < 1e-3


@pytest.mark.parametrize("n_fft", [512, 1_024, 2_048])
def test_bins_give_the_waveform_back(waveforms: np.ndarray, n_fft: int) -> None:
    decoded = round_trip(PhaseSpec(n_fft=n_fft, hop_samples=n_fft // 4), waveforms)
    noise = np.square(decoded - waveforms).sum(axis=1) / np.square(waveforms).sum(axis=1)
    assert np.all(-10.0 * np.log10(noise) > 40.0)  # dB; DC is what is lost


@pytest.mark.parametrize(
    ("n_mels", "mel_frequency", "bound"),
    [(512, "sum", 0.35), (512, "power", 0.3), (256, "power", 0.5), (128, "power", 0.75)],
)
def test_mel_bands_keep_spectrum_and_pitch(
    waveforms: np.ndarray, n_mels: int, mel_frequency: str, bound: float
) -> None:
    spec = PhaseSpec(n_fft=1_024, hop_samples=256, n_mels=n_mels, mel_frequency=mel_frequency)  # type: ignore[arg-type]
    decoded = round_trip(spec, waveforms)
    assert convergence(waveforms, decoded) < bound
    for index in TUNED:
        cents = 100.0 * abs(track(waveforms[index], RATE_HZ) - track(decoded[index], RATE_HZ))
        assert cents < 20.0, (index, cents)


def test_the_power_of_a_band_keeps_more_than_the_published_sum(waveforms: np.ndarray) -> None:
    spec = PhaseSpec(n_fft=1_024, hop_samples=256, n_mels=128)
    published, power = (
        convergence(waveforms, round_trip(each, waveforms)) for each in (spec, spec.replace(mel_frequency="power"))
    )
    assert power < 0.8 * published


RELATIVE = PhaseSpec(
    n_fft=1_024, hop_samples=256, n_mels=256, mel_frequency="power", frequency_origin="band", gate_db=60.0
)


@pytest.mark.parametrize("n_mels", [None, 512, 256])  # 128 bands are too few for this origin
def test_frequencies_from_the_middle_of_a_band_keep_spectrum_and_pitch(
    waveforms: np.ndarray, n_mels: int | None
) -> None:
    spec = RELATIVE.replace(n_mels=n_mels)
    decoded = round_trip(spec, waveforms)
    absolute = round_trip(spec.replace(frequency_origin="zero", gate_db=None), waveforms)
    assert convergence(waveforms, decoded) < convergence(waveforms, absolute) + 0.05
    for index in TUNED:
        cents = 100.0 * abs(track(waveforms[index], RATE_HZ) - track(decoded[index], RATE_HZ))
        assert cents < 20.0, (index, cents)


def test_the_loudest_band_of_a_sine_has_a_frequency_near_its_middle() -> None:
    hz = np.array([110.0, 187.0, 333.0, 470.0])
    seconds = np.arange(AUDIO.clip_samples) / RATE_HZ
    sines = 0.5 * np.sin(2.0 * np.pi * hz[:, None] * seconds).astype("float32")
    features = np.asarray(Phase(RELATIVE.replace(**FLAT), AUDIO).encode(sines))[:, 8:-8]
    loudest = features[..., 0].argmax(axis=2)[..., None]
    assert np.abs(np.take_along_axis(features[..., 1], loudest, axis=2)).max() < 0.4  # half a band; else up to 0.8


def test_quiet_frequencies_are_faded_out(waveforms: np.ndarray) -> None:
    phase = Phase(fit_level(RELATIVE, AUDIO, waveforms), AUDIO)
    levels, plain = (np.asarray(values) for values in phase.levels_and_frequencies(waveforms))
    gated = np.asarray(phase.encode(waveforms))[..., 1] / phase.spec.frequency_gain
    below_db = 10.0 / math.log(10.0) * (levels.max(axis=(1, 2), keepdims=True) - levels)
    assert np.all(gated[below_db > 60.0] == 0.0)
    heard = (below_db < 40.0) & (levels > math.log(1e-6) + 5.0)
    assert np.abs(gated - plain)[heard].max() < 1e-5


def test_relative_frequencies_of_silence_are_silent() -> None:
    phase = Phase(RELATIVE.replace(**PUBLISHED), AUDIO)
    features = np.asarray(phase.encode(np.zeros((1, AUDIO.clip_samples), "float32")))
    assert np.abs(features - phase.silence).max() < 1e-5
    assert np.all(np.asarray(phase.decode(features)) == 0.0)


@pytest.mark.parametrize("n_mels", [None, 256])
def test_silence_is_silent_and_where_it_is_said_to_be(n_mels: int | None) -> None:
    phase = Phase(PhaseSpec(n_mels=n_mels, **PUBLISHED), AUDIO)
    features = np.asarray(phase.encode(np.zeros((1, AUDIO.clip_samples), "float32")))
    assert np.abs(features - phase.silence).max() < 1e-5
    assert np.all(np.asarray(phase.decode(features)) == 0.0)
    rng = np.random.default_rng(0)
    noisy = np.stack(
        [features[..., 0] + 0.02 * rng.uniform(-1, 1, features.shape[:3]), rng.uniform(-1, 1, features.shape[:3])]
    )
    loudest = np.abs(np.asarray(phase.decode(np.moveaxis(noisy, 0, -1).astype("float32")))).max()
    assert loudest < 1e-4  # -80 dB, whatever phase a network gives to near silence


def test_a_clip_between_silences_is_decoded_between_silences(waveforms: np.ndarray) -> None:
    sound = waveforms[:1].copy()
    sound[:, :4_096] = sound[:, 12_288:] = 0.0
    phase = Phase(fit_level(PhaseSpec(n_fft=1_024, hop_samples=256), AUDIO, sound), AUDIO)
    decoded = np.asarray(phase.decode(phase.encode(sound)))
    assert np.abs(decoded[:, : 4_096 - 1_024]).max() == 0.0
    assert np.abs(decoded[:, 12_288 + 1_024 :]).max() == 0.0


def test_the_loudest_of_the_corpus_and_silence_have_their_places(waveforms: np.ndarray) -> None:
    phase = Phase(fit_level(PhaseSpec(), AUDIO, waveforms), AUDIO)
    features = np.asarray(phase.encode(waveforms))
    assert features[..., 0].max() == pytest.approx(0.8, abs=1e-4)
    assert phase.silence[0] == pytest.approx(-0.8, abs=1e-4)
    stated = PhaseSpec(**PUBLISHED)
    assert fit_level(stated, AUDIO, waveforms) == stated


def test_silence_comes_before_a_clip_of_fewer_frames(waveforms: np.ndarray) -> None:
    free = Phase(PhaseSpec(n_fft=1_024, hop_samples=256, **FLAT), AUDIO)
    grid = Phase(PhaseSpec(n_fft=1_024, hop_samples=256, frames=72, **FLAT), AUDIO)
    features = np.asarray(grid.encode(waveforms))
    assert features.shape[1] == 72
    # The first frames of the clip see the silence as padding either way.
    assert np.abs(features[:, 8:, :, 0] - np.asarray(free.encode(waveforms))[..., 0]).max() < 1e-4
    decoded = np.asarray(grid.decode(features))
    assert decoded.shape == waveforms.shape
    assert convergence(waveforms, decoded) < 0.01


@given(frames=st.integers(1, 40), overlap=st.sampled_from([2, 4, 8]), n_mels=st.sampled_from([None, 40]))
@settings(max_examples=15, deadline=None)
def test_any_number_of_frames_is_coded(frames: int, overlap: int, n_mels: int | None) -> None:
    spec = PhaseSpec(n_fft=256, hop_samples=256 // overlap, n_mels=n_mels, mel_frequency="power", **FLAT)
    phase = Phase(spec, AUDIO)
    samples = frames * spec.hop_samples
    waveform = np.random.default_rng(frames).uniform(-1, 1, (2, samples)).astype("float32")
    features = np.asarray(phase.encode(waveform))
    assert features.shape == (2, frames, n_mels or 128, 2)
    assert phase.free_shape == (None, n_mels or 128, 2)
    assert np.abs(features).max() <= 1.0
    assert np.asarray(phase.decode(features)).shape == (2, samples)


def test_pictures_are_levels(waveforms: np.ndarray) -> None:
    phase = Phase(fit_level(PhaseSpec(n_mels=128), AUDIO, waveforms), AUDIO)
    features = np.asarray(phase.encode(waveforms))
    assert np.array_equal(phase.pictures(features), features[..., 0])


@pytest.mark.parametrize(
    ("spec", "audio", "says"),
    [
        (PhaseSpec(**FLAT), AUDIO.replace(clip_samples=16_000), "nearest that fits is 15872"),
        (PhaseSpec(**FLAT), AUDIO.replace(channels=2), "mono"),
        (PhaseSpec(frames=16, **FLAT), AUDIO, "nearest that fits is 32"),
        (PhaseSpec(n_mels=1_025, **FLAT), AUDIO, "nearest that fits is 1024"),
        (PhaseSpec(), AUDIO, "fit_level"),
    ],
)
def test_what_does_not_fit_says_what_would(spec: PhaseSpec, audio: AudioSpec, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        Phase(spec, audio)


def test_silence_that_leaves_the_scale_is_clipped() -> None:
    assert Phase(PhaseSpec(level_gain=0.1, level_offset=0.0), AUDIO).silence[0] == -1.0
    assert math.log(1e-6) * 0.1 < -1.0
