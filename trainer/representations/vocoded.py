"""A mel scale whose sound is decoded by a vocoder in the place of Griffin-Lim."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from trainer.representations.representation import Representation

Tensor = Any


class VocoderNetwork(Protocol):
    """Features [B, T, M] of its own definition to sound [B, T * hop] in [-1, 1]."""

    def __call__(self, features: Tensor, /) -> Tensor:
        """Run the network."""

    def fold(self) -> None:
        """Do once what each call would do again."""


class Vocoded:
    """All is the representation's but `decode`. convert: its features to those that the vocoder takes."""

    def __init__(
        self, representation: Representation, vocoder: VocoderNetwork, convert: Callable[[Tensor], Tensor]
    ) -> None:
        self.representation, self.vocoder, self.convert = representation, vocoder, convert
        self.audio = representation.audio

    def fold(self) -> None:
        """Prepare the vocoder for export."""
        self.vocoder.fold()

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the features of one clip."""
        return self.representation.shape

    @property
    def free_shape(self) -> tuple[int | None, ...]:
        """The same with None where `decode` takes any length."""
        return self.representation.free_shape

    @property
    def silence(self) -> tuple[float, ...]:
        """What silence looks like."""
        return self.representation.silence

    def encode(self, waveform: Tensor) -> Tensor:
        """Features of waveforms."""
        return self.representation.encode(waveform)

    def decode(self, features: Tensor) -> Tensor:
        """Waveform [B, T * hop] in [-1, 1] of features [B, T, M]."""
        return self.vocoder(self.convert(features))

    def pictures(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """What a person looks at."""
        return self.representation.pictures(features)

    def describe(self) -> dict[str, Any] | None:
        """Entry `features` of the contract."""
        return self.representation.describe()
