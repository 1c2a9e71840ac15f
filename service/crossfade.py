"""Clips one after another as one sound, by cross-fades of equal power. NumPy only; knows no model and no transport."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


def equal_power(samples: int) -> tuple[FloatArray, FloatArray]:
    """Return the gains of a cross-fade, in and out: sine and cosine of a quarter turn, whose squares sum to 1.

    Sounds that have nothing to do with each other keep their common power; straight lines would lose half of it in
    the middle. Returns: float32 [samples] each, between 0 and 1.
    """
    angle = (np.arange(samples) + 0.5) * (0.5 * np.pi / samples)
    return np.sin(angle).astype(np.float32), np.cos(angle).astype(np.float32)


class CrossFade:
    """Clips that come one by one; only the end of the last one is kept."""

    def __init__(self, overlap: int) -> None:
        """overlap: samples that neighbours share, at least 1; no clip may be shorter."""
        self._overlap = overlap
        self._rise, self._fall = equal_power(overlap)
        self._kept: FloatArray | None = None  # the last clip's end, faded out

    def add(self, clip: FloatArray) -> FloatArray:
        """Return what is done with once this clip has come: the first clip begins as it is.

        clip: float32 [S(, C)] with S >= overlap. Returns: [S - overlap(, C)].
        """
        overlap, sound = self._overlap, clip.copy()
        if self._kept is not None:
            sound[:overlap] = _scaled(clip[:overlap], self._rise) + self._kept
        done = len(sound) - overlap
        self._kept = _scaled(sound[done:], self._fall)
        return sound[:done]

    def rest(self) -> FloatArray:
        """Return the end: the last clip's, faded out. Returns: [overlap(, C)]."""
        assert self._kept is not None
        return self._kept


def _scaled(sound: FloatArray, gains: FloatArray) -> FloatArray:
    return sound * gains.reshape(-1, *[1] * (sound.ndim - 1))
