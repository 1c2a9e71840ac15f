"""Values of one mel definition to those of another that differs in its scale: logarithm, gain, offset and limits."""

from __future__ import annotations

import math
from typing import Any

from keras import ops

from trainer.mel_definition import SCALE, MelDefinition

Tensor = Any
SILENT = 1.01  # times the floor: what is lower is the floor, but for rounding


class MelConversion:
    """Features [B, T, M] of `source` to those that `target` has for the same mel: an affine map, clipped.

    Exact between the higher of the floors and the lower of the ceilings. The floor of the source is silence, and stays
    silence where the target's is lower. Definitions of one scale leave every bit as it is.
    """

    def __init__(self, source: MelDefinition, target: MelDefinition) -> None:
        assert source.convertible(target)
        self.target = target
        self.loses_silence = target.floor < source.floor and "floor" in source.differences(target)
        self.is_needed = bool(set(source.differences(target)) & set(SCALE))
        ratio = math.log(source.log_base) / math.log(target.log_base)
        self.gain = target.gain / source.gain * ratio
        self.offset = target.offset - self.gain * source.offset
        self.silent_below = source.value(SILENT * source.floor)

    def __call__(self, features: Tensor) -> Tensor:
        """Convert."""
        if not self.is_needed:
            return features
        lowest = self.target.value(self.target.floor)
        converted = ops.maximum(features * self.gain + self.offset, lowest)
        if self.target.ceiling is not None:
            converted = ops.minimum(converted, self.target.value(self.target.ceiling))
        return ops.where(features < self.silent_below, lowest, converted) if self.loses_silence else converted
