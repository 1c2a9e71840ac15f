"""How levels and frequencies of bins become those of mel bands, and bins again."""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np
from keras import ops
from numpy.typing import NDArray

from trainer.representations.mel_filters import htk_mel_filters
from trainer.specs.audio import AudioSpec
from trainer.specs.representations import PhaseSpec

Tensor = Any
Matrix = NDArray[np.float32]


class MelMap(Protocol):
    """filters [bins, bands] are for power; power_back and phase_back [bands, bins] lead back."""

    filters: Tensor
    power_back: Tensor
    phase_back: Tensor

    def frequency(self, power: Tensor, movement: Tensor) -> Tensor:
        """Movement of the phase in each band [B, T, bands], -pi to pi, from that in each bin [B, T, bins]."""


class SumMap:
    """As published: the filter's sum over its bins, taken to its principal value.

    Sums pass half a turn where a band has several bins, and what leads back can't undo the wrap: it takes about as many
    bands as bins.
    Source: magenta's specgrams_helper.
    """

    def __init__(self, filters: Matrix) -> None:
        self.filters = ops.convert_to_tensor(filters)  # tensors: an exported file holds each of them once
        self.power_back = self.phase_back = ops.convert_to_tensor(inverse_map(filters))

    def frequency(self, power: Tensor, movement: Tensor) -> Tensor:  # noqa: ARG002 - every map's signature
        """The filter's sum of the movements."""
        return principal(ops.matmul(movement, self.filters))


class PowerMap:
    """The movement of a band is that of its power: the angle of the power-weighted sum of unit vectors.

    A bin moves as the bands over it do, weighted by their filters there. No sum wraps, loud bins outvote the noise
    beside them, and a partial keeps its pitch in a band of many bins.
    """

    def __init__(self, filters: Matrix) -> None:
        self.filters = ops.convert_to_tensor(filters)
        self.power_back = ops.convert_to_tensor(inverse_map(filters))
        means = filters.T / np.maximum(filters.sum(axis=1), 1e-8)
        self.phase_back = ops.convert_to_tensor(means.astype("float32"))
        bins = np.arange(1, len(filters) + 1, dtype="float32")
        self.middles = (bins @ filters) / np.maximum(filters.sum(axis=0), 1e-8)  # [bands], in bins

    def frequency(self, power: Tensor, movement: Tensor) -> Tensor:
        """The angle of the sum of vectors; 0 where a band is empty."""
        real, imaginary = (ops.matmul(power * turn(movement), self.filters) for turn in (ops.cos, ops.sin))
        return angle(real, imaginary)

    def back(self, power: Tensor, movement: Tensor) -> Tensor:
        """Movement in each bin [B, T, bins]: the same of the bands over it.

        The mean of angles would be half a turn off where two bands see one partial from either side of the wrap.
        """
        real, imaginary = (ops.matmul(power * turn(movement), self.phase_back) for turn in (ops.cos, ops.sin))
        return angle(real, imaginary)


MAPS: dict[str, type[SumMap] | type[PowerMap]] = {"sum": SumMap, "power": PowerMap}


def mel_map(spec: PhaseSpec, audio: AudioSpec) -> MelMap:
    """The map that a specification with n_mels describes."""
    assert spec.n_mels is not None
    filters = htk_mel_filters(audio.sample_rate_hz, spec.n_fft, spec.n_mels).T
    return MAPS[spec.mel_frequency](np.ascontiguousarray(filters))


def inverse_map(filters: Matrix) -> Matrix:
    """Matrix [bands, bins] that spreads bands over bins again: M^T, each bin divided by its column sum of M M^T.

    The bands of equal bins give these bins again. Source: magenta's specgrams_helper.
    """
    sums = (filters @ filters.T).sum(axis=0)
    inverse: Matrix = (filters.T / np.where(sums > 1e-8, sums, 1.0)).astype("float32")
    return inverse


def principal(turns: Tensor) -> Tensor:
    """The angle in -pi to pi that differs by whole turns.

    The differences of an unwrapped phase are the principal values of the phase's differences.
    """
    return turns - 2.0 * math.pi * ops.round(turns / (2.0 * math.pi))


def angle(real: Tensor, imaginary: Tensor) -> Tensor:
    """Phase in -pi to pi, 0 for 0: the signs of zeros would give some backends half a turn."""
    sounding = ops.logical_or(real != 0.0, imaginary != 0.0)
    return ops.arctan2(ops.where(sounding, imaginary, 0.0), ops.where(sounding, real, 1.0))
