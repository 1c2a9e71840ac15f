"""InceptionV3 on pictures of sound: the embedding of the seed's report and of much of the literature."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from trainer.autodiff import compiled
from trainer.corpus.store import PreparedCorpus
from trainer.errors import LatentoneError
from trainer.evaluation.front import Front, fitted_db_max

Tensor = Any
SIDE = 299  # pixels, as InceptionV3 was trained
BATCH = 16


class Inception:
    """Keras' InceptionV3 (ImageNet weights), average-pooled, on log-mel pictures brought to 299 x 299.

    It knows photographs, not sound: for comparison with published figures, not for choosing between models.
    The weights are downloaded by Keras the first time, and only because somebody asked for this embedding.
    Source: Heusel et al. 2017, with Keras' weights, so figures differ from those of the original's graph.
    Raises: LatentoneError where the weights are not on this machine and can't be downloaded.
    """

    name = "inception"
    size = 2048

    def __init__(self, corpus: PreparedCorpus, report: Callable[[str], None]) -> None:
        self.front = Front(corpus.audio, fitted_db_max(corpus))
        report("InceptionV3: weights (92 MB) are downloaded by Keras unless they are in its cache, ~/.keras")
        try:
            self.network = keras.applications.InceptionV3(include_top=False, weights="imagenet", pooling="avg")
        except Exception as error:  # Keras passes on whatever its download raised
            raise LatentoneError(
                f"--embedding inception: Keras can't get its weights ({error}). Copy them into ~/.keras/models from a "
                "machine with a network, or use --embedding log-mel, which needs none"
            ) from error
        weights = b"".join(np.ascontiguousarray(part).tobytes() for part in self.network.get_weights()[:8])
        self.digest = hashlib.blake2b(weights, digest_size=6).hexdigest()
        self._run = compiled(self._forward)

    def _forward(self, waveforms: Tensor) -> Tensor:
        pictures = ops.expand_dims(ops.swapaxes(self.front(waveforms), 1, 2), -1)
        resized = ops.image.resize(pictures, (SIDE, SIDE), interpolation="bilinear")
        return self.network(ops.repeat(resized, 3, axis=-1), training=False)

    def __call__(self, waveforms: NDArray[np.float32]) -> NDArray[np.float32]:
        """Waveforms [B, S] to embeddings [B, 2048]."""
        parts = [self._run(waveforms[start : start + BATCH]) for start in range(0, len(waveforms), BATCH)]
        return np.concatenate([np.asarray(part) for part in parts])
