"""Host randomness: streams that depend on two numbers alone, on every machine."""

from __future__ import annotations

import numpy as np


def generator_at(seed: int, step: int) -> np.random.Generator:
    """The stream of (seed, step), both 64 bits unsigned; a run that draws all of a step from its own can be resumed."""
    return np.random.Generator(np.random.Philox(key=[seed, step]))
