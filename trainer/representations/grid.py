"""The grid of frames that spectral representations share, and how a corpus is gone through on it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from trainer.errors import check
from trainer.specs.audio import AudioSpec

CLIPS_AT_ONCE = 16  # 128 frames of 1025 bins of so many clips are 8 MB a tensor


def frames_of(kind: str, audio: AudioSpec, hop_samples: int) -> int:
    """How many frames a clip has.

    Raises: SpecError where it is stereo, or no whole number of hops, with the nearest length that fits.
    """
    check(audio.channels == 1, f"{kind} is mono: set channels=1")
    check(
        audio.clip_samples % hop_samples == 0,
        f"clip_samples={audio.clip_samples} is not a whole number of hops of {hop_samples}; "
        f"the nearest that fits is {max(1, round(audio.clip_samples / hop_samples)) * hop_samples}",
    )
    return audio.clip_samples // hop_samples


def chunks(waveforms: np.ndarray) -> Iterator[np.ndarray]:
    """Waveforms [N, S] a few at a time."""
    for first in range(0, len(waveforms), CLIPS_AT_ONCE):
        yield waveforms[first : first + CLIPS_AT_ONCE]
