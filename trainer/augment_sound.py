"""Differentiable augmentation of waveforms: shift, gain, polarity and a mask, for real and generated alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from trainer.augment import Numbers, Sometimes, keep
from trainer.specs.game import AugmentSpec

Tensor = Any


class SoundAugmentation:
    """Augments waveforms [B, S, C]; what moves in from outside, or is masked, is silence."""

    def __init__(self, spec: AugmentSpec, shape: tuple[int, ...]) -> None:
        self.spec, self.samples = spec, shape[0]

    def draw(self, probability: float, count: int, rng: np.random.Generator) -> Numbers:
        """Random numbers for `count` items; each operation is idle with 1 - probability."""
        draw = Sometimes(probability, count, rng)
        time_start, time_width = draw.mask(self.spec.time_mask, self.samples)
        return {
            "time_shift": draw.shift(self.spec.time_shift),
            "gain": draw.gain(self.spec.gain) * draw.sign(),
            "time_start": time_start,
            "time_width": time_width,
        }

    def apply(self, waveform: Tensor, numbers: dict[str, Tensor]) -> Tensor:
        """Apply the drawn numbers."""
        source = np.arange(self.samples, dtype="float32")[None] - ops.expand_dims(numbers["time_shift"], 1)
        inside = ops.logical_and(source >= 0.0, source < self.samples)
        places = ops.cast(ops.clip(source, 0.0, self.samples - 1.0), "int32")
        moved = ops.take_along_axis(waveform, ops.expand_dims(places, -1), axis=1)
        factor = ops.cast(inside, "float32") * keep(numbers["time_start"], numbers["time_width"], self.samples)
        return moved * ops.expand_dims(factor * ops.expand_dims(numbers["gain"], 1), -1)
