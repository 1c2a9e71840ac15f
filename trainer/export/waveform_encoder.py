"""The way from a clip back to latent and label, for one graph. Runs under TensorFlow."""

from __future__ import annotations

from typing import Protocol

import tensorflow as tf

from trainer.architectures.encoder import Encoder
from trainer.representations.representation import Representation


class WaveformEncoder(Protocol):
    """What the signatures encode and classify compute of clips, waveforms [B, S] or [B, S, 2]."""

    def latent(self, waveform: tf.Tensor) -> tf.Tensor:
        """Latent [B, Z]."""

    def probabilities(self, waveform: tf.Tensor) -> tf.Tensor:
        """Of each label, [B, L]."""


class TrainedEncoder:
    """By the encoder of a run."""

    def __init__(self, encoder: Encoder, representation: Representation) -> None:
        self._encoder, self._representation = encoder, representation

    def latent(self, waveform: tf.Tensor) -> tf.Tensor:
        """Run the network."""
        return self._encoder(self._representation.encode(waveform))[0]

    def probabilities(self, waveform: tf.Tensor) -> tf.Tensor:
        """Run the network."""
        return tf.nn.softmax(self._encoder(self._representation.encode(waveform))[1])
