"""What a representation is: the only bridge between sound and the tensors that networks see."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from trainer.specs.audio import AudioSpec

Tensor = Any


class Representation(Protocol):
    """Waveform [B, S], or [B, S, 2] where it is stereo, in [-1, 1], to features [B, *shape] in about [-1, 1], and back.

    Features have time first: [T, M] or [T, M, C] for pictures, [S, C] for the waveform itself.
    """

    audio: AudioSpec

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the features of one clip."""

    @property
    def free_shape(self) -> tuple[int | None, ...]:
        """The same with None where `decode` takes any length."""

    @property
    def silence(self) -> tuple[float, ...]:
        """What silence looks like: one value a channel (one in all where features have no channel axis)."""

    def encode(self, waveform: Tensor) -> Tensor:
        """Features of waveforms of one clip each, or of any whole number of hops where the length is free."""

    def decode(self, features: Tensor) -> Tensor:
        """Waveform in [-1, 1] of features."""

    def pictures(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """What a person looks at: features [N, *shape] as [N, T, M], -1 dark to 1 bright, low bands first."""

    def describe(self) -> dict[str, Any] | None:
        """Entry `features` of the contract; None where there is no feature stage."""


class MelRepresentation(Representation, Protocol):
    """A mel scale of any number of frames, which a vocoder can be trained for."""

    def magnitudes(self, features: Tensor) -> Tensor:
        """Magnitudes [B, T, n_fft // 2 + 1] whose mel is nearest to features [B, T, M]."""
