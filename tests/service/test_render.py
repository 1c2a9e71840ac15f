"""Notes and clips to a waveform: sums, envelopes and onsets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.midi import Note
from service.render import Articulation, Mix, loudness

RATE_HZ, CLIP = 1000, 200
SECONDS = st.floats(0, 1.0)
FADES = st.floats(0, 0.3)


def note(onset_seconds: float, seconds: float, velocity: int = 127) -> Note:
    return Note(onset_seconds=onset_seconds, seconds=seconds, pitch=60, velocity=velocity, channel=1, program=0)


def articulation(attack: float = 0.01, release: float = 0.05, rate: int = RATE_HZ, clip: int = CLIP) -> Articulation:
    return Articulation(sample_rate_hz=rate, clip_samples=clip, attack_seconds=attack, release_seconds=release)


NOTES = st.lists(st.builds(note, SECONDS, SECONDS, st.integers(1, 127)), min_size=1, max_size=8)


def mixed(notes: list[Note], level: float, channels: int = 1, seed: int = 0) -> np.ndarray:
    """Return the tune of notes, each with a clip of noise of its own."""
    mix = Mix(articulation(), 1300, channels)
    for place in notes:
        noise = np.random.default_rng([seed, round(place.onset_seconds * 1e6), place.velocity])
        mix.add(place, (level * noise.uniform(-1, 1, (CLIP, channels))).astype(np.float32).squeeze())
    return mix.waveform()


@settings(deadline=None)
@given(one=NOTES, other=NOTES, channels=st.integers(1, 2))
def test_mixing_is_linear(one: list[Note], other: list[Note], channels: int) -> None:
    together = mixed([*one, *other], 0.05, channels)
    np.testing.assert_allclose(together, mixed(one, 0.05, channels) + mixed(other, 0.05, channels), atol=1e-6)
    np.testing.assert_allclose(mixed(one, 0.05, channels), mixed(one, 0.025, channels) * 2, atol=1e-6)


@settings(deadline=None)
@given(notes=NOTES, channels=st.integers(1, 2))
def test_a_tune_is_never_clipped_but_scaled_as_a_whole(notes: list[Note], channels: int) -> None:
    quiet, loud = mixed(notes, 0.1, channels), mixed(notes, 10.0, channels)
    assert np.abs(loud).max() <= 1.0
    peak = np.abs(quiet).max() * 100
    np.testing.assert_allclose(loud, quiet * 100 / max(peak, 1.0), atol=1e-5)


@settings(deadline=None)
@given(onset=st.floats(0, 50), rate=st.sampled_from([8000, 16_000, 22_050, 44_100, 48_000]))
def test_onsets_are_exact_to_the_sample(onset: float, rate: int) -> None:
    style = articulation(attack=0, rate=rate)
    mix = Mix(style, round(onset * rate) + CLIP)
    mix.add(note(onset, 1.0), np.ones(CLIP, np.float32))
    first = int(np.flatnonzero(mix.waveform())[0])
    assert first == round(onset * rate)
    assert abs(first / rate - onset) <= 0.5 / rate + 1e-9


@settings(deadline=None)
@given(held=st.floats(0, 1e6), attack=FADES, release=FADES)
def test_a_note_is_faded_in_held_faded_out_and_no_longer_than_its_clip(
    held: float, attack: float, release: float
) -> None:
    style, played = articulation(attack, release), note(0.0, held)
    envelope = style.envelope(played)
    rise, fall = round(attack * RATE_HZ), min(round(release * RATE_HZ), CLIP)
    assert len(envelope) == style.length(played) == min(round(held * RATE_HZ), CLIP - fall) + fall
    assert envelope.dtype == np.float32
    assert ((envelope >= 0) & (envelope <= 1)).all()
    if len(envelope) and rise and fall:
        assert envelope[0] == 0
        assert np.abs(np.diff(envelope, append=0)).max() <= 1 / rise + 1 / fall + 1e-6


def test_the_fades_stand_where_they_should() -> None:
    envelope = articulation(0.010, 0.020).envelope(note(0.0, 0.1))
    assert len(envelope) == 120
    np.testing.assert_allclose(envelope[:11], np.arange(11) / 10, atol=1e-6)
    assert (envelope[10:101] == 1).all()
    np.testing.assert_allclose(envelope[100:], np.arange(20, 0, -1) / 20, atol=1e-6)


def test_half_the_velocity_is_twelve_decibels_less() -> None:
    assert loudness(127) == 1
    assert 20 * np.log10(loudness(64) / loudness(32)) == pytest.approx(12.04, abs=0.01)
    assert all(loudness(velocity) < loudness(velocity + 1) for velocity in range(1, 127))


def test_a_note_without_length_and_fades_is_silent() -> None:
    mix = Mix(articulation(0, 0), 10)
    mix.add(note(0.0, 0.0), np.ones(CLIP, np.float32))
    assert not mix.waveform().any()
