"""What vocoders have in common: features of a mel scale in, sound out, any number of frames."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from trainer.architectures.weight_norm import NormedConv, NormedUpsampling

Tensor = Any
SHUT, OPEN = 0.001, 0.05  # heights above the floor at which nothing and all is let through: 1 dB of log10 magnitudes


class Mel(NamedTuple):
    """What a vocoder knows of its features.

    floor: the value of silence. magnitudes: of spectra [B, T, n_fft // 2 + 1] whose mel is nearest to features.
    """

    bands: int
    n_fft: int
    hop_samples: int
    floor: float
    magnitudes: Callable[[Tensor], Tensor]


class Reach(NamedTuple):
    """Which frames decide what is heard during a frame: so many before it, so many after it."""

    past: int
    future: int


class Vocoder(keras.Model):  # type: ignore[misc]
    """Features [B, T, bands] to sound [B, T * hop] in [-1, 1]. causal: the gate looks back alone."""

    def __init__(self, mel: Mel, *, silence_gate: bool, causal: bool = False) -> None:
        super().__init__(name="generator")
        self.mel, self.silence_gate, self.causal = mel, silence_gate, causal

    @property
    def reach(self) -> Reach:
        """How far it looks."""
        return Reach(max(self.network_reach.past, 1), max(self.network_reach.future, 0 if self.causal else 1))

    @property
    def network_reach(self) -> Reach:
        """How far it looks without the gate."""
        raise NotImplementedError

    def sound(self, features: Tensor) -> Tensor:
        """Sound [B, T * hop] of features, without the gate."""
        raise NotImplementedError

    def build_weights(self) -> None:
        """Make all weights."""
        self(np.full((2, 8, self.mel.bands), self.mel.floor, "float32"))

    def fold(self) -> None:
        """Do once what each call would do again, for a network that is not trained any more."""
        for layer in self._flatten_layers(include_self=False):
            if isinstance(layer, NormedConv | NormedUpsampling):
                layer.fold()

    def call(self, features: Tensor, training: bool = False) -> Tensor:
        """Run the network."""
        features = ops.convert_to_tensor(features)
        sound = self.sound(features)
        return sound * self._gate(features) if self.silence_gate else sound

    def _gate(self, features: Tensor) -> Tensor:
        """0 where the features are those of silence, 1 where they are not, straight lines between: [B, T * hop].

        A frame is silent only where its whole window is, two hops at least: the lines lie in silence.
        """
        hop = self.mel.hop_samples
        height = ops.max(features, axis=-1, keepdims=True) - self.mel.floor
        opening = ops.clip((height - SHUT) / (OPEN - SHUT), 0.0, 1.0)
        before = ops.concatenate([opening[:, :1], opening[:, :-1]], axis=1)
        place = ((np.arange(hop) + 0.5) / hop).astype("float32")  # within a frame
        if self.causal:
            gate = before + place * (opening - before)
        else:
            after = ops.concatenate([opening[:, 1:], opening[:, -1:]], axis=1)
            later, earlier = np.maximum(place - 0.5, 0.0), np.maximum(0.5 - place, 0.0)
            gate = opening + later * (after - opening) + earlier * (before - opening)
        return ops.reshape(gate, (ops.shape(gate)[0], -1))
