"""The operation `decode`: features, as an array or as a picture, to sound. Knows no transport."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from service.audio_files import check_rate
from service.contract import Contract
from service.definition import ITERATIONS, MelDefinition, strangers
from service.engine import Engine
from service.errors import Invalid
from service.grey_picture import read_grey
from service.griffin_lim import NAME, GriffinLim
from service.inputs import check_count, check_seconds, feature_batch
from service.made import Made
from service.metrics import Call
from service.requests import DecodeRequest, ModelRequest
from service.running import FloatArray, Running
from service.settings import Settings


@dataclass(frozen=True)
class _Ready:
    """What a model is to compute, and what is doubtful about it."""

    model: Engine
    features: FloatArray  # as the model's `decode` takes them
    doubts: tuple[str, ...]


def addressed(request: ModelRequest) -> ModelRequest:
    """Return a request that names its model: a definition without one means griffin-lim."""
    if isinstance(request, DecodeRequest) and request.definition is not None and not request.model:
        return request.model_copy(update={"model": NAME})
    return request


async def decode(running: Running, settings: Settings, call: Call, request: DecodeRequest) -> Made:
    """Make features audible.

    Returns: values [count, samples], and what is doubtful about the features. Raises: Failure; whatever is too large,
    before the model does any work.
    """
    engine = await running.engine(call, addressed(request), "decode")
    if isinstance(engine, GriffinLim):
        ready = await running.in_thread(call, lambda: _of_definition(engine, settings, request))
    elif request.picture is not None:
        ready = await running.in_thread(call, lambda: _of_model(engine, settings, request))
    else:
        ready = _of_model(engine, settings, request)
    values = await running.run(call, ready.model, "decode", {"features": ready.features})
    made = Made(ready.model.contract, values, warnings=ready.doubts)
    return _levelled(made, request.peak) if isinstance(engine, GriffinLim) else made


def _of_model(model: Engine, settings: Settings, request: DecodeRequest) -> _Ready:
    """Check features of a model's own definition."""
    contract = model.contract
    for name in ("definition", "iterations", "peak"):
        if getattr(request, name) is not None:
            words = f"model {contract.name!r} decodes its own features in its own way; it is for model {NAME!r}"
            raise Invalid(f"{name}: {words}", field=name)
    features = _checked(contract, settings, request, _given(request))
    return _Ready(model, features, tuple(doubts(contract, features)))


def _of_definition(model: GriffinLim, settings: Settings, request: DecodeRequest) -> _Ready:
    """Check features of the request's own definition, and give their values its meaning."""
    given = _given(request)
    if given.ndim not in (2, 3) or not given.size:
        raise Invalid(f"features: [count, frames, bands] is wanted, not {list(given.shape)}", field="features")
    definition = (request.definition or MelDefinition()).of_bands(given.shape[-1])
    defined = model.defined(definition, ITERATIONS if request.iterations is None else request.iterations)
    features = _checked(defined.contract, settings, request, given)
    defined.check_size(*features.shape[:2])
    return _Ready(defined, definition.linear(features), tuple(definition.doubts(features)))


def _given(request: DecodeRequest) -> FloatArray:
    """Return the features that came, whatever their form."""
    if request.features is not None:
        return request.features
    if request.picture is None:
        raise Invalid("features: required, as an array or as a picture", field="features")
    grey = read_grey(request.picture)
    scale = grey.scale if request.black is None or request.white is None else (request.black, request.white)
    if scale is None:
        raise Invalid("black: the picture does not say what black and white stand for; state both", field="black")
    if scale[0] == scale[1]:
        raise Invalid(f"black: black and white both stand for {scale[0]:g}", field="black")
    rows = grey.levels[::-1] if request.low == "bottom" else grey.levels
    return np.asarray(scale[0] + rows.T * (scale[1] - scale[0]), np.float32)


def _checked(contract: Contract, settings: Settings, request: DecodeRequest, given: FloatArray) -> FloatArray:
    """Return features as a batch within the limits."""
    check_rate(request.format, contract.audio.sample_rate_hz)
    features = feature_batch(contract, given)
    check_count(len(features), "features", settings.max_count)
    check_seconds(contract, len(features) * contract.samples(features.shape[1]), "features", settings.max_seconds)
    return features


def doubts(contract: Contract, features: FloatArray) -> list[str]:
    """Return what is doubtful about features [..., T, M(, C)] of a model: values that it has not seen."""
    assert contract.features is not None
    low, high = contract.features.known_range
    if outside := strangers(features, low, high):
        return [f"features: {outside}, of which the model has seen {low:g} to {high:g} only"]
    return []


def _levelled(made: Made, peak: float | None) -> Made:
    """Bring each clip to the peak that was asked for, or into [-1, 1]."""
    peaks = np.abs(made.values).max(axis=1, keepdims=True)
    if peak is not None:
        return replace(made, values=made.values * (peak / np.maximum(peaks, 1e-12)).astype(np.float32))
    if (most := float(peaks.max())) <= 1.0:
        return made
    words = f"the sound reaches {most:.3g} and is clipped to 1; ask for a peak, or look at log, power and scale"
    return replace(made, values=np.clip(made.values, -1.0, 1.0), warnings=(*made.warnings, words))
