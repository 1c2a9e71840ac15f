"""Predict: a signature of a model on tensors, which is what the protocols of other servers ask for.

Whoever reads tensors from a message checks their names and shapes here before they cost memory. Knows no transport.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.contract import Contract, Signature, TensorSpec
from service.engine import Engine
from service.errors import Invalid, NoSignature
from service.inputs import check_count, check_seconds, feature_batch, latent_batch
from service.metrics import Call
from service.running import FloatArray, Inputs, Running
from service.settings import Settings

DEFAULT_SIGNATURE = "serving_default"


def signatures(contract: Contract) -> dict[str, Signature]:
    """Return the signatures by name, the default one first."""
    first = {name: contract.signatures[name] for name in contract.operations if name in contract.signatures}
    return {**first, **contract.signatures}


def signature_name(contract: Contract, name: str) -> str:
    """Return the name in the contract of the signature that a request names.

    name: empty or `serving_default` for `generate` or, where the model is no generator, `decode`.
    Raises: NoSignature.
    """
    known = signatures(contract)
    if name in ("", DEFAULT_SIGNATURE):
        return next(iter(known))
    if name not in known:
        has = ", ".join([DEFAULT_SIGNATURE, *known])
        raise NoSignature(f'Serving signature key "{name}" not found. Model {contract.name!r} has {has}.')
    return name


def check_names(signature: Signature, names: Collection[str]) -> None:
    """Hold the names of the tensors that came to the signature.

    Raises: Invalid, in TensorFlow Serving's words.
    """
    sent, wanted = set(names), set(signature.inputs)
    if sent == wanted and len(sent) == len(names):
        return
    raise Invalid(
        f"input size does not match signature: {len(names)}!={len(wanted)} len({{{_listed(names)}}}) != "
        f"len({{{_listed(wanted)}}}). Sent extra: {{{_listed(sent - wanted)}}}. "
        f"Missing but required: {{{_listed(wanted - sent)}}}.",
        field="inputs",
    )


def check_outputs(signature: Signature, names: Sequence[str]) -> None:
    """Hold the names of the tensors that are wanted back to the signature.

    Raises: Invalid, in TensorFlow Serving's words.
    """
    for name in names:
        if name not in signature.outputs:
            known = f"Outputs expected to be in the set {{{_listed(signature.outputs)}}}."
            raise Invalid(f"output tensor alias not found in signature: {name} {known}", field="outputs")
        if names.count(name) > 1:
            raise Invalid(f"duplicate output tensor alias: {name}", field="outputs")


def check_shape(name: str, spec: TensorSpec, shape: Sequence[int]) -> None:
    """Hold the shape of a tensor to the signature: axes, fixed lengths, and no empty ones.

    Raises: Invalid.
    """
    fits = len(shape) == len(spec.shape) and all(
        length >= 1 and wanted in (None, length) for wanted, length in zip(spec.shape, shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("-1" if length is None else str(length) for length in spec.shape)
        raise Invalid(f"{name}: the signature takes [{wanted}], not [{', '.join(map(str, shape))}]", field=name)


async def predict(
    running: Running, settings: Settings, call: Call, *, engine: Engine, signature: str, inputs: Inputs
) -> FloatArray:
    """Compute a signature, named as the contract names it.

    inputs: arrays [B, ...] by name. Returns: the signature's only output, [B, ...]. Raises: Failure.
    """
    contract = engine.contract
    spec = contract.signatures[signature]
    check_names(spec, inputs)
    for name, array in inputs.items():
        _check_array(name, spec.inputs[name], array)
    _check_count(inputs, settings.max_count)
    _check_meaning(contract, inputs, settings.max_seconds)
    values = await running.run(call, engine, signature, inputs)
    if "waveform" in spec.outputs:
        seconds = values.shape[0] * values.shape[1] / contract.audio.sample_rate_hz
        call.metrics.audio_seconds.labels(call.model).inc(seconds)
    return values


def _check_array(name: str, spec: TensorSpec, array: NDArray[Any]) -> None:
    if array.dtype != spec.dtype:
        raise Invalid(f"{name}: the signature takes {spec.dtype}, not {array.dtype}", field=name)
    check_shape(name, spec, array.shape)
    if not np.isfinite(array).all():
        raise Invalid(f"{name}: must be finite; there is NaN or infinity in it", field=name)


def _check_count(inputs: Inputs, most: int) -> None:
    counts = {name: len(array) for name, array in inputs.items()}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{name} has {count}" for name, count in counts.items())
        raise Invalid(f"inputs must have equal 0th-dimension size: {told}", field="inputs")
    name, count = next(iter(counts.items()))
    check_count(count, name, most)


def _check_meaning(contract: Contract, inputs: Inputs, most_seconds: float) -> None:
    """Check what a shape alone does not say: labels that there are, whole frames, and how long the sound is."""
    if "latent" in inputs and contract.latent is not None:
        latent_batch(contract, inputs["latent"])
    if "label" in inputs:
        _check_labels(contract, inputs["label"])
    if contract.features is None:
        return
    if "features" in inputs:
        features = feature_batch(contract, inputs["features"])
        check_seconds(contract, len(features) * contract.samples(features.shape[1]), "features", most_seconds)
    if "waveform" in inputs:
        items, samples = inputs["waveform"].shape[:2]
        check_seconds(contract, items * samples, "waveform", most_seconds)
        hop = contract.features.hop_samples
        if samples != contract.samples(-(-samples // hop)):
            wanted = f"whole hops of {hop}" if contract.features.shape[0] is None else str(contract.audio.clip_samples)
            raise Invalid(f"waveform: the model takes {wanted} samples, not {samples}", field="waveform")


def _check_labels(contract: Contract, labels: NDArray[Any]) -> None:
    most = len(contract.labels)
    strangers = labels[(labels < 0) | (labels >= most)]
    if strangers.size:
        raise Invalid(f"label: model {contract.name!r} has labels 0 to {most - 1}, not {strangers[0]}", field="label")


def _listed(names: Collection[str]) -> str:
    return ",".join(sorted(names))
