"""The operations that begin from sounds: vary, and interpolate between seeds and sounds. Knows no transport."""

from __future__ import annotations

import secrets

import numpy as np
from numpy.typing import NDArray

from service import latents
from service.audio_files import read_audio
from service.contract import Contract
from service.engine import Engine
from service.errors import Invalid
from service.inputs import label_names, wanted_labels
from service.made import Made, Varied
from service.metrics import Call
from service.requests import InterpolateRequest, LabelledRequest, VaryRequest
from service.running import FloatArray, Running, generator_inputs
from service.settings import Settings

Labels = NDArray[np.int32]


async def vary(
    running: Running, settings: Settings, call: Call, engine: Engine, request: VaryRequest, *, count: int
) -> Varied:
    """Make sounds that are like a sound: from latents at a distance from the sound's own.

    Returns: values [count, samples(, 2)]. Raises: Failure.
    """
    contract = engine.contract
    check_encoder(contract)
    assert contract.latent is not None
    clip, seconds = await _clip(running, settings, call, contract, request.audio)
    centres, heard = await _encoded(running, call, engine, clip[np.newaxis])
    seed = secrets.randbits(32) if request.seed is None else request.seed
    size, distribution = contract.latent.size, contract.latent.distribution
    noise = latents.draw(seed, count=count, size=size, distribution=distribution)
    points = latents.around(centres[0], noise, distance=request.distance, distribution=distribution)
    labels = _labels(contract, request, heard, [seed] * count)
    values = await running.run(call, engine, "generate", generator_inputs(contract, points, labels))
    return Varied(
        contract,
        values,
        (seed,),
        label_names(contract, labels),
        distance=request.distance,
        sound_seconds=seconds,
        heard_seconds=min(seconds, contract.audio.clip_samples / contract.audio.sample_rate_hz),
    )


async def interpolate(
    running: Running, settings: Settings, call: Call, engine: Engine, request: InterpolateRequest, *, steps: int
) -> Made:
    """Make clips along a path, through sounds and then through seeds.

    Returns: values [steps, samples(, 2)]. Raises: Failure.
    """
    contract = engine.contract
    assert contract.latent is not None
    size, distribution = contract.latent.size, contract.latent.distribution
    stations = [latents.draw(seed, count=1, size=size, distribution=distribution)[0] for seed in request.seeds]
    heard: Labels | None = None
    if request.sounds:
        check_encoder(contract)
        clips = [(await _clip(running, settings, call, contract, sound))[0] for sound in request.sounds]
        encoded, heard = await _encoded(running, call, engine, np.stack(clips))
        stations = [*encoded, *stations]
    points = latents.path(np.stack(stations), steps=steps, distribution=distribution)
    labels = _labels(contract, request, heard, request.seeds[:1] * steps or [0] * steps)
    values = await running.run(call, engine, "generate", generator_inputs(contract, points, labels))
    return Made(contract, values, tuple(request.seeds), label_names(contract, labels), sounds=len(request.sounds))


def check_encoder(contract: Contract) -> None:
    """Raise Invalid where a model has no way from a sound to its latent."""
    if "encode" not in contract.signatures:
        raise Invalid(
            f"model {contract.name!r} has no encoder, so it takes no sounds: train one with "
            "`python -m trainer encode RUN` and export the run again",
            field="model",
        )


async def _clip(
    running: Running, settings: Settings, call: Call, contract: Contract, sound: bytes
) -> tuple[FloatArray, float]:
    """Return a sound file as a clip of the model's length, cut or followed by silence, and how long it was."""
    audio = contract.audio

    def read() -> FloatArray:
        most = settings.max_seconds
        return read_audio(sound, sample_rate_hz=audio.sample_rate_hz, most_seconds=most, channels=audio.channels)

    waveform = await running.in_thread(call, read)
    clip = np.zeros(audio.clip_shape, np.float32)
    heard = waveform[: audio.clip_samples]
    clip[: len(heard)] = np.clip(heard, -1.0, 1.0)
    return clip, len(waveform) / audio.sample_rate_hz


async def _encoded(running: Running, call: Call, engine: Engine, clips: FloatArray) -> tuple[FloatArray, Labels | None]:
    """Return latents [B, Z] of clips [B, S(, 2)], and the label [B] that each sounds like, where there are labels."""
    found = await running.run(call, engine, "encode", {"waveform": clips})
    if not engine.contract.labels:
        return found, None
    probabilities = await running.run(call, engine, "classify", {"waveform": clips})
    return found, probabilities.argmax(axis=1).astype(np.int32)


def _labels(contract: Contract, request: LabelledRequest, heard: Labels | None, seeds: list[int]) -> Labels:
    """Return the label of each item: the one asked for, else the first sound's, else those of the seeds."""
    wanted = wanted_labels(contract, request, seeds)
    is_open = not request.label and request.pitch is None
    return np.full_like(wanted, heard[0]) if is_open and heard is not None else wanted
