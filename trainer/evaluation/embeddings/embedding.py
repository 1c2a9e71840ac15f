"""What an embedding is: waveforms to vectors in which near means alike."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Embedding(Protocol):
    """name: as it is asked for. size: numbers a clip."""

    name: str
    size: int

    @property
    def digest(self) -> str:
        """Short name of whatever decides its numbers."""

    def __call__(self, waveforms: NDArray[np.float32]) -> NDArray[np.float32]:
        """Waveforms [B, S] of the corpus' rate and length to embeddings [B, size]."""
