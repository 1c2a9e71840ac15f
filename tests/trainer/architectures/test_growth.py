"""Growth: the published schedule, real pictures that show no more than the networks can, and no jump on the way."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from trainer.architectures import gansynth
from trainer.architectures.growth import Growth, Schedule, growth_at, shrink, soften
from trainer.architectures.layers import leaky
from trainer.specs.architectures import GansynthSpec

SHAPE, LABELS, LEVELS = (8, 16, 2), 3, 3
TINY = GansynthSpec(latent_size=6, base_channels=32, most_channels=8)
RNG = np.random.default_rng(3)
FEATURES = np.tanh(RNG.standard_normal((2, *SHAPE))).astype("float32")
LATENT = RNG.standard_normal((2, 6)).astype("float32")
LABEL = np.array([0, 2], "int32")
counts = st.integers(1, 5000)


def progress(growth: Growth) -> float:
    """One number: 2.25 is level 2 and a quarter of level 3."""
    return growth.level - 1 + growth.fade if growth.level else 0.0


def softened(level: int, fade: float = 1.0, features: np.ndarray = FEATURES) -> np.ndarray:
    return np.asarray(soften(features, Growth(level, fade), LEVELS))


@pytest.mark.parametrize(
    ("clips", "level", "fade"),
    [
        (0, 0, 1.0),
        (799_999, 0, 1.0),
        (800_000, 1, 0.0),
        (1_200_000, 1, 0.5),
        (1_600_000, 1, 1.0),
        (2_399_999, 1, 1.0),
        (2_400_000, 2, 0.0),
        (8_799_999, 5, 1.0),
        (8_800_000, 6, 0.0),
        (9_600_000, 6, 1.0),
        (11_000_000, 6, 1.0),
    ],
)
def test_the_published_schedule_reaches_each_resolution_when_it_should(clips: int, level: int, fade: float) -> None:
    schedule = Schedule(levels=7, stable_clips=800_000, fade_clips=800_000)
    assert schedule.at(clips) == Growth(level, fade)


@given(clips=st.integers(0, 60_000), levels=st.integers(1, 8), stable=counts, fade=counts)
def test_growth_rests_and_rises_in_turn(clips: int, levels: int, stable: int, fade: int) -> None:
    starts = stable + (stable + fade) * np.arange(levels - 1)
    borders = [0, *np.stack([starts, starts + fade], axis=1).reshape(-1)]
    heights = np.repeat(np.arange(levels), 2)[: len(borders)]
    growth = growth_at(clips, levels=levels, stable_clips=stable, fade_clips=fade)
    assert np.isclose(progress(growth), np.interp(clips, borders, heights))
    assert 0 <= growth.level < levels
    assert 0.0 <= growth.fade <= 1.0


@given(levels=st.integers(1, 8), stable=counts, fade=counts, first=counts, more=counts)
def test_growth_starts_at_the_coarsest_never_shrinks_and_ends_at_the_finest(
    levels: int, stable: int, fade: int, first: int, more: int
) -> None:
    schedule = Schedule(levels=levels, stable_clips=stable, fade_clips=fade)
    assert schedule.at(0) == Growth(0, 1.0)
    assert progress(schedule.at(first)) <= progress(schedule.at(first + more))
    end = (levels - 1) * (stable + fade)
    assert schedule.at(end) == schedule.at(end + more) == Growth(levels - 1, 1.0)


@pytest.mark.parametrize("level", range(LEVELS))
def test_softened_features_keep_their_means_and_lose_the_rest(level: int) -> None:
    side = 2 ** (LEVELS - 1 - level)
    blocks = FEATURES.reshape(2, 8 // side, side, 16 // side, side, 2)
    wanted = np.broadcast_to(blocks.mean((2, 4), keepdims=True), blocks.shape).reshape(FEATURES.shape)
    np.testing.assert_allclose(softened(level), wanted, atol=1e-6)


@pytest.mark.parametrize("level", range(1, LEVELS))
def test_softening_passes_from_level_to_level_without_a_jump(level: int) -> None:
    np.testing.assert_array_equal(softened(level, fade=0.0), softened(level - 1))
    np.testing.assert_array_equal(softened(level, fade=np.float32(1.0)), softened(level))
    halfway = 0.5 * (softened(level - 1) + softened(level))
    np.testing.assert_allclose(softened(level, fade=0.5), halfway, atol=1e-6)


def test_features_of_one_channel_need_no_axis_for_it() -> None:
    flat = softened(1, fade=0.3, features=FEATURES[..., 0])
    np.testing.assert_array_equal(flat, softened(1, fade=0.3)[..., 0])


@settings(max_examples=20, deadline=None)
@given(fade=st.floats(0.0, 1.0, width=32), level=st.integers(0, LEVELS - 1))
def test_softening_never_leaves_the_range_of_the_features(fade: float, level: int) -> None:
    result = softened(level, fade if level else 1.0)
    assert result.min() >= FEATURES.min() - 1e-5
    assert result.max() <= FEATURES.max() + 1e-5


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


def judged(critic: gansynth.Critic, growth: Growth | None = None, features: np.ndarray = FEATURES) -> np.ndarray:
    logit, classes = critic(features, growth=growth)
    return np.concatenate([np.asarray(logit)[:, None], np.asarray(classes)], axis=1)


@pytest.mark.parametrize("level", range(LEVELS))
def test_the_output_is_the_whole_grid_at_any_level(generator: gansynth.Generator, level: int) -> None:
    features = made(generator, Growth(level))
    assert features.shape == (2, *SHAPE)
    assert np.abs(features).max() <= 1.0
    np.testing.assert_allclose(features, soften(features, Growth(level), LEVELS), atol=1e-6)
    if level:
        coarser = np.asarray(soften(features, Growth(level - 1), LEVELS))
        assert np.abs(features - coarser).max() > 0.1


@pytest.mark.parametrize("level", range(1, LEVELS))
def test_both_networks_pass_from_level_to_level_without_a_jump(
    generator: gansynth.Generator, critic: gansynth.Critic, level: int
) -> None:
    for output in (lambda growth: made(generator, growth), lambda growth: judged(critic, growth)):
        below, above = output(Growth(level - 1)), output(Growth(level))
        assert np.abs(above - below).max() > 0.05
        np.testing.assert_array_equal(output(Growth(level, ops.convert_to_tensor(0.0))), below)
        np.testing.assert_array_equal(output(Growth(level, ops.convert_to_tensor(1.0))), above)
        np.testing.assert_allclose(output(Growth(level, 0.001)), below, atol=0.02)
        np.testing.assert_allclose(output(Growth(level, 0.999)), above, atol=0.02)


def test_a_generated_picture_is_blended_as_a_real_one_is(generator: gansynth.Generator) -> None:
    halfway = 0.5 * (made(generator, Growth(1)) + made(generator, Growth(2)))
    np.testing.assert_allclose(made(generator, Growth(2, 0.5)), halfway, atol=1e-6)


def test_the_critic_blends_what_comes_from_two_pictures(critic: gansynth.Critic) -> None:
    newest = critic.blocks[1](leaky(critic.from_picture[2](FEATURES)))
    below = leaky(critic.from_picture[1](shrink(FEATURES, 1)))
    logit = critic.logit(critic.last(critic.blocks[0](0.7 * below + 0.3 * newest)))
    np.testing.assert_allclose(judged(critic, Growth(2, 0.3))[:, :1], logit, atol=1e-5)


def test_a_settled_level_has_no_trace_of_the_one_below() -> None:
    generator, critic = tiny()
    growth = Growth(1, ops.convert_to_tensor(1.0))
    before = made(generator, growth), judged(critic, growth)
    for layer in (generator.to_picture[0], critic.from_picture[0]):
        layer.kernel.assign(3.0 - layer.kernel)
    np.testing.assert_array_equal(made(generator, growth), before[0])
    np.testing.assert_array_equal(judged(critic, growth), before[1])


def test_a_coarse_level_computes_nothing_on_finer_grids() -> None:
    generator, critic = tiny()
    finer = [generator.blocks[1], generator.to_picture[2], critic.blocks[1], critic.from_picture[2]]
    for layer in finer:
        layer.set_weights([np.full_like(weight, np.nan) for weight in layer.get_weights()])
    for fade in (0.0, 0.5, 1.0):
        growth = Growth(1, ops.convert_to_tensor(fade))
        assert np.isfinite(made(generator, growth)).all()
        assert np.isfinite(judged(critic, growth)).all()
    assert np.isnan(made(generator)).all()


def test_the_critic_sees_no_detail_that_softening_takes(critic: gansynth.Critic) -> None:
    for growth in (Growth(0), Growth(1), Growth(2)):
        softened = np.asarray(soften(FEATURES, growth, LEVELS))
        np.testing.assert_allclose(judged(critic, growth, softened), judged(critic, growth), atol=1e-5)


def test_a_generator_knows_how_far_it_has_grown_where_a_call_does_not_say() -> None:
    generator, _ = tiny()
    np.testing.assert_array_equal(made(generator), made(generator, Growth(LEVELS - 1)))
    generator.grown = Growth(1, 0.25)
    np.testing.assert_array_equal(made(generator), made(generator, Growth(1, 0.25)))
