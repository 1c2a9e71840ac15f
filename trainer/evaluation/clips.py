"""What measures see of a set of clips: numbers of fixed size for each, so that memory stays bounded."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Clips:
    """N clips, generated or real.

    labels: int32 [N], the class that was asked for or recorded; -1 where there is none.
    embeddings: float32 [N, E] of the evaluation's embedding.
    probabilities: float32 [N, L] of the corpus' classifier, rows sum to 1; None where there are fewer than two labels.
    thumbnails: float32 [N, T, M], the log-mel picture in [-1, 1], averaged down to at most 32 x 32: what a clip
    sounds like, untouched by training.
    levels_dbfs: float32 [N], RMS of the clip (at least -120). peaks: float32 [N], largest absolute sample.
    silences: float32 [N], share of the 20 ms frames whose RMS is below -60 dBFS.
    pitches: float32 [N], the MIDI pitch that was asked for or recorded; NaN where there is none.
    """

    labels: NDArray[np.int32]
    embeddings: NDArray[np.float32]
    probabilities: NDArray[np.float32] | None
    thumbnails: NDArray[np.float32]
    levels_dbfs: NDArray[np.float32]
    peaks: NDArray[np.float32]
    silences: NDArray[np.float32]
    pitches: NDArray[np.float32]

    def __len__(self) -> int:
        """How many clips there are."""
        return len(self.labels)

    def take(self, indices: Indices) -> Clips:
        """The clips at `indices`, in that order."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        chosen: dict[str, Any] = {name: None if value is None else value[indices] for name, value in values.items()}
        return Clips(**chosen)


class Real(NamedTuple):
    """The corpus: what a generator learnt from, and what it never heard."""

    train: Clips
    held_out: Clips
