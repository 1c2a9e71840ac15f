"""What a game of vocoders is played with: crops of training clips, and the features of each crop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from trainer.corpus.store import PreparedCorpus
from trainer.errors import check
from trainer.specs.game import InversionSpec

Tensor = Any
TRIES = 8  # crops of a clip that are looked at for sound
SILENT = 1e-3  # largest sample of a crop without sound


def check_segment(spec: InversionSpec, hop_samples: int, clip_samples: int) -> None:
    """Hold the length of a crop to the hop and to the clips.

    Raises: SpecError with the nearest length that fits.
    """
    hops = min(max(1, round(spec.segment_samples / hop_samples)), clip_samples // hop_samples)
    check(
        spec.segment_samples == hops * hop_samples,
        f"segment_samples={spec.segment_samples} is not a whole number of hops of {hop_samples} within a clip of "
        f"{clip_samples} samples: set game.segment_samples={hops * hop_samples}",
    )


class Segments:
    """Draws pairs: features [count, T, M] and the sound [count, S] that they were computed from.

    encode: sounds to features.
    """

    def __init__(self, corpus: PreparedCorpus, encode: Callable[[Tensor], Tensor], spec: InversionSpec) -> None:
        self.corpus, self.encode, self.spec = corpus, encode, spec

    def __call__(self, rng: np.random.Generator, count: int) -> dict[str, Tensor]:
        """Draw."""
        sound = self.crops(rng, count)
        return {"features": self.encode(sound), "sound": sound}

    def crops(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Crops of random clips at random places, their gain changed: float32 [count, S]."""
        train, length = self.corpus.train, self.spec.segment_samples
        clips = self.corpus.waveforms(train[rng.integers(0, len(train), count)])
        starts = rng.integers(0, clips.shape[1] - length + 1, (TRIES, count))
        gains = rng.uniform(self.spec.gain_min, self.spec.gain_max, (count, 1)).astype("float32")
        crops = [gain * self._crop(clip, tried) for gain, clip, tried in zip(gains, clips, starts.T, strict=True)]
        return np.stack(crops)

    def _crop(self, clip: np.ndarray, starts: np.ndarray) -> np.ndarray:
        tried = (clip[start : start + self.spec.segment_samples] for start in starts)
        first = next(tried)
        if not self.spec.skip_silence or np.abs(first).max() > SILENT:
            return first
        return next((crop for crop in tried if np.abs(crop).max() > SILENT), first)
