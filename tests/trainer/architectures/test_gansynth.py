"""GANSynth: the published networks layer by layer, grids, what each player sees, and a step on both backends."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import ops

from tests.trainer.backends import on_both
from trainer.architectures import gansynth
from trainer.architectures.equalised import Spread, _Equalised
from trainer.architectures.growth import Growth
from trainer.architectures.layers import batch_deviation
from trainer.autodiff import CompiledStep, to_floats, value_and_gradients
from trainer.errors import SpecError
from trainer.objectives import class_loss, gradient_penalty
from trainer.specs.architectures import GansynthSpec

SHAPE, LABELS, LEVELS = (8, 16, 2), 3, 3
TINY = GansynthSpec(latent_size=6, base_channels=32, most_channels=8)
RNG = np.random.default_rng(7)
LATENT = RNG.standard_normal((4, 6)).astype("float32")
LABEL = np.array([0, 1, 2, 1], "int32")
REAL = np.tanh(RNG.standard_normal((4, *SHAPE))).astype("float32")

# Table of the paper's appendix, of seven resolutions: grid, channels, weights of the block and of its 1x1 layer.
GENERATOR_BLOCKS = [
    ((2, 16, 256), (317 * 2 * 16 * 256 + 256) + (9 * 256 * 256 + 256), 256 * 2 + 2),
    ((4, 32, 256), 2 * (9 * 256 * 256 + 256), 256 * 2 + 2),
    ((8, 64, 256), 2 * (9 * 256 * 256 + 256), 256 * 2 + 2),
    ((16, 128, 256), 2 * (9 * 256 * 256 + 256), 256 * 2 + 2),
    ((32, 256, 128), (9 * 256 * 128 + 128) + (9 * 128 * 128 + 128), 128 * 2 + 2),
    ((64, 512, 64), (9 * 128 * 64 + 64) + (9 * 64 * 64 + 64), 64 * 2 + 2),
    ((128, 1024, 32), (9 * 64 * 32 + 32) + (9 * 32 * 32 + 32), 32 * 2 + 2),
]
CRITIC_BLOCKS = [
    ((64, 512, 64), (9 * 32 * 32 + 32) + (9 * 32 * 64 + 64), 2 * 32 + 32),
    ((32, 256, 128), (9 * 64 * 64 + 64) + (9 * 64 * 128 + 128), 2 * 64 + 64),
    ((16, 128, 256), (9 * 128 * 128 + 128) + (9 * 128 * 256 + 256), 2 * 128 + 128),
    ((8, 64, 256), 2 * (9 * 256 * 256 + 256), 2 * 256 + 256),
    ((4, 32, 256), 2 * (9 * 256 * 256 + 256), 2 * 256 + 256),
    ((2, 16, 256), 2 * (9 * 256 * 256 + 256), 2 * 256 + 256),
    ((256,), (9 * 257 * 256 + 256) + (2 * 16 * 256 * 256 + 256), 2 * 256 + 256),
]


def tiny() -> tuple[gansynth.Generator, gansynth.Critic]:
    keras.utils.set_random_seed(2)
    return gansynth.Generator(TINY, SHAPE, LABELS), gansynth.Critic(TINY, SHAPE, LABELS)


@pytest.fixture(scope="module")
def generator() -> gansynth.Generator:
    return tiny()[0]


@pytest.fixture(scope="module")
def critic() -> gansynth.Critic:
    return tiny()[1]


def made(generator: gansynth.Generator, growth: Growth | None = None) -> np.ndarray:
    return np.asarray(generator(LATENT, LABEL, growth=growth))


def judged(critic: gansynth.Critic, growth: Growth | None = None, features: np.ndarray = REAL) -> np.ndarray:
    logit, classes = critic(features, growth=growth)
    return np.concatenate([np.asarray(logit)[:, None], np.asarray(classes)], axis=1)


def test_the_published_networks_layer_by_layer() -> None:
    generator = gansynth.Generator(GansynthSpec(), (128, 1024, 2), 61)
    x = keras.KerasTensor((None, 256 + 61))
    blocks = [generator.coarsest, *generator.blocks]
    for block, to_picture, wanted in zip(blocks, generator.to_picture, GENERATOR_BLOCKS, strict=True):
        x = block(x)
        assert (x.shape[1:], block.count_params(), to_picture.count_params()) == wanted
    assert generator.count_params() == 7_311_246

    critic = gansynth.Critic(GansynthSpec(), (128, 1024, 2), 61)
    x = critic.from_picture[-1](keras.KerasTensor((None, 128, 1024, 2)))
    blocks = [*critic.blocks[::-1], critic.last]
    for block, from_picture, wanted in zip(blocks, critic.from_picture[::-1], CRITIC_BLOCKS, strict=True):
        x = block(x)
        assert (x.shape[1:], block.count_params(), from_picture.count_params()) == wanted
    assert (critic.logit.count_params(), critic.classes.count_params()) == (256 + 1, 256 * 61 + 61)
    assert critic.count_params() == 6_831_230


def test_picture_layers_and_heads_are_linear_and_all_others_are_not(
    generator: gansynth.Generator, critic: gansynth.Critic
) -> None:
    def gain(layer: _Equalised) -> float:
        fan_in = math.prod(layer.kernel.shape[:-1]) * (math.prod(layer.shape[:2]) if isinstance(layer, Spread) else 1)
        return round(layer.constant**2 * fan_in, 6)

    linear = [*generator.to_picture, critic.logit, critic.classes]
    for layer in [*generator._flatten_layers(), *critic._flatten_layers()]:
        if isinstance(layer, _Equalised):
            assert gain(layer) == (1.0 if any(layer is other for other in linear) else 2.0), layer.name


def test_a_fresh_generator_and_critic_neither_vanish_nor_explode_at_any_level() -> None:
    keras.utils.set_random_seed(1)
    spec = GansynthSpec(latent_size=64, base_channels=256, most_channels=32)
    generator, critic = gansynth.Generator(spec, (32, 64, 2), 0), gansynth.Critic(spec, (32, 64, 2), 0)
    latent = RNG.standard_normal((16, 64)).astype("float32")
    for level in range(generator.levels):
        features = generator(latent, growth=Growth(level))
        assert 0.3 < float(ops.std(features)) < 0.9  # of tanh of a normal with deviation 1: 0.63
        logit, classes = critic(features, growth=Growth(level))
        assert classes is None
        assert 0.03 < float(ops.sqrt(ops.mean(ops.square(logit)))) < 3.0


@given(times=st.integers(0, 6), frames=st.integers(2, 8), bins=st.integers(2, 8))
def test_a_grid_that_halves_to_a_small_one_fits(times: int, frames: int, bins: int) -> None:
    levels, coarsest = gansynth.levels_of((frames << times, bins << times, 2))
    assert levels > times
    assert (coarsest[0] << levels - 1, coarsest[1] << levels - 1) == (frames << times, bins << times)


@pytest.mark.parametrize(
    ("shape", "levels", "coarsest"),
    [
        ((128, 1024, 2), 7, (2, 16)),
        ((256, 512, 2), 8, (2, 4)),
        ((64, 256, 2), 6, (2, 8)),
        ((64, 80), 5, (4, 5)),
    ],
)
def test_known_grids_have_the_levels_they_should(
    shape: tuple[int, ...], levels: int, coarsest: tuple[int, int]
) -> None:
    assert gansynth.levels_of(shape) == (levels, coarsest)


@given(frames=st.integers(1, 700), bins=st.integers(1, 1500))
def test_a_grid_fits_or_the_refusal_names_one_that_does(frames: int, bins: int) -> None:
    try:
        gansynth.levels_of((frames, bins, 2))
    except SpecError as error:
        nearest = str(error).split("The nearest is ")[1].split(":")[0]
        gansynth.levels_of(tuple(int(side) for side in nearest.split(" x ")))


@pytest.mark.parametrize("network", [gansynth.Generator, gansynth.Critic])
def test_a_refusal_comes_before_any_weight(network: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def made_too_early(*args: object) -> None:
        raise AssertionError("a weight was made")

    monkeypatch.setattr(keras.layers.Layer, "add_weight", made_too_early)
    with pytest.raises(SpecError, match="The nearest is 128 x 1024"):
        network(GansynthSpec(), (126, 1025, 2), 61)
    with pytest.raises(SpecError, match="leaves the finest of 7 resolutions none: set 128 or more"):
        network(GansynthSpec(base_channels=64), (128, 1024, 2), 61)
    with pytest.raises(SpecError, match="not of shape"):
        network(GansynthSpec(), (16_384,), 61)


def test_networks_grow_only_where_the_specification_says_so() -> None:
    schedule = gansynth.schedule(TINY, SHAPE)
    assert schedule is not None
    assert schedule.levels == LEVELS
    assert gansynth.schedule(TINY.replace(progressive=False), SHAPE) is None


def test_the_pitch_decides_what_is_made(generator: gansynth.Generator) -> None:
    other = np.asarray(generator(LATENT, (LABEL + 1) % LABELS))
    assert (np.abs(made(generator) - other).max(axis=(1, 2, 3)) > 0.05).all()


def test_networks_without_pitches_and_of_one_channel() -> None:
    generator, critic = gansynth.Generator(TINY, SHAPE[:2], 0), gansynth.Critic(TINY, SHAPE[:2], 0)
    features = generator(LATENT)
    assert features.shape == (4, *SHAPE[:2])
    logit, classes = critic(features)
    assert logit.shape == (4,)
    assert classes is None


def test_the_critic_sees_collapse(critic: gansynth.Critic) -> None:
    varied, collapsed = REAL, np.repeat(REAL[:1], 4, axis=0)
    assert float(batch_deviation(collapsed)[0, 0, 0, -1]) < 1e-3 < float(batch_deviation(varied)[0, 0, 0, -1])
    assert np.abs(judged(critic, features=varied)[0] - judged(critic, features=collapsed)[0]).max() > 1e-4


def played() -> dict[str, float]:
    """Losses of a fading level, and how far Adam moved the weights in use and those of the level above."""
    generator, critic = tiny()  # the same weights on any backend
    optimizers = [keras.optimizers.Adam(1e-3, 0.0, 0.99, epsilon=1e-8) for _ in range(2)]
    for optimizer, network in zip(optimizers, (generator, critic), strict=True):
        optimizer.build(network.trainable_variables)

    def step(batch: dict[str, Any]) -> dict[str, Any]:
        growth = Growth(1, batch["fade"])

        def critic_loss() -> tuple[Any, None]:
            (real, classes), (fake, _) = (critic(x, growth=growth) for x in (batch["real"], batch["fake"]))
            penalty = gradient_penalty(
                lambda x: critic(x, growth=growth)[0], batch["real"], batch["fake"], batch["mix"]
            )
            return ops.mean(fake - real) + 10.0 * penalty + class_loss(classes, batch["label"]), None

        def generator_loss() -> tuple[Any, None]:
            logit, classes = critic(generator(batch["latent"], batch["label"], growth=growth), growth=growth)
            return class_loss(classes, batch["label"]) - ops.mean(logit), None

        scores = {}
        for loss, network, optimizer in zip(
            (generator_loss, critic_loss), (generator, critic), optimizers, strict=True
        ):
            (scores[loss.__name__], _), gradients = value_and_gradients(loss, network.trainable_variables)
            optimizer.apply(gradients, network.trainable_variables)
        return scores

    layers = {
        "coarsest": [generator.coarsest, critic.last],
        "fading": [generator.blocks[0], critic.blocks[0], *generator.to_picture[:2], *critic.from_picture[:2]],
        "unused": [generator.blocks[1], critic.blocks[1], generator.to_picture[2], critic.from_picture[2]],
    }
    before = {name: [layer.get_weights() for layer in group] for name, group in layers.items()}
    variables = [owner.variables for owner in (generator, critic, *optimizers)]
    compiled = CompiledStep(step, [variable for group in variables for variable in group])
    batch = {"real": REAL, "fake": REAL[::-1].copy(), "mix": np.float32([0.1, 0.5, 0.7, 0.9]), "latent": LATENT}
    batch |= {"label": LABEL, "fade": np.float32(0.4)}
    first = to_floats(compiled(batch))
    second = {f"second_{name}": value for name, value in to_floats(compiled(batch)).items()}
    moved = {
        name: [
            float(np.abs(new - old).max())
            for layer, weights in zip(group, before[name], strict=True)
            for new, old in zip(layer.get_weights(), weights, strict=True)
        ]
        for name, group in layers.items()
    }
    return (
        first
        | second
        | {
            "least_moved": min(moved["coarsest"] + moved["fading"]),
            "unused_moved": max(moved["unused"]),
        }
    )


def test_a_step_is_the_same_on_both_backends_and_leaves_unused_levels_alone() -> None:
    ours, theirs = on_both(played).values()
    for scores in (ours, theirs):
        assert scores["unused_moved"] == 0.0
        assert scores["least_moved"] > 1e-4
    for name, value in ours.items():
        assert math.isclose(value, theirs[name], rel_tol=2e-3, abs_tol=1e-4), (name, value, theirs[name])


@pytest.mark.parametrize("shape", [SHAPE, SHAPE[:2]])
def test_light_networks_hear_latent_pitch_and_each_other(shape: tuple[int, ...]) -> None:
    spec = TINY.replace(light=True, progressive=False)
    keras.utils.set_random_seed(2)
    generator, critic = gansynth.make_generator(spec, shape, LABELS), gansynth.make_critic(spec, shape, LABELS)
    made = np.asarray(generator(LATENT, LABEL))
    assert made.shape == (4, *shape)
    assert np.abs(made).max() <= 1.0
    assert np.abs(made - np.asarray(generator(LATENT, (LABEL + 1) % LABELS))).mean() > 1e-3
    assert np.abs(made - np.asarray(generator(LATENT[::-1], LABEL))).mean() > 1e-3
    logit, classes = critic(made, LABEL)
    assert logit.shape == (4,)
    assert classes.shape == (4, LABELS)


def test_light_networks_do_not_grow() -> None:
    with pytest.raises(SpecError, match="progressive=False"):
        TINY.replace(light=True)
