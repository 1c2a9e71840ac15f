"""Augmentation moves what it says, by what was drawn, and lets gradients through."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from trainer.augment import PictureAugmentation, Sometimes, adapt
from trainer.augment_sound import SoundAugmentation
from trainer.autodiff import input_gradient
from trainer.specs.game import AugmentSpec

SPEC = AugmentSpec()
FLAT = PictureAugmentation(SPEC, (16, 12), (-1.0,))
DEEP = PictureAugmentation(SPEC, (16, 12, 2), (-0.9, 0.1))
SOUND = SoundAugmentation(AugmentSpec(time_shift=9, time_mask=6), (24, 2))
ALL = pytest.mark.parametrize("augmentation", [FLAT, DEEP, SOUND], ids=["picture", "channels", "sound"])
Augmentation = PictureAugmentation | SoundAugmentation


def items(augmentation: Augmentation, count: int = 4) -> np.ndarray:
    shape = augmentation.shape if isinstance(augmentation, PictureAugmentation) else (24, 2)
    return np.random.default_rng(1).uniform(-1, 1, (count, *shape)).astype("float32")


def idle(augmentation: Augmentation, count: int = 4) -> dict[str, np.ndarray]:
    return augmentation.draw(0.0, count, np.random.default_rng(0))


def numbers(**values: float) -> dict[str, np.ndarray]:
    return {name: np.array([value], "float32") for name, value in values.items()}


@ALL
def test_probability_zero_changes_nothing(augmentation: Augmentation) -> None:
    given = items(augmentation)
    assert np.allclose(np.asarray(augmentation.apply(given, idle(augmentation))), given, atol=1e-6)


@ALL
def test_a_shift_in_time_brings_in_silence(augmentation: Augmentation) -> None:
    given = items(augmentation, 1)
    drawn = idle(augmentation, 1) | numbers(time_shift=3.0)
    shifted = np.asarray(augmentation.apply(given, drawn))[0]
    silence = getattr(augmentation, "silence", np.zeros(2))
    assert np.allclose(shifted[3:], given[0][:-3], atol=1e-6)
    assert np.allclose(shifted[:3], silence, atol=1e-6)


@pytest.mark.parametrize("augmentation", [FLAT, DEEP], ids=["picture", "channels"])
def test_a_shift_of_bins_moves_every_channel(augmentation: PictureAugmentation) -> None:
    given = items(augmentation, 1)
    shifted = np.asarray(augmentation.apply(given, idle(augmentation, 1) | numbers(bin_shift=-2.0)))[0]
    assert np.allclose(shifted[:, :-2], given[0][:, 2:], atol=1e-6)
    assert np.allclose(shifted[:, -2:], augmentation.silence, atol=1e-6)


@ALL
def test_a_mask_silences_exactly_its_place(augmentation: Augmentation) -> None:
    given = items(augmentation, 1)
    masked = np.asarray(augmentation.apply(given, idle(augmentation, 1) | numbers(time_start=2.0, time_width=5.0)))[0]
    assert np.allclose(masked[2:7], getattr(augmentation, "silence", 0.0), atol=1e-6)
    assert np.allclose(masked[7:], given[0][7:], atol=1e-6)


def test_gain_changes_the_level_and_no_frequency() -> None:
    given = items(DEEP, 1)
    louder = np.asarray(DEEP.apply(given, idle(DEEP, 1) | numbers(gain=1.1)))
    assert np.allclose(louder[..., 0] + 0.9, 1.1 * (given[..., 0] + 0.9), atol=1e-6)
    assert np.allclose(louder[..., 1], given[..., 1], atol=1e-6)


def test_a_waveform_may_be_turned_over() -> None:
    gains = SOUND.draw(0.9, 500, np.random.default_rng(2))["gain"]
    assert gains.min() < 0 < gains.max()
    given = items(SOUND, 1)
    assert np.allclose(np.asarray(SOUND.apply(given, idle(SOUND, 1) | numbers(gain=-1.0))), -given, atol=1e-6)


def test_draws_stay_in_their_bounds_and_are_not_all_idle() -> None:
    wide = PictureAugmentation(SPEC, (64, 64), (-1.0,))
    drawn = wide.draw(0.9, 2000, np.random.default_rng(3))
    assert np.abs(drawn["time_shift"]).max() == SPEC.time_shift
    assert np.abs(drawn["bin_shift"]).max() == SPEC.bin_shift
    assert np.abs(drawn["gain"] - 1.0).max() == pytest.approx(SPEC.gain, abs=0.01)
    assert drawn["time_width"].max() == SPEC.time_mask
    assert np.all(drawn["time_start"] + drawn["time_width"] <= 64)


def test_about_as_many_items_are_changed_as_the_probability_says() -> None:
    changed = Sometimes(0.3, 4000, np.random.default_rng(4)).shift(1000) != 0.0
    assert changed.mean() == pytest.approx(0.3, abs=0.03)


@ALL
def test_gradients_pass_through_to_what_is_not_masked(augmentation: Augmentation) -> None:
    drawn = idle(augmentation, 1) | numbers(time_start=0.0, time_width=4.0)
    given = ops.convert_to_tensor(items(augmentation, 1))
    gradient = np.asarray(input_gradient(lambda x: augmentation.apply(x, drawn), given))[0]
    assert np.all(gradient[:4] == 0.0)
    assert np.allclose(gradient[4:], 1.0, atol=1e-6)


def test_a_critic_that_overfits_raises_the_probability_within_bounds() -> None:
    assert adapt(SPEC, 0.5, real_sign=0.9, clips=512) > 0.5
    assert adapt(SPEC, 0.5, real_sign=0.1, clips=512) < 0.5
    assert adapt(SPEC, 0.9, real_sign=1.0, clips=10**9) == 0.9
    assert adapt(SPEC, 0.1, real_sign=0.0, clips=10**9) == 0.0
    assert adapt(AugmentSpec(adaptive=False), 0.5, real_sign=1.0, clips=512) == 0.5
