"""Latents from seeds, and the way between them.

The same on every machine; docs/contract.md is the authority.
"""

from __future__ import annotations

import functools
import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Distribution = Literal["normal", "uniform"]
Latents = NDArray[np.float32]

KEPT = 4  # stations of a walk in memory; notes come in the order of time
PARALLEL = 1e-6  # sine of the angle below which two latents are taken as parallel


def draw(seed: int, *, count: int, size: int, distribution: Distribution, first: int = 0) -> Latents:
    """Draw the latents of items first, first + 1, ... of a request.

    Each item has its own stream, so that it depends on neither count nor neighbours.
    Returns: float32 [count, size].
    """
    return np.stack([_item(seed, first + i, size, distribution) for i in range(count)])


def _item(seed: int, item: int, size: int, distribution: Distribution) -> Latents:
    stream = np.random.Generator(np.random.Philox(key=np.array([seed, item], np.uint64)))
    if distribution == "normal":
        return stream.standard_normal(size, dtype=np.float32)
    return stream.uniform(-1.0, 1.0, size).astype(np.float32)


def path(stations: Latents, *, steps: int, distribution: Distribution) -> Latents:
    """Return evenly spaced points on the way through `stations`, both ends included.

    Along great arcs for normal latents, whose length says nothing and whose straight middle would be too
    short for the generator to have met; straight for uniform ones.
    stations: float32 [N, size], N >= 2. Returns: float32 [steps, size].
    """
    between = _arc if distribution == "normal" else _line
    places = np.linspace(0.0, len(stations) - 1.0, steps)
    legs = np.minimum(places.astype(int), len(stations) - 2)
    points = [between(stations[leg], stations[leg + 1], place - leg) for place, leg in zip(places, legs, strict=True)]
    return np.stack(points).astype(np.float32)


def around(centre: Latents, noise: Latents, *, distance: float, distribution: Distribution) -> Latents:
    """Return points on the way from one latent to others, which distance 0 leaves where it is and 1 replaces.

    For normal latents cos(d pi / 2) centre + sin(d pi / 2) noise, whose length is that of a latent at every
    distance; for uniform ones (1 - d) centre + d noise.
    centre: float32 [size]. noise: float32 [count, size]. distance: 0 to 1. Returns: float32 [count, size].
    """
    angle = 0.5 * math.pi * distance
    kept, added = (math.cos(angle), math.sin(angle)) if distribution == "normal" else (1.0 - distance, distance)
    return np.asarray(kept * centre + added * noise, np.float32)


class Walk:
    """An endless path through the latents of a seed: station k is the item k that the seed draws.

    Stations are drawn when first needed and a few are kept, so that a walk of any length costs little.
    """

    def __init__(self, seed: int, *, size: int, distribution: Distribution) -> None:
        self._between = _arc if distribution == "normal" else _line
        self._station = functools.lru_cache(KEPT)(lambda item: _item(seed, item, size, distribution))

    def at(self, place: float) -> Latents:
        """Return the latent at a place on the path, counted in stations; between them it goes as `path` does.

        place: >= 0. Returns: float32 [size].
        """
        station = int(place)
        start, end = self._station(station), self._station(station + 1)
        return np.asarray(self._between(start, end, place - station), np.float32)


def _line(start: Latents, end: Latents, part: float) -> NDArray[np.floating]:
    return (1.0 - part) * start + part * end


def _arc(start: Latents, end: Latents, part: float) -> NDArray[np.floating]:
    cosine = np.dot(start, end) / max(float(np.linalg.norm(start) * np.linalg.norm(end)), PARALLEL)
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))
    if np.sin(angle) < PARALLEL:
        return _line(start, end, part)
    weights = np.sin([(1.0 - part) * angle, part * angle]) / np.sin(angle)
    return np.asarray(weights[0] * start + weights[1] * end)
