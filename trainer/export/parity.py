"""The exported file must compute what the trained network computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from trainer.architectures.networks import Generator
from trainer.architectures.vocoder import Vocoder
from trainer.autodiff import compiled
from trainer.draws import latents
from trainer.errors import LatentoneError
from trainer.export.graph import chain, per_item
from trainer.export.loaded import LoadedGenerator
from trainer.export.waveform_encoder import WaveformEncoder
from trainer.randomness import generator_at
from trainer.representations.representation import Representation

Arrays = dict[str, Any]
TOLERANCE = 1e-4
ITEMS = 4


class ParityError(LatentoneError):
    """The exported graph differs from the network that was trained."""


def check_parity(
    folder: Path,
    generator: Generator | LoadedGenerator,
    representation: Representation,
    waveform_encoder: WaveformEncoder | None = None,
) -> dict[str, float]:
    """Load the SavedModel and compare each signature with the networks in memory.

    Returns: the largest absolute difference of each signature.
    Raises: ParityError where one passes 1e-4.
    """
    inputs = example_inputs(generator, ITEMS)
    generate = compiled(lambda *given: per_item(lambda *item: chain(generator, representation, *item), *given))
    expected = {"generate": (inputs, {"waveform": generate(*inputs.values())})}
    if representation.describe() is not None:
        expected |= _stages(generator, representation, inputs)
    if waveform_encoder is not None:
        expected |= _back(waveform_encoder, generator.label_count, expected["generate"][1]["waveform"])
    return _compare(folder, expected)


def check_vocoder_parity(folder: Path, vocoder: Vocoder, representation: Representation) -> dict[str, float]:
    """Load the SavedModel and compare each signature with the vocoder in memory, on noise and on silence.

    Returns and raises: as `check_parity`.
    """
    clips = generator_at(0, 0).uniform(-0.5, 0.5, (ITEMS, representation.audio.clip_samples)).astype("float32")
    clips[0] = 0.0
    features = compiled(lambda given: per_item(representation.encode, given))(clips)
    waveform = compiled(lambda given: per_item(vocoder, given))(features)
    return _compare(
        folder,
        {
            "analyse": ({"waveform": clips}, {"features": features}),
            "decode": ({"features": features}, {"waveform": waveform}),
        },
    )


def _compare(folder: Path, expected: dict[str, tuple[Arrays, Arrays]]) -> dict[str, float]:
    """The largest difference of each signature from (inputs, wanted results)."""
    signatures = tf.saved_model.load(str(folder)).signatures
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


def _stages(
    generator: Generator | LoadedGenerator, representation: Representation, inputs: Arrays
) -> dict[str, tuple[Arrays, Arrays]]:
    """Inputs and results of sample, decode and analyse.

    Item by item as in the export: Griffin-Lim amplifies the last bits in which two batch sizes differ.
    """
    sample = compiled(lambda *given: per_item(generator, *given))
    declared = tf.TensorSpec([None, *representation.free_shape])  # as exported: a fixed length is folded otherwise
    decode = tf.function(lambda given: per_item(representation.decode, given), input_signature=[declared])
    encode = compiled(lambda given: per_item(representation.encode, given))
    features = sample(*inputs.values())
    waveform = decode(features)
    return {
        "sample": (inputs, {"features": features}),
        "decode": ({"features": features}, {"waveform": waveform}),
        "analyse": ({"waveform": waveform}, {"features": encode(waveform)}),
    }


def _back(waveform_encoder: WaveformEncoder, label_count: int, waveform: Any) -> dict[str, tuple[Arrays, Arrays]]:
    """Inputs and results of encode and, where there are labels, classify."""
    given = {"waveform": waveform}
    latent = compiled(lambda given: per_item(waveform_encoder.latent, given))
    expected: dict[str, tuple[Arrays, Arrays]] = {"encode": (given, {"latent": latent(waveform)})}
    if label_count:
        classes = compiled(lambda given: per_item(waveform_encoder.probabilities, given))
        expected["classify"] = (given, {"probabilities": classes(waveform)})
    return expected


def example_inputs(generator: Generator | LoadedGenerator, count: int) -> Arrays:
    """Latents (and labels in turn) for checks and warm-up."""
    shape = (count, generator.latent_size)
    inputs: Arrays = {"latent": latents(generator.latent_distribution, shape, generator_at(0, 0))}
    if generator.label_count:
        inputs["label"] = (np.arange(count) % generator.label_count).astype("int32")
    return inputs
