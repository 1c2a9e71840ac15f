"""Latents from seeds. The golden file holds what every machine and version must draw."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.latents import Distribution, Walk, draw, path

GOLDEN = Path(__file__).parents[1] / "golden" / "latents.json"
SEEDS = st.integers(0, 2**64 - 1)
BOTH: list[Distribution] = ["normal", "uniform"]


@pytest.mark.parametrize(
    "case", json.loads(GOLDEN.read_text()), ids=lambda case: f"{case['distribution']}-{case['seed']}"
)
def test_a_seed_gives_the_same_latents_on_every_machine(case: dict) -> None:
    drawn = draw(case["seed"], count=len(case["latents"]), size=case["size"], distribution=case["distribution"])
    assert drawn.dtype == np.float32
    # The logarithm of the normal's rare tail may differ by a bit between C libraries.
    np.testing.assert_allclose(drawn, np.array(case["latents"], np.float32), rtol=2e-7)


@given(seed=SEEDS, count=st.integers(1, 6), size=st.integers(1, 40), distribution=st.sampled_from(BOTH))
def test_an_item_depends_on_its_place_alone(seed: int, count: int, size: int, distribution: Distribution) -> None:
    drawn = draw(seed, count=count, size=size, distribution=distribution)
    assert drawn.shape == (count, size)
    for item in range(count):
        alone = draw(seed, count=1, size=size, distribution=distribution, first=item)
        np.testing.assert_array_equal(alone[0], drawn[item])


def test_latents_have_the_distribution_that_the_model_was_trained_with() -> None:
    normal = draw(1, count=200, size=100, distribution="normal")
    assert abs(normal.mean()) < 0.03
    assert abs(normal.std() - 1) < 0.03
    uniform = draw(1, count=200, size=100, distribution="uniform")
    assert np.abs(uniform).max() <= 1
    assert abs(uniform.std() - 3**-0.5) < 0.01


@given(seeds=st.lists(SEEDS, min_size=2, max_size=5, unique=True), steps=st.integers(2, 12))
def test_a_path_begins_and_ends_at_its_seeds(seeds: list[int], steps: int) -> None:
    for distribution in BOTH:
        stations = np.stack([draw(seed, count=1, size=16, distribution=distribution)[0] for seed in seeds])
        points = path(stations, steps=steps, distribution=distribution)
        assert points.shape == (steps, 16)
        np.testing.assert_allclose(points[[0, -1]], stations[[0, -1]], atol=1e-5)


def test_a_normal_path_keeps_the_length_of_its_latents() -> None:
    stations = np.stack([draw(seed, count=1, size=512, distribution="normal")[0] for seed in (1, 2)])
    lengths = np.linalg.norm(path(stations, steps=9, distribution="normal"), axis=1)
    ends = np.linalg.norm(stations, axis=1)
    assert lengths.min() > 0.97 * ends.min()  # a straight line would fall to 0.7 of it


def test_a_path_through_every_station_passes_it() -> None:
    stations = np.stack([draw(seed, count=1, size=8, distribution="normal")[0] for seed in (1, 2, 3)])
    np.testing.assert_allclose(path(stations, steps=5, distribution="normal")[::2], stations, atol=1e-5)


def test_a_path_between_equal_latents_stays_there() -> None:
    station = draw(7, count=1, size=8, distribution="normal")
    np.testing.assert_allclose(path(np.repeat(station, 2, 0), steps=4, distribution="normal"), np.repeat(station, 4, 0))


@given(seed=SEEDS, station=st.integers(0, 10**6), distribution=st.sampled_from(BOTH))
def test_the_stations_of_a_walk_are_what_its_seed_draws(seed: int, station: int, distribution: Distribution) -> None:
    walk = Walk(seed, size=8, distribution=distribution)
    drawn = draw(seed, count=1, size=8, distribution=distribution, first=station)[0]
    np.testing.assert_allclose(walk.at(station), drawn, atol=1e-6)
    np.testing.assert_allclose(walk.at(np.nextafter(station, 0)) if station else drawn, drawn, atol=1e-5)


@settings(deadline=None, max_examples=20)
@given(seed=SEEDS, places=st.lists(st.floats(0, 20), min_size=1, max_size=8), distribution=st.sampled_from(BOTH))
def test_a_walk_goes_as_a_path_does_whatever_was_asked_before(
    seed: int, places: list[float], distribution: Distribution
) -> None:
    walk = Walk(seed, size=8, distribution=distribution)
    for place in places:
        first, steps = int(place), 201
        stations = draw(seed, count=2, size=8, distribution=distribution, first=first)
        points = path(stations, steps=steps, distribution=distribution)
        np.testing.assert_allclose(walk.at(place), points[round((place - first) * 200)], atol=0.05)
        np.testing.assert_array_equal(walk.at(place), Walk(seed, size=8, distribution=distribution).at(place))
