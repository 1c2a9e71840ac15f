"""Networks of exported models: a signature in the place of a network with weights of its own. Runs under TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow as tf

from trainer.export.digests import verified_contract


class _Loaded:
    """A SavedModel that stays in memory with its signature; it was folded when it was exported."""

    def __init__(self, folder: Path, signature: str) -> None:
        self.contract = verified_contract(folder)
        self._model = tf.saved_model.load(str(folder))
        self._signature = self._model.signatures[signature]

    def fold(self) -> None:
        """Nothing is left to fold."""


class LoadedGenerator(_Loaded):
    """Latent [B, Z] and label to features [B, *features_shape], by signature `sample`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "sample")
        latent = self.contract["latent"]
        self.latent_size: int = latent["size"]
        self.latent_distribution: Any = latent["distribution"]
        self.label_count = len(self.contract["labels"])

    def __call__(self, latent: tf.Tensor, label: tf.Tensor | None = None) -> tf.Tensor:
        """Run the network."""
        given = {"latent": latent} | ({} if label is None else {"label": label})
        return self._signature(**given)["features"]


class LoadedEncoder(_Loaded):
    """Clips back to latent and label, by signatures `encode` and `classify`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "encode")

    def latent(self, waveform: tf.Tensor) -> tf.Tensor:
        """Run the network."""
        return self._signature(waveform=waveform)["latent"]

    def probabilities(self, waveform: tf.Tensor) -> tf.Tensor:
        """Run the network."""
        return self._model.signatures["classify"](waveform=waveform)["probabilities"]


class LoadedVocoder(_Loaded):
    """Features [B, T, M] to sound [B, T * hop], by signature `decode`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "decode")

    def __call__(self, features: tf.Tensor) -> tf.Tensor:
        """Run the network."""
        return self._signature(features=features)["waveform"]
