"""Any SavedModel as an embedding: waveforms in, vectors out."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainer.errors import LatentoneError


class SavedModelEmbedding:
    """The `serving_default` of a SavedModel that takes float32 [B, S] and gives float [B, E].

    Raises: LatentoneError naming what its signature is where it is another.
    """

    def __init__(self, folder: Path, clip_samples: int) -> None:
        import tensorflow as tf

        self.name = folder.resolve().name
        try:
            self._loaded = tf.saved_model.load(str(folder))  # kept: the variables live as long as it does
            self._run = self._loaded.signatures["serving_default"]
        except Exception as error:  # TensorFlow raises whatever its layers raise
            raise LatentoneError(f"--embedding {folder}: TensorFlow can't load it as a SavedModel: {error}") from error
        self._constant = tf.constant
        self._input = self._argument(folder)
        self._output = next(iter(self._run.structured_outputs))
        self.size = int(self._call(np.zeros((1, clip_samples), "float32"), folder).shape[-1])
        self.digest = hashlib.blake2b((folder / "saved_model.pb").read_bytes(), digest_size=6).hexdigest()

    def _argument(self, folder: Path) -> str:
        inputs = self._run.structured_input_signature[1]
        fits = len(inputs) == 1 and all(
            spec.dtype.name == "float32" and len(spec.shape) == 2 for spec in inputs.values()
        )
        if not fits or len(self._run.structured_outputs) != 1:
            given = {name: f"{spec.dtype.name} {spec.shape}" for name, spec in inputs.items()}
            raise LatentoneError(
                f"--embedding {folder}: serving_default must take one float32 [B, S] and give one [B, E]; it takes "
                f"{given} and gives {list(self._run.structured_outputs)}"
            )
        return str(next(iter(inputs)))

    def _call(self, waveforms: NDArray[np.float32], folder: Path) -> NDArray[np.float32]:
        try:
            vectors = self(waveforms)
        except Exception as error:
            samples = waveforms.shape[1]
            raise LatentoneError(
                f"--embedding {folder}: it does not take clips of {samples} samples: {error}"
            ) from error
        if vectors.ndim != 2:
            raise LatentoneError(f"--embedding {folder}: it gives {vectors.shape} for one clip, not [1, E]")
        return vectors

    def __call__(self, waveforms: NDArray[np.float32]) -> NDArray[np.float32]:
        """Waveforms [B, S] to embeddings [B, E]."""
        result = self._run(**{self._input: self._constant(waveforms)})[self._output]
        return np.asarray(result.numpy(), "float32")
