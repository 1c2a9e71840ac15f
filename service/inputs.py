"""From a checked request to the arrays that a model's signatures take."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from service.contract import Contract
from service.errors import Invalid, TooLarge
from service.requests import LabelledRequest

FloatArray = NDArray[np.float32]
Labels = NDArray[np.int32]


def wanted_labels(contract: Contract, request: LabelledRequest, seeds: Sequence[int]) -> Labels:
    """Return the label of each item, by the request's label or pitch.

    seeds: seed + item, for each item.
    Returns: int32 [B]. Raises: Invalid for a label or a pitch that the model does not have.
    """
    if request.pitch is None:
        return label_indices(contract, request.label, seeds)
    return np.full(len(seeds), pitch_index(contract, request.pitch), np.int32)


def pitch_index(contract: Contract, pitch: float) -> int:
    """Return the label that stands for a MIDI pitch.

    Raises: Invalid for a pitch that the model does not have, and for a model without pitches.
    """
    pitches = contract.pitches
    if pitches is None:
        raise Invalid(f"pitch: model {contract.name!r} has no pitches; ask for a label", field="pitch")
    if pitch in pitches:
        return pitches.index(pitch)
    nearest = min(pitches, key=lambda known: (abs(known - pitch), known))
    raise Invalid(
        f"pitch: model {contract.name!r} has no pitch {pitch:g}; it has {min(pitches):g} to {max(pitches):g}, "
        f"the nearest is {nearest:g}",
        field="pitch",
    )


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


def check_count(count: int, name: str, most: int) -> int:
    """Return the number of items of a request, which the field `name` says.

    Raises: Invalid for more than `most`.
    """
    if count > most:
        raise Invalid(f"{name}: at most {most} items a request", field=name)
    return count


def check_seconds(contract: Contract, samples: int, name: str, most: float) -> None:
    """Hold the sound that the field `name` holds or makes, `samples` in all, to `most` seconds.

    Raises: TooLarge.
    """
    seconds = samples / contract.audio.sample_rate_hz
    if seconds > most:
        raise TooLarge(f"{name}: {seconds:.1f} seconds of sound; at most {most:g} a request", field=name)


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
    """Return features as a batch [B, frames, bands(, channels)], one item without a batch as a batch of one.

    Raises: Invalid for any other shape.
    """
    assert contract.features is not None
    frames, *frame = contract.features.shape
    batch = features[np.newaxis] if features.ndim == 1 + len(frame) else features
    fits = batch.ndim == 2 + len(frame) and list(batch.shape[2:]) == frame and frames in (None, batch.shape[1])
    if not fits or not batch.size:
        wanted = ", ".join(map(str, ["count", frames or "frames", *frame]))
        raise Invalid(f"features: the model wants [{wanted}], not {list(features.shape)}", field="features")
    return batch


def whole_frames(contract: Contract, waveform: FloatArray) -> FloatArray:
    """Return a sound [samples(, channels)] that the model can analyse: silence added up to a whole frame, or to
    a whole clip where the model takes no other length.

    Raises: Invalid where it is longer than the only length that the model takes.
    """
    assert contract.features is not None
    wanted = contract.samples(-(-len(waveform) // contract.features.hop_samples))
    if len(waveform) > wanted:
        limit = f"at most {wanted} samples ({wanted / contract.audio.sample_rate_hz:g} seconds)"
        raise Invalid(f"audio: the model takes {limit}, {len(waveform)} came", field="audio")
    return np.pad(waveform, [(0, wanted - len(waveform)), *[(0, 0)] * (waveform.ndim - 1)])
