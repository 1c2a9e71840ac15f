"""WaveGAN and SpecGAN: what fits, what their options do, and what random numbers do to a critic."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import ops

from trainer.architectures import specgan, wavegan
from trainer.architectures.phase_shuffle import phase_shuffle
from trainer.autodiff import compiled
from trainer.errors import SpecError
from trainer.specs.architectures import UPSAMPLINGS, SpecganSpec, Upsampling, WaveganSpec

RNG = np.random.default_rng(7)
WAVE, SPECTROGRAM = WaveganSpec(latent_size=6, width=2), SpecganSpec(latent_size=6, width=2)
MAKERS: list[tuple[Any, Any, tuple[int, ...]]] = [
    (wavegan, WAVE, (512, 2)),
    (specgan, SPECTROGRAM, (16, 32)),
]


def numbers(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype("float32")


@pytest.mark.parametrize(
    ("samples", "strides"), [(8_192, (4, 4, 4, 4, 2)), (16_384, (4,) * 5), (256, (4, 4)), (32_768, (4,) * 5 + (2,))]
)
def test_strides_follow_from_the_length(samples: int, strides: tuple[int, ...]) -> None:
    assert wavegan.strides_of(samples) == strides


@pytest.mark.parametrize(
    ("samples", "nearest"),
    [(16_000, "8192 or 16384"), (22_050, "16384 or 32768"), (100, "256"), (2**22, str(2**20)), (2**20 + 1, str(2**20))],
)
def test_a_length_that_does_not_fit_names_those_that_do(samples: int, nearest: str) -> None:
    for make in (wavegan.Generator, wavegan.Critic):
        with pytest.raises(SpecError, match=f"clip_samples to {nearest}$"):
            make(WAVE, (samples, 1), 0)


@pytest.mark.parametrize(
    ("shape", "fit"),
    [((64, 64), (4, (4, 4))), ((64, 128), (4, (4, 8))), ((128, 128), (5, (4, 4))), ((96, 48), (3, (12, 6)))],
)
def test_the_start_grid_follows_from_the_shape(shape: tuple[int, int], fit: tuple[int, tuple[int, int]]) -> None:
    assert specgan.layers_of(shape) == fit


def test_a_grid_that_does_not_fit_names_the_nearest_that_does() -> None:
    with pytest.raises(SpecError, match="The nearest is 128 x 64: set clip_samples to 128 hops"):
        specgan.Generator(SPECTROGRAM, (125, 64), 0)
    with pytest.raises(SpecError, match="frames x bins"):
        specgan.Critic(SPECTROGRAM, (64, 64, 2), 0)


@given(st.tuples(st.integers(1, 3000), st.integers(1, 3000)))
def test_the_nearest_grid_always_fits(shape: tuple[int, int]) -> None:
    try:
        layers, start = specgan.layers_of(shape)
        assert tuple(side << layers for side in start) == shape
    except SpecError as error:
        sides = str(error).split("The nearest is ")[1].split(":")[0].split(" x ")
        specgan.layers_of((int(sides[0]), int(sides[1])))


@pytest.mark.parametrize("mode", UPSAMPLINGS)
@pytest.mark.parametrize("maker", MAKERS, ids=["wavegan", "specgan"])
def test_every_upsampling_makes_sound_of_the_right_shape(mode: Upsampling, maker: Any) -> None:
    architecture, spec, shape = maker
    generator = architecture.Generator(spec.replace(upsampling=mode), shape, 0)
    made = np.asarray(generator(numbers(3, 6)))
    assert made.shape == (3, *shape)
    assert np.isfinite(made).all()
    assert np.abs(made).max() <= 1.0
    logit, classes = architecture.Critic(spec, shape, 0)(made)
    assert logit.shape == (3,)
    assert classes is None


@pytest.mark.parametrize("options", [{}, {"pixel_norm": True}, {"batch_norm": True}], ids=str)
@pytest.mark.parametrize("maker", MAKERS, ids=["wavegan", "specgan"])
def test_labels_change_what_is_made_and_what_is_judged(options: dict[str, bool], maker: Any) -> None:
    architecture, spec, shape = maker
    spec = spec.replace(**options)
    generator, critic = architecture.Generator(spec, shape, 3), architecture.Critic(spec, shape, 3)
    latent = np.repeat(numbers(1, 6), 2, axis=0)
    made = np.asarray(generator(latent, np.array([0, 2], "int32")))
    assert np.abs(made[0] - made[1]).max() > 1e-6
    same = np.repeat(made[:1], 2, axis=0)
    logit, classes = critic(same, np.array([0, 2], "int32"))
    assert logit[0] != logit[1]
    assert classes.shape == (2, 3)
    np.testing.assert_array_equal(classes[0], classes[1])  # classes are told from the sound alone


@pytest.mark.parametrize("maker", MAKERS, ids=["wavegan", "specgan"])
def test_pixel_norm_lets_the_latent_modulate_every_layer(maker: Any) -> None:
    architecture, spec, shape = maker
    generator = architecture.Generator(spec.replace(pixel_norm=True), shape, 0)
    latent = numbers(2, 6)
    generator.start.kernel.assign(0.0 * generator.start.kernel)
    generator.start.bias.assign(0.0 * generator.start.bias + 1.0)
    made = np.asarray(generator(latent))
    assert np.abs(made[0] - made[1]).max() > 1e-6


@pytest.mark.parametrize("maker", MAKERS, ids=["wavegan", "specgan"])
def test_batch_norm_moves_its_averages_in_training_only(maker: Any) -> None:
    architecture, spec, shape = maker
    generator = architecture.Generator(spec.replace(batch_norm=True), shape, 0)
    before = [np.asarray(v) for v in generator.non_trainable_variables]
    assert len(before) == 2 * len(generator.convs)
    latent = numbers(4, 6)
    resting = np.asarray(generator(latent))
    for old, new in zip(before, generator.non_trainable_variables, strict=True):
        np.testing.assert_array_equal(old, new)
    assert np.abs(resting - np.asarray(generator(latent, training=True))).max() > 1e-6
    assert any(
        np.any(old != np.asarray(new)) for old, new in zip(before, generator.non_trainable_variables, strict=True)
    )


def test_a_post_filter_keeps_channels_apart() -> None:
    generator = wavegan.Generator(WAVE.replace(post_filter_taps=9), (256, 2), 0)
    plain = wavegan.Generator(WAVE, (256, 2), 0)
    plain.set_weights(generator.get_weights()[:-1])
    kernel = np.zeros((9, 2), "float32")
    kernel[4, 0], kernel[2, 1] = 0.5, 1.0
    generator.post_filter.kernel.assign(kernel)
    latent = numbers(2, 6)
    filtered, raw = np.asarray(generator(latent)), np.asarray(plain(latent))
    np.testing.assert_allclose(filtered[:, :, 0], 0.5 * raw[:, :, 0], atol=1e-6)
    np.testing.assert_allclose(filtered[:, 2:, 1], raw[:, :-2, 1], atol=1e-6)


@given(st.integers(-2, 2))
def test_phase_shuffle_shifts_by_what_was_drawn_and_mirrors_at_the_edge(shift: int) -> None:
    x = numbers(2, 9, 3)
    moved = np.asarray(phase_shuffle(ops.convert_to_tensor(x), np.int32(shift), 2))
    padded = np.pad(x, [(0, 0), (2, 2), (0, 0)], mode="reflect")
    np.testing.assert_array_equal(moved, padded[:, 2 - shift : 11 - shift])
    if shift > 0:
        np.testing.assert_array_equal(moved[:, shift:], x[:, :-shift])
        np.testing.assert_array_equal(moved[:, shift - 1], x[:, 1])


def test_a_compiled_shuffle_follows_its_numbers() -> None:
    x = numbers(2, 9, 1)
    shuffle = compiled(lambda x, shift: phase_shuffle(x, shift, 2))
    made = [np.asarray(shuffle(x, np.int32(shift))) for shift in (-1, 2)]
    np.testing.assert_array_equal(made[0][:, :-1], x[:, 1:])
    np.testing.assert_array_equal(made[1][:, 2:], x[:, :-2])


def test_a_critic_shuffles_every_layer_but_the_last() -> None:
    critic = wavegan.Critic(WAVE, (512, 1), 0)
    drawn = critic.draw(4, np.random.default_rng(0))
    assert drawn["shift"].shape == (len(critic.convs) - 1,)
    assert drawn["shift"].dtype == np.int32
    many = np.concatenate([critic.draw(1, np.random.default_rng(seed))["shift"] for seed in range(99)])
    assert set(many) == {-2, -1, 0, 1, 2}
    x, calm = numbers(2, 512, 1), np.zeros(2, "int32")
    still = critic(x)[0]
    np.testing.assert_array_equal(critic(x, noise={"shift": calm})[0], still)
    for layer in range(2):
        moved = calm.copy()
        moved[layer] = 1
        assert np.abs(np.asarray(critic(x, noise={"shift": moved})[0] - still)).max() > 1e-6
    assert wavegan.Critic(WAVE.replace(phase_shuffle=0), (512, 1), 0).draw(4, np.random.default_rng(0)) == {}


def test_the_published_specgan_critic_is_the_default_and_the_tower_sees_collapse() -> None:
    shape, label = (16, 32), np.zeros(2, "int32")
    assert isinstance(specgan.make_critic(SPECTROGRAM, shape, 3), specgan.Critic)
    tower = specgan.make_critic(SPECTROGRAM.replace(tower_critic=True), shape, 3)
    first, second = numbers(2, *shape)
    alone = np.asarray(tower(np.stack([first, first]), label)[0])[0]
    beside = np.asarray(tower(np.stack([first, second]), label)[0])[0]
    assert abs(alone - beside) > 1e-6, "the same item among others looks the same as in a collapsed batch"
