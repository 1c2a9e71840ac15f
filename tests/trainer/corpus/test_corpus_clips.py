"""A recording becomes clips of one length, or a reason."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.corpus.account import LeftOut
from trainer.corpus.clips import Clips, cut, offsets
from trainer.corpus.recording import Recording, Samples, UnreadableError
from trainer.specs.audio import AudioSpec, PreparationSpec

AUDIO = AudioSpec(sample_rate_hz=16_000, clip_samples=4_000)


@dataclass(frozen=True)
class Given:
    """A sound that is already there."""

    samples: Samples
    rate_hz: int = 16_000

    def read(self) -> tuple[Samples, int]:
        return self.samples, self.rate_hz

    def digest(self) -> str:
        return "given"


class Broken:
    def read(self) -> tuple[Samples, int]:
        raise UnreadableError("no such format")

    def digest(self) -> str:
        return "broken"


def cut_samples(samples: np.ndarray, audio: AudioSpec = AUDIO, **preparation: object) -> Clips | LeftOut:
    columns = np.asarray(samples, np.float32)
    columns = columns[:, None] if columns.ndim == 1 else columns
    recording = Recording(name="a", sound=Given(columns), group="a")
    return cut(recording, audio, PreparationSpec(**preparation))


def test_a_short_recording_is_padded_at_the_end(tone) -> None:
    sound = tone(seconds=0.1)
    clips = cut_samples(sound)
    assert clips.waveforms.dtype == np.float16
    assert clips.waveforms.shape == (1, 4_000, 1)
    np.testing.assert_allclose(clips.waveforms[0, :1_600, 0], sound, atol=5e-4)
    assert not clips.waveforms[0, 1_600:].any()


def test_start_and_center_take_the_start_and_the_center(tone) -> None:
    sound = tone(seconds=1.0) * np.linspace(0.1, 1, 16_000)
    for crop, at in (("start", 0), ("center", 6_000)):
        clips = cut_samples(sound, crop=crop)
        assert clips.offsets == (at,)
        np.testing.assert_allclose(clips.waveforms[0, :, 0], sound[at : at + 4_000], atol=5e-4)


def test_random_places_depend_on_seed_and_name_alone() -> None:
    spec = PreparationSpec(crop="random", crops_per_recording=5)
    assert offsets("a", 50_000, 4_000, spec) == offsets("a", 50_000, 4_000, spec)
    assert offsets("a", 50_000, 4_000, spec) != offsets("b", 50_000, 4_000, spec)
    assert offsets("a", 50_000, 4_000, spec) != offsets("a", 50_000, 4_000, spec.replace(seed=1))
    assert offsets("a", 3_000, 4_000, spec) == [0]


@given(st.integers(1, 20_000), st.integers(1, 30), st.integers(0, 5))
def test_random_clips_lie_within(samples: int, crops: int, seed: int) -> None:
    spec = PreparationSpec(crop="random", crops_per_recording=crops, seed=seed)
    starts = offsets("a", samples, 1_000, spec)
    assert 1 <= len(starts) <= crops
    assert len(set(starts)) == len(starts)
    assert all(0 <= start <= max(0, samples - 1_000) for start in starts)


@given(st.integers(1, 30_000), st.integers(256, 5_000), st.floats(0, 0.9))
def test_slices_cover_everything_but_a_tail_under_half_a_clip(samples: int, length: int, overlap: float) -> None:
    starts = offsets("a", samples, length, PreparationSpec(crop="slices", overlap=overlap))
    stride = max(1, round(length * (1 - overlap)))
    assert starts == [index * stride for index in range(len(starts))]
    assert starts
    uncovered = samples - (starts[-1] + length)
    assert uncovered < length / 2
    assert len(starts) == 1 or samples - starts[-1] >= length / 2  # no clip is mostly padding
    assert len(starts) == 1 or starts[-2] + length < samples  # nor adds nothing


@settings(deadline=None)
@given(st.integers(4_000, 30_000), st.sampled_from([0.0, 0.25, 0.5]))
def test_slices_hold_the_samples_that_their_offsets_say(samples: int, overlap: float) -> None:
    sound = np.random.default_rng(samples).uniform(-0.5, 0.5, samples).astype(np.float32)
    clips = cut_samples(sound, crop="slices", overlap=overlap)
    for waveform, start in zip(clips.waveforms[:, :, 0], clips.offsets, strict=True):
        piece = sound[start : start + 4_000]
        np.testing.assert_array_equal(waveform[: len(piece)], piece.astype(np.float16))
        assert not waveform[len(piece) :].any()


def test_silent_slices_are_dropped_and_counted(tone) -> None:
    sound = np.concatenate([tone(seconds=0.25), np.zeros(8_000), tone(seconds=0.25)])
    clips = cut_samples(sound, crop="slices")
    assert clips.offsets == (0, 12_000)
    assert clips.silent == 2


def test_stereo_keeps_its_sides(tone) -> None:
    stereo = np.stack([tone(200), 0.5 * tone(300)], axis=1)
    clips = cut_samples(stereo, AUDIO.replace(channels=2))
    assert clips.waveforms.shape == (1, 4_000, 2)
    np.testing.assert_allclose(clips.waveforms[0], stereo[:4_000], atol=5e-4)


def test_trimming_comes_before_cropping(tone) -> None:
    sound = np.concatenate([np.zeros(16_000), tone(seconds=0.5)])
    clips = cut_samples(sound, trim_silence_db=40.0)
    np.testing.assert_allclose(clips.waveforms[0, :, 0], tone(seconds=0.25), atol=5e-4)


def test_loudness_is_that_of_the_recording(tone) -> None:
    clips = cut_samples(tone(peak=0.01, seconds=0.25), loudness_dbfs=-15.0)
    rms = np.sqrt(np.mean(clips.waveforms.astype(np.float64) ** 2))
    assert 20 * np.log10(rms) == pytest.approx(-15.0, abs=0.05)


@pytest.mark.parametrize(
    ("samples", "options", "reason"),
    [
        (np.zeros(0), {}, "empty"),
        (np.zeros(8_000), {}, "silent"),
        (np.full(8_000, 9e-4), {}, "silent"),
        (np.full(8_000, 9e-4), {"loudness_dbfs": -20.0}, "silent"),
        (np.full(8_000, np.nan), {}, "not finite"),
        (np.array([0.5] * 8_000 + [np.inf]), {}, "not finite"),
        (np.full(700, 0.5), {}, "too short"),
        (
            np.concatenate([np.zeros(8_000), np.full(400, 0.5), np.zeros(8_000)]),
            {"trim_silence_db": 40},
            "too short",
        ),
        (np.stack([np.full(8_000, 0.5), np.full(8_000, -0.5)], axis=1), {}, "silent"),
        (np.concatenate([np.zeros(8_000), np.full(8_000, 0.5)]), {}, "silent"),
    ],
)
def test_what_gives_no_clip_says_why(samples: np.ndarray, options: dict[str, object], reason: str) -> None:
    result = cut_samples(samples, **options)
    assert isinstance(result, LeftOut)
    assert (result.name, result.reason) == ("a", reason)


def test_what_cannot_be_read_says_why() -> None:
    result = cut(Recording(name="a", sound=Broken(), group="a"), AUDIO, PreparationSpec())
    assert result == LeftOut("a", "unreadable", "no such format")


@settings(deadline=None)
@given(st.floats(0.01, 100), st.one_of(st.none(), st.floats(-40, 0)))
def test_clips_are_finite_and_within_full_scale(peak: float, loudness: float | None) -> None:
    sound = peak * np.random.default_rng(0).uniform(-1, 1, 3_000)
    clips = cut_samples(sound, loudness_dbfs=loudness)
    assert np.isfinite(clips.waveforms).all()
    assert np.abs(clips.waveforms).max() <= 1
