"""The report's GAN: what fits, its statistics and its dropout."""

from __future__ import annotations

import numpy as np
import pytest

from trainer.architectures import report
from trainer.errors import SpecError
from trainer.specs.architectures import UPSAMPLINGS, ReportSpec, Upsampling

SPEC = ReportSpec(latent_size=5, start_width=6, generator_widths=(5, 4, 3, 2), critic_widths=(2, 3, 4, 5))
SHAPE = (32, 48)


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(2).normal(size=shape).astype("float32")


@pytest.mark.parametrize("mode", UPSAMPLINGS)
def test_every_upsampling_makes_a_picture(mode: Upsampling) -> None:
    generator = report.Generator(SPEC.replace(upsampling=(mode,) * 4), SHAPE, 0)
    assert generator.start_shape == (2, 3, 6)
    made = np.asarray(generator(numbers(2, 5)))
    assert made.shape == (2, *SHAPE)
    assert np.isfinite(made).all()
    assert np.abs(made).max() <= 1.0


def test_sides_that_do_not_fit_name_the_nearest() -> None:
    for make in (report.Generator, report.Critic):
        with pytest.raises(SpecError, match=r"representation.size=\(256, 64\)"):
            make(SPEC, (250, 64), 0)


@pytest.mark.parametrize("make", [report.Generator, report.Critic])
def test_batch_statistics_are_used_and_kept_in_training_only(make: type) -> None:
    network = make(SPEC, SHAPE, 0)
    item = numbers(4, 5) if make is report.Generator else numbers(4, *SHAPE)
    before = [np.asarray(v) for v in network.non_trainable_variables]
    assert len(before) == 8

    def run(*, training: bool) -> np.ndarray:
        made = network(item, training=training)
        return np.asarray(made[0] if isinstance(made, tuple) else made)

    resting = run(training=False)
    assert all(np.array_equal(a, b) for a, b in zip(before, network.non_trainable_variables, strict=True))
    assert np.abs(run(training=True) - resting).max() > 1e-6
    assert not all(np.array_equal(a, b) for a, b in zip(before, network.non_trainable_variables, strict=True))


def test_dropout_drops_what_was_drawn() -> None:
    critic = report.Critic(SPEC, SHAPE, 0)
    drawn = critic.draw(3, np.random.default_rng(0))
    assert [drawn[f"keep_{layer}"].shape for layer in range(4)] == [
        (3, 16, 24, 2),
        (3, 8, 12, 3),
        (3, 4, 6, 4),
        (3, 4, 6, 5),
    ]
    assert np.mean(drawn["keep_0"]) == pytest.approx(0.7, abs=0.03)
    assert drawn["keep_0"].dtype == np.uint8
    assert {int(value) for value in np.unique(drawn["keep_0"])} == {0, 1}
    pictures = numbers(3, *SHAPE)
    calm, noisy = np.asarray(critic(pictures)[0]), np.asarray(critic(pictures, noise=drawn)[0])
    assert np.abs(calm - noisy).max() > 1e-6
    nothing = drawn | {"keep_3": np.zeros_like(drawn["keep_3"])}
    critic.logit.bias.assign([0.25])
    np.testing.assert_allclose(critic(pictures, noise=nothing)[0], 0.25)
    again = critic.draw(3, np.random.default_rng(0))
    assert all(np.array_equal(drawn[name], again[name]) for name in drawn)


def test_what_stays_is_weighted_up() -> None:
    spec = SPEC.replace(dropout=0.5)
    critic = report.Critic(spec, SHAPE, 0)
    all_stay = {name: np.ones_like(mask) for name, mask in critic.draw(1, np.random.default_rng(0)).items()}
    last = {"keep_3": all_stay["keep_3"]}
    picture = numbers(1, *SHAPE)
    np.testing.assert_allclose(critic(picture, noise=last)[0], 2.0 * critic(picture)[0], rtol=1e-5)
    assert report.Critic(SPEC.replace(dropout=0.0), SHAPE, 0).draw(1, np.random.default_rng(0)) == {}
