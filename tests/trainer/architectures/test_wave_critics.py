"""Critics of waveforms: convolutions in groups, rates, and what their layers are compared by."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from trainer.architectures.grouped import grouped_conv, in_matrices
from trainer.architectures.registry import make_wave_critics
from trainer.games.inversion import feature_loss
from trainer.objectives import OBJECTIVES
from trainer.reflection import reflect_pad
from trainer.specs.vocoders import MelganSpec
from trainer.spectral_loss import spectral_loss

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("samples", "stride", "groups"), [(64, 4, 2), (63, 4, 4), (41, 2, 1), (90, 8, 2)])
def test_a_convolution_in_groups_is_one_for_each(samples: int, stride: int, groups: int) -> None:
    taps, inputs, outputs = 10 * stride + 1, 4, 6
    samples += taps
    x = RNG.standard_normal((2, samples, groups * inputs)).astype("float32")
    kernel = RNG.standard_normal((taps, inputs, groups * outputs)).astype("float32")
    parts = [
        np.asarray(
            ops.conv(
                x[..., group * inputs : (group + 1) * inputs],
                kernel[..., group * outputs : (group + 1) * outputs],
                strides=stride,
                padding="valid",
            )
        )
        for group in range(groups)
    ]
    wanted = np.concatenate(parts, axis=-1)
    for function in (grouped_conv, in_matrices):
        np.testing.assert_allclose(np.asarray(function(x, kernel, stride)), wanted, atol=2e-4)


def test_each_critic_hears_half_the_rate_of_the_one_before() -> None:
    critics = make_wave_critics(MelganSpec(critic_width=4, critic_most_width=16, critic_factors=(4, 2)))
    sound = RNG.standard_normal((2, 512)).astype("float32")
    heard = critics(sound)
    assert [[tuple(layer.shape[1:]) for layer in layers] for layers in heard] == [
        [(places, 4), (places // 4, 16), (places // 8, 16), (places // 8, 16), (places // 8, 1)]
        for places in (512, 256, 128)
    ]
    halved = np.asarray([[np.mean(item[max(0, 2 * i - 1) : 2 * i + 3]) for i in range(256)] for item in sound])
    again = critics.critics[1](halved[..., None].astype("float32"))
    np.testing.assert_allclose(np.asarray(again[-1]), np.asarray(heard[1][-1]), atol=1e-5)


def test_the_feature_loss_is_the_published_sum() -> None:
    real, fake = ([[RNG.standard_normal((2, 5, 3)) for _ in range(7)] for _ in range(3)] for _ in range(2))
    wanted = 0.0
    for one, other in zip(real, fake, strict=True):
        for layer in range(6):  # the logits are left out
            wanted += 4.0 / 5.0 / 3.0 * np.abs(one[layer] - other[layer]).mean()
    assert float(feature_loss(real, fake)) == pytest.approx(wanted, rel=1e-5)


def test_the_hinge_is_the_published_one() -> None:
    real, fake = np.array([[2.0, 0.5]]), np.array([[-3.0, 0.0]])
    assert float(OBJECTIVES["hinge"].critic(real, fake)) == pytest.approx(0.25 + 0.5)
    assert float(OBJECTIVES["hinge"].generator(real, fake)) == pytest.approx(1.5)


def test_the_spectral_loss_is_nought_for_equals_and_knows_a_gain() -> None:
    sound = RNG.normal(0, 0.3, (2, 2_048)).astype("float32")
    assert float(spectral_loss(sound, sound)) < 1e-5
    assert float(spectral_loss(sound, 0.5 * sound)) == pytest.approx(0.5 + np.log(2.0), rel=1e-2)


@given(samples=st.integers(1, 12), edge=st.integers(0, 40))
@settings(max_examples=40, deadline=None)
def test_a_mirror_is_numpy_s_for_any_length(samples: int, edge: int) -> None:
    x = RNG.standard_normal((2, samples, 3)).astype("float32")
    wanted = np.pad(x, [(0, 0), (edge, edge), (0, 0)], mode="reflect" if samples > 1 else "edge")
    np.testing.assert_array_equal(np.asarray(reflect_pad(ops.convert_to_tensor(x), edge)), wanted)
