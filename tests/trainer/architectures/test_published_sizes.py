"""The published presets, layer by layer against their tables. Weights are made, nothing is run."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from trainer.architectures import report, specgan, wavegan
from trainer.specs.architectures import ReportSpec, SpecganSpec, WaveganSpec


def shapes(network: Any) -> list[tuple[int, ...]]:
    """Of all trained weights, in order, biases left out."""
    return [tuple(weight.shape) for weight in network.trainable_weights if len(weight.shape) > 1]


def test_wavegan_is_the_published_one() -> None:
    generator = wavegan.Generator(WaveganSpec(), (16_384, 1), 0)
    assert generator.count_params() == 19_065_345  # 19.1 M
    widths = (1024, 512, 256, 128, 64, 1)
    assert shapes(generator) == [(100, 16 * 1024), *((25, *pair) for pair in pairwise(widths))]
    assert generator.start_shape == (16, 1024)
    assert [(conv.factor, conv.mode) for conv in generator.convs] == [(4, "zeros")] * 5
    assert all(weight.dtype == "float32" for weight in generator.weights)
    critic = wavegan.Critic(WaveganSpec(), (16_384, 1), 0)
    back = widths[::-1]
    assert shapes(critic) == [*((25, *pair) for pair in pairwise(back)), (16 * 1024, 1)]
    assert [conv.stride for conv in critic.convs] == [4] * 5
    assert critic.shuffle == 2


@pytest.mark.parametrize(("samples", "last"), [(32_768, 2), (65_536, 4)])
def test_longer_wavegan_has_one_more_layer_and_begins_wider(samples: int, last: int) -> None:
    generator = wavegan.Generator(WaveganSpec(width=2), (samples, 1), 0)
    assert generator.start_shape == (16, 32 * 2)
    assert [conv.factor for conv in generator.convs] == [4, 4, 4, 4, 4, last]
    assert [conv.filters for conv in generator.convs] == [32, 16, 8, 4, 2, 1]
    critic = wavegan.Critic(WaveganSpec(width=2), (samples, 1), 0)
    assert [(conv.filters, conv.stride) for conv in critic.convs][-1] == (32 * 2, last)


def test_specgan_is_the_published_one() -> None:
    generator = specgan.Generator(SpecganSpec(), (128, 128), 0)
    assert generator.count_params() == 19_065_345
    widths = (1024, 512, 256, 128, 64, 1)
    assert shapes(generator) == [(100, 16 * 1024), *((5, 5, *pair) for pair in pairwise(widths))]
    assert generator.start_shape == (4, 4, 1024)
    assert [(conv.factor, conv.mode) for conv in generator.convs] == [(2, "zeros")] * 5
    critic = specgan.Critic(SpecganSpec(), (128, 128), 0)
    back = widths[::-1]
    assert shapes(critic) == [*((5, 5, *pair) for pair in pairwise(back)), (16 * 1024, 1)]
    assert critic.draw(4, rng=None) == {}  # type: ignore[arg-type]  # no phase shuffle


def test_the_reports_gan_is_that_of_its_table() -> None:
    generator = report.Generator(ReportSpec(), (256, 256), 0)
    assert shapes(generator) == [
        (128, 16 * 16 * 1024),
        (7, 7, 1024, 512),
        (5, 5, 512, 256),
        (5, 5, 256, 128),
        (3, 3, 128, 64),
        (1, 1, 64, 1),
    ]
    assert [(conv.mode, conv.factor) for conv in generator.convs] == [
        ("linear", 2),
        ("linear", 2),
        ("cubic", 2),
        ("cubic", 2),
    ]
    assert [norm.axis for norm in generator.norms] == [-1] * 4
    critic = report.Critic(ReportSpec(), (256, 256), 0)
    assert shapes(critic) == [(7, 7, 1, 64), (5, 5, 64, 128), (3, 3, 128, 256), (1, 1, 256, 512), (32 * 32 * 512, 1)]
    assert report.CRITIC_LAYERS == ((7, 2, 0.2), (5, 2, 0.2), (3, 2, 0.2), (1, 1, 0.1))
    assert critic.dropout == 0.3
