"""The exported file must compute what the trained network computes."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from trainer.autodiff import compiled
from trainer.config import LatentoneError
from trainer.export.graph import chain, per_item
from trainer.randomness import generator_at
from trainer.representations.log_mel import LogMel

TOLERANCE = 1e-4
ITEMS = 4


class ParityError(LatentoneError):
    """The exported graph differs from the network that was trained."""


def check_parity(folder: Path, generator: keras.Model, representation: LogMel, latent_size: int) -> dict[str, float]:
    """Load the SavedModel and compare each signature with the network in memory.

    Returns: the largest absolute difference of each signature.
    Raises: ParityError where one passes 1e-4.
    """
    signatures = tf.saved_model.load(str(folder)).signatures
    inputs = example_inputs(latent_size, generator.label_count, ITEMS)
    # Item by item as in the export: Griffin-Lim amplifies the last bits in which two batch sizes differ.
    sample = compiled(lambda *given: per_item(generator, *given))
    free = tf.TensorSpec([None, None, representation.shape[1]])  # as exported: a fixed length is folded otherwise
    decode = tf.function(lambda given: per_item(representation.decode, given), input_signature=[free])
    encode = compiled(lambda given: per_item(representation.encode, given))
    generate = compiled(lambda *given: per_item(lambda *item: chain(generator, representation, *item), *given))
    features = sample(*inputs.values())
    waveform = decode(features)
    expected = {
        "generate": (inputs, {"waveform": generate(*inputs.values())}),
        "sample": (inputs, {"features": features}),
        "decode": ({"features": features}, {"waveform": waveform}),
        "analyse": ({"waveform": waveform}, {"features": encode(waveform)}),
    }
    differences = {}
    for name, (given, wanted) in expected.items():
        results = signatures[name](**{key: tf.constant(value) for key, value in given.items()})
        differences[name] = max(
            float(np.abs(results[key].numpy() - np.asarray(value)).max()) for key, value in wanted.items()
        )
    worst = max(differences, key=lambda name: differences[name])
    if not differences[worst] <= TOLERANCE:
        raise ParityError(
            f"signature {worst} differs from the network by {differences[worst]:.2e}, more than {TOLERANCE}"
        )
    return differences


def example_inputs(latent_size: int, label_count: int, count: int) -> dict[str, np.ndarray]:
    """Latents (and labels in turn) for checks and warm-up."""
    inputs: dict[str, np.ndarray] = {
        "latent": generator_at(0, 0).standard_normal((count, latent_size), dtype="float32")
    }
    if label_count:
        inputs["label"] = (np.arange(count) % label_count).astype("int32")
    return inputs
