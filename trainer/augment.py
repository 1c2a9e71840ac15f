"""Differentiable augmentation of features [B, T, M]: shifts, gain and masks, for real and generated alike.

The random numbers are drawn on the host (`draw`), the arithmetic runs on the device (`augment`), so a step stays a
pure function and a run can be resumed exactly.
Source of the idea: Zhao et al. 2020 (DiffAugment); of the adaptive probability: Karras et al. 2020 (ADA).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from trainer.config import AugmentSpec

Tensor = Any


def draw(
    spec: AugmentSpec, probability: float, shape: tuple[int, int], count: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Random numbers for `count` items of `shape` (T, M); each operation is idle with 1 - probability."""
    frames, bins = shape

    def sometimes(values: np.ndarray, idle: float) -> np.ndarray:
        return np.where(rng.random(count) < probability, values, idle).astype("float32")

    def mask(longest: int, length: int) -> tuple[np.ndarray, np.ndarray]:
        width = sometimes(rng.integers(0, min(longest, length // 2) + 1, count), 0.0)
        return np.floor(rng.random(count) * (length - width + 1)).astype("float32"), width

    time_start, time_width = mask(spec.mask_frames, frames)
    bin_start, bin_width = mask(spec.mask_bins, bins)
    return {
        "shift_frames": sometimes(rng.integers(-spec.shift_frames, spec.shift_frames + 1, count), 0.0),
        "shift_bins": sometimes(rng.integers(-spec.shift_bins, spec.shift_bins + 1, count), 0.0),
        "gain": sometimes(1.0 + spec.gain * rng.uniform(-1.0, 1.0, count), 1.0),
        "time_start": time_start,
        "time_width": time_width,
        "bin_start": bin_start,
        "bin_width": bin_width,
    }


def augment(features: Tensor, numbers: dict[str, Tensor]) -> Tensor:
    """Apply the drawn numbers to features [B, T, M] in [-1, 1]; what moves in from outside is silence (-1)."""
    frames, bins = features.shape[1], features.shape[2]
    level = features + 1.0
    level = ops.matmul(_shift_matrix(numbers["shift_frames"], frames), level)
    level = ops.matmul(level, ops.swapaxes(_shift_matrix(numbers["shift_bins"], bins), 1, 2))
    level = level * ops.reshape(numbers["gain"], (-1, 1, 1))
    level = level * ops.expand_dims(_keep(numbers["time_start"], numbers["time_width"], frames), 2)
    level = level * ops.expand_dims(_keep(numbers["bin_start"], numbers["bin_width"], bins), 1)
    return level - 1.0


def _shift_matrix(shift: Tensor, length: int) -> Tensor:
    """Matrices [B, length, length] that move a column vector by `shift` [B] places: a product is differentiable."""
    place = np.arange(length, dtype="float32")
    distance = place[None, :, None] - place[None, None, :]
    return ops.cast(ops.equal(distance, ops.reshape(shift, (-1, 1, 1))), "float32")


def _keep(start: Tensor, width: Tensor, length: int) -> Tensor:
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
