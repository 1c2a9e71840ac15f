"""What a measure of reconstruction is: how far a decoded sound is from the sound it should be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.evaluation.measure import Better, Unmeasurable

Sound = NDArray[np.float32]
"""Mono samples [S], nominally in [-1, 1]."""


@dataclass(frozen=True, kw_only=True)
class Reconstruction:
    """One entry of the registry.

    unit: of the number, for people; empty for a plain number. function: (wanted [S], got [S], rate_hz) to the number;
    it raises Unmeasurable where these sounds have none.
    """

    name: str
    title: str
    unit: str
    better: Better
    function: Callable[[Sound, Sound, int], float]

    @property
    def heading(self) -> str:
        """Title and unit, as the head of a column."""
        return f"{self.title}, {self.unit}" if self.unit else self.title

    def of(self, wanted: Sound, got: Sound, rate_hz: int) -> float:
        """Measure two sounds that may be anything.

        Raises: Unmeasurable where they differ in length, are empty or are not finite, and where `function` does.
        """
        if wanted.ndim != 1 or wanted.shape != got.shape:
            raise Unmeasurable(f"sounds {list(wanted.shape)} and {list(got.shape)} are not two of one length")
        if not wanted.size:
            raise Unmeasurable("the sounds are empty")
        if not (np.isfinite(wanted).all() and np.isfinite(got).all()):
            raise Unmeasurable("a sound holds NaN or infinity")
        return self.function(wanted, got, rate_hz)
