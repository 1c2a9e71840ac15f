"""Pitch: what the tracker finds, which labels are pitches, and the scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from trainer.corpus.audio import resample
from trainer.corpus.notes import notes_source
from trainer.evaluation.measure import Unmeasurable
from trainer.evaluation.pitch import PitchError, pitch_accuracy, pitch_error_cents, pitch_of_labels, track

NAN = float("nan")


def sine(pitch: float, seconds: float, rate_hz: int) -> np.ndarray:
    time = np.arange(round(seconds * rate_hz)) / rate_hz
    return (0.5 * np.sin(2 * np.pi * 440.0 * 2.0 ** ((pitch - 69.0) / 12.0) * time)).astype("float32")


def found(tracked: list[float], wanted: list[float]) -> tuple[np.ndarray, np.ndarray]:
    return np.array(tracked, "float32"), np.array(wanted, "float32")


@given(
    pitch=st.floats(36.0, 84.0),
    seconds=st.sampled_from([0.3, 0.5, 1.0]),
    rate_hz=st.sampled_from([8_000, 16_000, 22_050, 44_100]),
)
@example(pitch=39.3125, seconds=0.3, rate_hz=8_000)
@settings(max_examples=20, deadline=None)
def test_a_sine_is_found_to_five_cents(pitch: float, seconds: float, rate_hz: int) -> None:
    assert track(sine(pitch, seconds, rate_hz), rate_hz) == pytest.approx(pitch, abs=0.05)


@pytest.mark.parametrize("pitch", [24.3, 30.0, 90.0, 95.7])
@pytest.mark.parametrize("rate_hz", [8_000, 16_000])
def test_the_ends_of_the_range_are_found_to_ten_cents(pitch: float, rate_hz: int) -> None:
    assert track(sine(pitch, 1.0, rate_hz), rate_hz) == pytest.approx(pitch, abs=0.1)


def test_level_is_no_matter() -> None:
    assert track(1e-3 * sine(60.4, 0.5, 16_000), 16_000) == pytest.approx(60.4, abs=0.05)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000])
@pytest.mark.parametrize("noise_share", [0.0, 0.3])
def test_built_in_notes_are_tracked_without_octave_errors(rate_hz: int, noise_share: float) -> None:
    recordings = notes_source(count=30).recordings
    wanted = np.array([recording.pitch for recording in recordings], "float32")
    random = np.random.default_rng(0)
    tracked = []
    for recording in recordings:
        note = resample(*recording.sound.read(), rate_hz)[:, 0]
        noise = random.standard_normal(len(note)) * noise_share * np.sqrt(np.mean(note**2))
        tracked.append(track((note + noise).astype("float32"), rate_hz))
    assert pitch_accuracy(np.array(tracked, "float32"), wanted) == 1.0
    error = pitch_error_cents(np.array(tracked, "float32"), wanted)
    assert error.cents < (2.5 if noise_share else 1.0)
    assert error.voiced == error.clips == 30


@pytest.mark.parametrize("samples", [0, 10, 16_000])
def test_silence_has_no_pitch(samples: int) -> None:
    assert np.isnan(track(np.zeros(samples, "float32"), 16_000))


@pytest.mark.parametrize("samples", [2_400, 16_000])
@pytest.mark.parametrize("brown", [False, True])
def test_noise_has_no_pitch(samples: int, brown: bool) -> None:
    random = np.random.default_rng(0)
    for _ in range(15):
        noise = random.normal(0.0, 0.01, samples)
        assert np.isnan(track((np.cumsum(noise) if brown else noise).astype("float32"), 8_000))


def test_labels_stand_for_the_one_pitch_of_their_clips() -> None:
    labels = np.array([0, 1, 0, -1], "int32")
    pitches = np.array([60.0, 72.5, 60.0, 31.0], "float32")
    found = pitch_of_labels(("c", "other"), labels, pitches)
    assert found is not None
    assert found.dtype == np.float32
    assert found.tolist() == [60.0, 72.5]


@pytest.mark.parametrize(
    ("labels", "pitches"),
    [
        ([0, 1, 0], [60.0, 72.0, 61.0]),
        ([0, 1, 0], [60.0, 72.0, NAN]),
        ([0, 1, 0], [60.0, NAN, 60.0]),
        ([0, 0, 0], [60.0, 60.0, 60.0]),
        ([-1, -1, -1], [60.0, 60.0, 60.0]),
        ([], []),
    ],
    ids=["two pitches", "one unknown", "all unknown", "a label without clips", "no labels", "no clips"],
)
def test_labels_that_are_not_pitches_stand_for_none(labels: list[int], pitches: list[float]) -> None:
    assert pitch_of_labels(("a", "b"), np.array(labels, "int32"), np.array(pitches, "float32")) is None
    assert pitch_of_labels((), np.array([-1], "int32"), np.array([60.0], "float32")) is None


def test_scores_count_the_unvoiced_as_wrong_and_an_octave_as_1200_cents() -> None:
    exact, near, far, octave, unvoiced, unknown = 60.0, 60.25, 60.75, 72.0, NAN, 60.0
    pair = found([exact, near, far, octave, unvoiced, unknown], [60.0, 60.0, 60.0, 60.0, 60.0, NAN])
    assert pitch_accuracy(*pair) == 2 / 5
    assert pitch_error_cents(*pair) == PitchError(cents=(25.0 + 75.0) / 2, voiced=4, clips=5)
    assert pitch_error_cents(*found([72.0], [60.0])).cents == 1200.0


def test_with_nothing_voiced_the_error_is_unknown_and_the_accuracy_zero() -> None:
    pair = found([NAN, NAN], [60.0, 62.0])
    assert pitch_accuracy(*pair) == 0.0
    cents, voiced, clips = pitch_error_cents(*pair)
    assert np.isnan(cents)
    assert (voiced, clips) == (0, 2)


def test_scores_need_a_known_pitch() -> None:
    for score in (pitch_accuracy, pitch_error_cents):
        with pytest.raises(Unmeasurable, match="no clip has a known pitch"):
            score(*found([60.0], [NAN]))
