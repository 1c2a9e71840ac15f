"""From a checked request to the arrays that a model's signatures take."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from service.contract import Contract
from service.errors import Invalid

FloatArray = NDArray[np.float32]
Labels = NDArray[np.int32]


def label_indices(contract: Contract, label: str, seeds: Sequence[int]) -> Labels:
    """Return the label of each item: the one asked for or, where none was, (seed + item) modulo their number.

    label: a name, or an index where no label has that name; empty for none.
    seeds: seed + item, for each item.
    Returns: int32 [B]. Raises: Invalid for a label that the model does not have.
    """
    names = contract.labels
    if not label:
        return np.array([seed % max(len(names), 1) for seed in seeds], np.int32)
    if not names:
        raise Invalid(f"label: model {contract.name!r} has no labels", field="label")
    if label in names:
        return np.full(len(seeds), names.index(label), np.int32)
    if label.isascii() and label.isdigit() and int(label) < len(names):
        return np.full(len(seeds), int(label), np.int32)
    shown = ", ".join(names[:20]) + (" ..." if len(names) > 20 else "")
    raise Invalid(f"label: model {contract.name!r} has no label {label!r}; known: {shown}", field="label")


def label_names(contract: Contract, indices: Labels) -> tuple[str, ...]:
    """Return the name of each item's label; nothing where the model has none."""
    return tuple(contract.labels[index] for index in indices) if contract.labels else ()


def latent_batch(contract: Contract, latents: FloatArray) -> FloatArray:
    """Return latents as a batch [B, size], one latent [size] as a batch of one.

    Raises: Invalid for any other shape.
    """
    assert contract.latent is not None
    size = contract.latent.size
    if latents.ndim == 1:
        latents = latents[np.newaxis]
    if latents.ndim != 2 or latents.shape[1] != size or not len(latents):
        raise Invalid(f"latents: the model wants [count, {size}], not {list(latents.shape)}", field="latents")
    return latents


def feature_batch(contract: Contract, features: FloatArray) -> FloatArray:
    """Return features as a batch [B, frames, bands], one item [frames, bands] as a batch of one.

    Raises: Invalid for any other shape.
    """
    assert contract.features is not None
    frames, bands = contract.features.shape
    wanted = f"[count, {frames or 'frames'}, {bands}]"
    if features.ndim == 2:
        features = features[np.newaxis]
    fits = features.ndim == 3 and features.shape[2] == bands and frames in (None, features.shape[1])
    if not fits or not features.size:
        raise Invalid(f"features: the model wants {wanted}, not {list(features.shape)}", field="features")
    return features


def whole_frames(contract: Contract, waveform: FloatArray) -> FloatArray:
    """Return a sound [samples] that the model can analyse: silence added up to a whole frame, or to a whole
    clip where the model takes no other length.

    Raises: Invalid where it is longer than the only length that the model takes.
    """
    assert contract.features is not None
    hop, (frames, _) = contract.features.hop_samples, contract.features.shape
    wanted = -(-len(waveform) // hop) * hop if frames is None else contract.audio.clip_samples
    if len(waveform) > wanted:
        raise Invalid(f"audio: the model takes at most {wanted} samples, {len(waveform)} came", field="audio")
    return np.pad(waveform, (0, wanted - len(waveform)))
