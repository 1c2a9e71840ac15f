"""Augmentation moves what it says, by what was drawn, and lets gradients through."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from trainer.augment import adapt, augment, draw
from trainer.autodiff import input_gradient
from trainer.config import AugmentSpec

SPEC = AugmentSpec()
SHAPE = (16, 12)


def picture(count: int = 4) -> np.ndarray:
    return np.random.default_rng(1).uniform(-1, 1, (count, *SHAPE)).astype("float32")


def idle(count: int = 4) -> dict[str, np.ndarray]:
    return draw(SPEC, 0.0, SHAPE, count, np.random.default_rng(0))


def test_probability_zero_changes_nothing() -> None:
    assert np.allclose(np.asarray(augment(picture(), idle())), picture(), atol=1e-6)


def test_a_shift_moves_frames_and_bins_and_brings_in_silence() -> None:
    numbers = idle(1) | {"shift_frames": np.array([3.0], "float32"), "shift_bins": np.array([-2.0], "float32")}
    shifted, given = np.asarray(augment(picture(1), numbers))[0], picture(1)[0]
    assert np.allclose(shifted[3:, :-2], given[:-3, 2:], atol=1e-6)
    assert np.all(shifted[:3] == -1.0)
    assert np.all(shifted[:, -2:] == -1.0)


def test_a_mask_silences_exactly_its_place() -> None:
    numbers = idle(1) | {"time_start": np.array([2.0], "float32"), "time_width": np.array([5.0], "float32")}
    masked = np.asarray(augment(picture(1), numbers))[0]
    assert np.all(masked[2:7] == -1.0)
    assert np.allclose(masked[7:], picture(1)[0][7:], atol=1e-6)


def test_draws_stay_in_their_bounds_and_are_not_all_idle() -> None:
    numbers = draw(SPEC, 0.9, (64, 64), 2000, np.random.default_rng(3))
    assert np.abs(numbers["shift_frames"]).max() == SPEC.shift_frames
    assert np.abs(numbers["shift_bins"]).max() == SPEC.shift_bins
    assert np.abs(numbers["gain"] - 1.0).max() == pytest.approx(SPEC.gain, abs=0.01)
    assert numbers["time_width"].max() == SPEC.mask_frames
    assert np.all(numbers["time_start"] + numbers["time_width"] <= 64)


def test_gradients_pass_through_to_what_is_not_masked() -> None:
    numbers = idle(1) | {"bin_start": np.array([0.0], "float32"), "bin_width": np.array([4.0], "float32")}
    gradient = np.asarray(input_gradient(lambda x: augment(x, numbers), ops.convert_to_tensor(picture(1))))[0]
    assert np.all(gradient[:, :4] == 0.0)
    assert np.allclose(gradient[:, 4:], 1.0, atol=1e-6)


def test_a_critic_that_overfits_raises_the_probability_within_bounds() -> None:
    assert adapt(SPEC, 0.5, real_sign=0.9, clips=512) > 0.5
    assert adapt(SPEC, 0.5, real_sign=0.1, clips=512) < 0.5
    assert adapt(SPEC, 0.9, real_sign=1.0, clips=10**9) == 0.9
    assert adapt(SPEC, 0.1, real_sign=0.0, clips=10**9) == 0.0
    assert adapt(AugmentSpec(adaptive=False), 0.5, real_sign=1.0, clips=512) == 0.5
