"""Channels, rate, trimming and level change what they should and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from trainer.corpus.audio import decode, level, resample, to_channels, trim_silence
from trainer.corpus.recording import AudioFile, UnreadableError


@pytest.mark.parametrize(("rate_hz", "target_hz"), [(44_100, 16_000), (8_000, 22_050), (48_000, 8_000)])
def test_a_sine_stays_a_sine_when_resampled(tone, rate_hz: int, target_hz: int) -> None:
    samples = tone(1_000, seconds=1.0, rate_hz=rate_hz)[:, None]
    result = resample(samples, rate_hz, target_hz)
    assert result.dtype == np.float32
    assert len(result) == target_hz
    inside = slice(target_hz // 10, -target_hz // 10)
    expected = tone(1_000, seconds=1.0, rate_hz=target_hz)
    assert np.abs(result[inside, 0] - expected[inside]).max() < 1e-5


def test_what_lies_above_the_new_nyquist_frequency_is_gone(tone) -> None:
    result = resample(tone(6_000, seconds=1.0, rate_hz=44_100)[:, None], 44_100, 8_000)
    assert np.abs(result[800:-800]).max() < 1e-5


def test_an_equal_rate_changes_nothing(tone) -> None:
    samples = tone()[:, None]
    assert resample(samples, 16_000, 16_000) is samples


def test_channels_are_mixed_repeated_or_chosen(tone) -> None:
    left, right, third = tone(200), tone(300), tone(400)
    stereo = np.stack([left, right], axis=1)
    np.testing.assert_allclose(to_channels(stereo, 1)[:, 0], (left + right) / 2, atol=1e-7)
    np.testing.assert_array_equal(to_channels(stereo, 1, "first")[:, 0], left)
    np.testing.assert_array_equal(to_channels(left[:, None], 2), np.stack([left, left], axis=1))
    np.testing.assert_array_equal(to_channels(np.stack([left, right, third], axis=1), 2), stereo)
    assert to_channels(stereo, 1).dtype == np.float32


def test_trimming_cuts_the_edges_and_keeps_the_pause_within(tone) -> None:
    sound = tone(seconds=0.5)
    quiet = np.zeros(8_000, np.float32)
    hiss = 1e-4 * np.random.default_rng(0).standard_normal(8_000).astype(np.float32)
    samples = np.concatenate([hiss, sound, quiet, sound, quiet, hiss])[:, None]
    trimmed = trim_silence(samples, 16_000, 40.0)
    frame = 400
    assert len(sound) * 2 + len(quiet) <= len(trimmed) <= len(sound) * 2 + len(quiet) + 2 * frame
    kept = samples[np.abs(samples) > 0.4]
    np.testing.assert_array_equal(trimmed[np.abs(trimmed) > 0.4], kept)


def test_trimming_leaves_what_is_loud_throughout(tone) -> None:
    samples = tone(seconds=0.513)[:, None]
    np.testing.assert_array_equal(trim_silence(samples, 16_000, 40.0), samples)


def test_loudness_is_reached_where_peaks_allow(tone) -> None:
    quiet = tone(peak=0.01)[:, None]
    result = level(quiet, -20.0)
    assert 20 * np.log10(np.sqrt(np.mean(result.astype(np.float64) ** 2))) == pytest.approx(-20.0, abs=0.01)


def test_loudness_never_clips(tone) -> None:
    click = 0.001 * tone()[:, None]
    click[100] = 0.5
    result = level(click, -10.0)
    assert np.abs(result).max() == pytest.approx(1.0)
    np.testing.assert_allclose(result / result[100], click / click[100], atol=1e-6)  # scaled as a whole


def test_samples_over_full_scale_are_scaled_down_as_a_whole(tone) -> None:
    loud = tone(peak=3.0)[:, None]
    result = level(loud, None)
    assert np.abs(result).max() <= 1.0
    np.testing.assert_allclose(result * np.abs(loud).max(), loud, atol=1e-5)


def test_samples_within_full_scale_keep_their_level(tone) -> None:
    samples = tone()[:, None]
    np.testing.assert_array_equal(level(samples, None), samples)


def test_what_cannot_be_decoded_says_why_without_the_path(tmp_path) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"this is no sound")
    for path in (broken, tmp_path / "absent.wav"):
        with pytest.raises(UnreadableError) as caught:
            decode(path)
        assert str(caught.value)
        assert str(tmp_path) not in str(caught.value)


def test_a_header_that_lies_about_its_length_is_no_crash(write) -> None:
    path = write("a.wav")
    content = bytearray(path.read_bytes())
    content[40:44] = (0xFFFFFFF0).to_bytes(4, "little")
    path.write_bytes(content)
    samples, _ = decode(path)
    assert len(samples) == 8_000


def test_the_digest_follows_the_content_not_the_place(write) -> None:
    first, second = write("a.wav"), write("b.wav")
    assert AudioFile(first).digest() != AudioFile(second).digest()
    second.write_bytes(first.read_bytes())
    assert AudioFile(first).digest() == AudioFile(second).digest()
