"""An engine that needs no TensorFlow, where what is computed does not matter."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.contract import Contract


class Zeros:
    """An engine: of everything nothing, in the right shape."""

    def __init__(self, its_contract: Contract) -> None:
        self.contract, self.name = its_contract, its_contract.name

    def run(self, signature: str, inputs: Mapping[str, NDArray[Any]], _deadline: float = math.inf) -> NDArray[Any]:
        """Compute a batch."""
        features, audio = self.contract.features, self.contract.audio
        assert features is not None
        given = next(iter(inputs.values()))
        shape: tuple[int, ...] = audio.clip_shape
        if signature == "sample":
            shape = (features.frames, *features.frame_shape)
        elif signature == "decode":
            shape = (self.contract.samples(given.shape[1]), *audio.clip_shape[1:])
        elif signature == "analyse":
            shape = (given.shape[1] // features.hop_samples, *features.frame_shape)
        return np.zeros((len(given), *shape), np.float32)
