"""Differentiable augmentation of spectrograms: shifts, gain and masks, for real and generated alike.

The random numbers are drawn on the host (`draw`), the arithmetic runs on the device (`apply`), so a step stays a
pure function and a run can be resumed exactly.
Source of the idea: Zhao et al. 2020 (DiffAugment); of the adaptive probability: Karras et al. 2020 (ADA).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from trainer.specs.game import AugmentSpec

Tensor = Any
Numbers = dict[str, np.ndarray]


class PictureAugmentation:
    """Augments features [B, T, M] or [B, T, M, C]; what moves in from outside, or is masked, is silence.

    silence: the value of silence in each channel. Gain scales how far the first channel, the level, is above it.
    """

    def __init__(self, spec: AugmentSpec, shape: tuple[int, ...], silence: tuple[float, ...]) -> None:
        self.spec, self.shape = spec, shape
        self.silence = np.array(silence, "float32")

    def draw(self, probability: float, count: int, rng: np.random.Generator) -> Numbers:
        """Random numbers for `count` items; each operation is idle with 1 - probability."""
        spec, (frames, bins) = self.spec, self.shape[:2]
        draw = Sometimes(probability, count, rng)
        time_start, time_width = draw.mask(spec.time_mask, frames)
        bin_start, bin_width = draw.mask(spec.bin_mask, bins)
        return {
            "time_shift": draw.shift(spec.time_shift),
            "bin_shift": draw.shift(spec.bin_shift),
            "gain": draw.gain(spec.gain),
            "time_start": time_start,
            "time_width": time_width,
            "bin_start": bin_start,
            "bin_width": bin_width,
        }

    def apply(self, features: Tensor, numbers: dict[str, Tensor]) -> Tensor:
        """Apply the drawn numbers."""
        flat = len(self.shape) == 2
        level = (ops.expand_dims(features, -1) if flat else features) - self.silence
        frames, bins, channels = level.shape[1:]
        folded = ops.reshape(level, (-1, frames, bins * channels))
        level = ops.reshape(ops.matmul(_shift_matrix(numbers["time_shift"], frames), folded), (-1, *level.shape[1:]))
        if self.spec.bin_shift:
            level = ops.einsum("bnm,btmc->btnc", _shift_matrix(numbers["bin_shift"], bins), level)
        gain = ops.reshape(numbers["gain"], (-1, 1, 1, 1))
        level = level * (gain if channels == 1 else ops.where(np.arange(channels) == 0, gain, 1.0))
        level = level * ops.reshape(keep(numbers["time_start"], numbers["time_width"], frames), (-1, frames, 1, 1))
        level = level * ops.reshape(keep(numbers["bin_start"], numbers["bin_width"], bins), (-1, 1, bins, 1))
        level = level + self.silence
        return level[..., 0] if flat else level


class Sometimes:
    """Draws numbers for `count` items, each idle with 1 - probability."""

    def __init__(self, probability: float, count: int, rng: np.random.Generator) -> None:
        self.probability, self.count, self.rng = probability, count, rng

    def _sometimes(self, values: np.ndarray, idle: float) -> np.ndarray:
        return np.where(self.rng.random(self.count) < self.probability, values, idle).astype("float32")

    def shift(self, farthest: int) -> np.ndarray:
        """Whole places, at most `farthest` either way."""
        return self._sometimes(self.rng.integers(-farthest, farthest + 1, self.count), 0.0)

    def gain(self, most: float) -> np.ndarray:
        """Factors within 1 +- most."""
        return self._sometimes(1.0 + most * self.rng.uniform(-1.0, 1.0, self.count), 1.0)

    def sign(self) -> np.ndarray:
        """1 or -1."""
        return self._sometimes(self.rng.choice([-1.0, 1.0], self.count), 1.0)

    def mask(self, longest: int, length: int) -> tuple[np.ndarray, np.ndarray]:
        """Start and width of masks, at most half of `length` wide."""
        width = self._sometimes(self.rng.integers(0, min(longest, length // 2) + 1, self.count), 0.0)
        return np.floor(self.rng.random(self.count) * (length - width + 1)).astype("float32"), width


def _shift_matrix(shift: Tensor, length: int) -> Tensor:
    """Matrices [B, length, length] that move a column vector by `shift` [B] places: a product is differentiable."""
    place = np.arange(length, dtype="float32")
    distance = place[None, :, None] - place[None, None, :]
    return ops.cast(ops.equal(distance, ops.reshape(shift, (-1, 1, 1))), "float32")


def keep(start: Tensor, width: Tensor, length: int) -> Tensor:
    """Zeros [B, length] where the mask lies, ones elsewhere."""
    offset = np.arange(length, dtype="float32")[None, :] - ops.expand_dims(start, 1)
    masked = ops.logical_and(offset >= 0.0, offset < ops.expand_dims(width, 1))
    return 1.0 - ops.cast(masked, "float32")


def adapt(spec: AugmentSpec, probability: float, real_sign: float, clips: int) -> float:
    """Next probability after `clips` more, from the mean sign of D(real): up while the critic overfits, else down."""
    if not spec.adaptive:
        return probability
    step = clips / spec.adapt_clips
    return float(np.clip(probability + (step if real_sign > spec.target else -step), 0.0, 0.9))
