"""Features that come bit by bit, cut into windows that are decoded as the whole would be. NumPy only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Window:
    """Frames to be decoded together, of which only the middle is to be heard."""

    features: FloatArray  # [frames, ...]
    first: int  # of the frames that are heard
    count: int  # how many are


class Windows:
    """Keeps as few frames as the reach of a vocoder asks for.

    A window has `past` frames before those that are heard and `future` after them, or begins or ends where the whole
    does, so that the vocoder treats the ends as it treats those of the whole.
    """

    def __init__(self, *, past: int, future: int, most: int) -> None:
        """past, future: frames that decide what is heard during a frame. most: frames that a window newly decodes."""
        self._past, self._future, self._most = past, future, most
        self._kept: FloatArray | None = None
        self._done = 0  # of those that are kept

    def add(self, frames: FloatArray) -> Iterator[Window]:
        """Yield the windows for which all is there once these frames [T, ...] have come."""
        self._kept = frames if self._kept is None else np.concatenate([self._kept, frames])
        yield from self._windows(self._future)

    def end(self) -> Iterator[Window]:
        """Yield the windows that are left when no more frames come."""
        yield from self._windows(0)

    def _windows(self, wait_for: int) -> Iterator[Window]:
        """Yield windows as long as frames are left that have so many after them."""
        while self._kept is not None and (ready := len(self._kept) - wait_for - self._done) > 0:
            count = min(ready, self._most)
            heard = self._done + count
            yield Window(self._kept[: heard + self._future], self._done, count)
            drop = max(heard - self._past, 0)
            self._kept, self._done = self._kept[drop:], heard - drop
