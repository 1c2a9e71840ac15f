"""The waveform representation: the samples themselves, and a picture of them for any rate and length."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trainer.sounds import notes
from trainer.representations.waveform import Waveform
from trainer.specs.audio import AudioSpec
from trainer.specs.representations import WaveformSpec

AUDIO = AudioSpec(clip_samples=16_384)


@pytest.mark.parametrize("channels", [1, 2])
def test_the_samples_come_back_as_they_were(channels: int) -> None:
    sound = Waveform(WaveformSpec(), AUDIO.replace(channels=channels))
    waveform = np.random.default_rng(0).uniform(-1, 1, (3, 16_384, channels)).astype("float32")
    waveform = waveform[..., 0] if channels == 1 else waveform
    features = np.asarray(sound.encode(waveform))
    assert features.shape == (3, *sound.shape) == (3, 16_384, channels)
    assert np.array_equal(np.asarray(sound.decode(features)), waveform)
    assert sound.silence == (0.0,) * channels


def test_what_passes_full_scale_is_clipped() -> None:
    sound = Waveform(WaveformSpec(), AUDIO)
    assert np.asarray(sound.decode(np.full((1, 4, 1), 3.0, "float32"))).tolist() == [[1.0] * 4]


@given(
    rate=st.sampled_from([1_000, 8_000, 22_050, 48_000, 192_000]),
    samples=st.integers(256, 70_000),
    channels=st.sampled_from([1, 2]),
)
@settings(max_examples=20, deadline=None)
def test_any_clip_has_a_picture(rate: int, samples: int, channels: int) -> None:
    sound = Waveform(WaveformSpec(), AudioSpec(sample_rate_hz=rate, clip_samples=samples, channels=channels))
    features = np.random.default_rng(samples).uniform(-1, 1, (2, samples, channels)).astype("float32")
    pictures = sound.pictures(features)
    assert pictures.dtype == np.float32
    assert 64 <= pictures.shape[1] <= 129
    assert 4 <= pictures.shape[2] <= 64
    assert pictures.min() >= -1.0
    assert np.all(pictures.max(axis=(1, 2)) == 1.0)


def test_a_picture_shows_pitch_and_no_loudness() -> None:
    waveforms = notes(16_384)[:, :, None]
    sound = Waveform(WaveformSpec(), AUDIO)
    pictures = sound.pictures(waveforms)
    assert np.abs(pictures - sound.pictures(0.01 * waveforms)).max() < 1e-2
    loudest_bands = pictures[:3].mean(axis=1).argmax(axis=1)
    assert loudest_bands.tolist() == sorted(set(loudest_bands.tolist()))  # three pitches of a family, low bands first
    assert sound.pictures(np.zeros((1, 16_384, 1), "float32")).min() == 1.0  # nothing is below the loudest
