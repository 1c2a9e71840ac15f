"""Upsampling by whole factors as small matrices, from which cheap and exact convolutions are made.

Along one axis, place q * factor + phase of the upsampled grid is a fixed mixture of few places around q of the
original: its taps, the same at every q. At the edges what lies outside has no say and the rest is weighted up, as in
tf.image.resize with half-pixel centres.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from trainer.specs.architectures import Upsampling

Floats = NDArray[np.float32]
Taps = dict[int, float]  # weight of the place at this distance from q


def _keys(distance: float) -> float:
    """Keys' cubic kernel with a = -0.5. Source: Keys 1981, equation 15."""
    x = abs(distance)
    if x < 1.0:
        return 1.5 * x**3 - 2.5 * x**2 + 1.0
    return -0.5 * x**3 + 2.5 * x**2 - 4.0 * x + 2.0 if x < 2.0 else 0.0


def taps(mode: Upsampling, factor: int) -> list[Taps]:
    """Taps of each phase.

    zeros: the original stands between zeros, where a transposed convolution with padding SAME expects it.
    """
    if mode == "zeros":
        return [{0: 1.0} if phase == factor // 2 else {} for phase in range(factor)]
    if mode == "nearest":
        return [{0: 1.0} for _ in range(factor)]
    found = []
    for phase in range(factor):
        centre = (phase + 0.5) / factor - 0.5
        if mode == "linear":
            weights = {d: 1.0 - abs(d - centre) for d in (math.floor(centre), math.floor(centre) + 1)}
        else:
            weights = {d: _keys(d - centre) for d in range(math.floor(centre) - 1, math.floor(centre) + 3)}
        found.append({d: weight for d, weight in weights.items() if weight})
    return found


def reach(mode: Upsampling, factor: int) -> int:
    """How far the farthest tap lies from its place."""
    return max(abs(d) for weights in taps(mode, factor) for d in weights)


@cache
def resize_matrix(mode: Upsampling, factor: int, places: int) -> Floats:
    """The upsampling of an axis: float32 [places * factor, places]."""
    matrix = np.zeros((places * factor, places), "float32")
    for row in range(places * factor):
        place, phase = divmod(row, factor)
        inside = {place + d: weight for d, weight in taps(mode, factor)[phase].items() if 0 <= place + d < places}
        for column, weight in inside.items():
            matrix[row, column] = weight / (1.0 if mode == "zeros" else sum(inside.values()))
    return matrix


@cache
def transposed_matrix(factor: int, kernel: int) -> Floats:
    """Nearest upsampling and then a SAME convolution as one transposed convolution with a stride of `factor`.

    Returns: float32 [kernel + factor - 1, kernel], the weight of each tap of the kernel in each of the transposed one.
    """
    ahead = np.arange(kernel) + np.arange(kernel + factor - 1)[:, None] - (kernel - 1)
    return ((ahead >= 0) & (ahead < factor)).astype("float32")


@cache
def windowed_matrix(mode: Upsampling, factor: int, places: int, kernel: int) -> Floats:
    """Upsampling and the sliding of a SAME window in one: float32 [places * factor, places * kernel].

    Column (q, j): what place q gives to tap j of the window at each row.
    """
    resize = resize_matrix(mode, factor, places)
    radius, rows = kernel // 2, len(resize)
    padded = np.pad(resize, [(radius, radius), (0, 0)])
    return np.stack([padded[j : j + rows] for j in range(kernel)], axis=2).reshape(rows, places * kernel)


@cache
def phase_matrix(mode: Upsampling, factor: int, kernel: int) -> tuple[Floats, int]:
    """Upsampling and then a SAME convolution as one convolution of the original grid, away from the edges.

    zeros: the kernel is that of a transposed convolution, which runs through its taps the other way.

    Returns: float32 [L, factor, kernel], the weight of each tap of the kernel in each tap of each phase's kernel; and
    the distance (0 or less) of the first of the L taps from the place in the middle.
    """
    radius, entries = kernel // 2, []
    for phase in range(factor):
        for j in range(kernel):
            ahead, other = divmod(phase + j - radius, factor)
            entries += [(ahead + d, phase, j, weight) for d, weight in taps(mode, factor)[other].items()]
    first, last = min(entry[0] for entry in entries), max(entry[0] for entry in entries)
    matrix = np.zeros((last - first + 1, factor, kernel), "float32")
    for d, phase, j, weight in entries:
        matrix[d - first, phase, j] += weight
    return matrix[:, :, ::-1] if mode == "zeros" else matrix, first
