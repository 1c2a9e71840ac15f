"""Clips joined by cross-fades of equal power: no dip, no click, no sample lost."""

from __future__ import annotations

import numpy as np
import pytest

from service.crossfade import CrossFade, equal_power

CLIP, OVERLAP = 2000, 400


def joined(clips: list[np.ndarray], overlap: int) -> np.ndarray:
    fade = CrossFade(overlap)
    pieces = [fade.add(clip) for clip in clips]
    return np.concatenate([*pieces, fade.rest()])


@pytest.mark.parametrize("samples", [1, 2, 7, 4000])
def test_the_squares_of_the_gains_sum_to_one_everywhere(samples: int) -> None:
    rise, fall = equal_power(samples)
    np.testing.assert_allclose(rise**2 + fall**2, 1.0, atol=1e-6)
    np.testing.assert_array_equal(np.argsort(rise), np.arange(samples))
    np.testing.assert_allclose(rise, fall[::-1], atol=1e-6)


def test_the_level_of_noise_stays_what_it_is_through_a_fade() -> None:
    draw = np.random.default_rng(0).standard_normal
    sounds = np.stack([joined([draw(CLIP).astype("f4") for _ in range(3)], OVERLAP) for _ in range(400)])
    level = np.sqrt(np.mean(sounds**2, axis=0))[:-OVERLAP]  # the end is faded out
    through = level.reshape(-1, 100).mean(axis=1)
    np.testing.assert_allclose(through, 1.0, atol=0.02)


def test_a_tone_goes_on_without_a_click() -> None:
    whole = np.sin(np.arange(3 * CLIP) * 0.05).astype("f4")
    clips = [whole[:CLIP], whole[500 : 500 + CLIP], -whole[900 : 900 + CLIP]]
    steps = np.abs(np.diff(joined(clips, OVERLAP)))
    gain_step = 0.5 * np.pi / OVERLAP
    assert steps.max() <= 0.05 * np.sqrt(2) + 2 * gain_step  # no steeper than the tones and the gains are
    hard = np.abs(np.diff(np.concatenate(clips))).max()
    assert hard > 3 * steps.max()


def test_between_the_fades_clips_are_as_they_are() -> None:
    clips = [np.full(CLIP, value, "f4") for value in (0.25, 0.5, 0.75)]
    sound = joined(clips, OVERLAP)
    assert len(sound) == 3 * (CLIP - OVERLAP) + OVERLAP
    for number, clip in enumerate(clips):
        start = number * (CLIP - OVERLAP)
        plain = slice(start + (OVERLAP if number else 0), start + CLIP - OVERLAP)
        assert set(sound[plain]) == {clip[0]}
    assert abs(sound[-1]) < 0.002  # it ends in silence


def test_channels_are_faded_alike_and_a_short_last_clip_too() -> None:
    draw = np.random.default_rng(1).standard_normal
    clips = [draw((length, 2)).astype("f4") for length in (CLIP, CLIP, OVERLAP + 100)]
    both = joined(clips, OVERLAP)
    assert both.shape == (2 * (CLIP - OVERLAP) + OVERLAP + 100, 2)
    for channel in range(2):
        np.testing.assert_array_equal(both[:, channel], joined([clip[:, channel] for clip in clips], OVERLAP))
