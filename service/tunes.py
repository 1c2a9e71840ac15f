"""The operation `render`: a MIDI file and a model whose labels stand for pitches give a tune. Knows no transport."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from service.audio_files import check_rate
from service.casting import Cast, Part, Seeds, cast
from service.contract import Contract
from service.errors import Invalid, TooLarge
from service.latents import Walk
from service.made import Tune
from service.metrics import Call
from service.midi import read_midi
from service.render import Articulation, Mix
from service.requests import RenderRequest
from service.running import FloatArray, Inputs, Running, generator_inputs
from service.settings import Settings

Watch = Callable[[int, int], object]  # notes done, notes in all


def nobody(_done: int, _all: int) -> None:
    """Watch nothing."""


async def render(running: Running, settings: Settings, call: Call, request: RenderRequest, watch: Watch) -> Tune:
    """Play a MIDI file.

    Notes go through the batcher a batch at a time, behind whoever waits, and into the mix as they come: a tune takes
    the memory of its own sound and of one batch. watch: told of every batch.
    Returns: values [1, samples(, 2)]. Raises: Failure; whatever is too large, before the model does any work.
    """
    engine = await running.engine(call, request, "generate")
    contract = engine.contract
    check_rate(request.format, contract.audio.sample_rate_hz)
    with call.stage("parse"):
        plan = await running.in_thread(call, lambda: _plan(contract, settings, request))
    parts, size = plan.cast.parts, min(settings.max_batch, settings.queue_limit)
    for start in range(0, len(parts), size):
        some = parts[start : start + size]
        inputs = await running.in_thread(call, partial(plan.inputs, some))
        run = running.run_patiently if start else running.run
        clips = await run(call, engine, "generate", inputs)
        with call.stage("mix"):
            await running.in_thread(call, partial(plan.add, some, clips))
        watch(start + len(some), len(parts))
    with call.stage("mix"):
        waveform = await running.in_thread(call, plan.mix.waveform)
    return Tune(contract, waveform[np.newaxis], (plan.seeds.seed,), account=plan.cast)


@dataclass(frozen=True)
class _Plan:
    """What is to be played, and the mix that it goes into."""

    contract: Contract
    cast: Cast
    seeds: Seeds
    walks: dict[int, Walk]  # by seed
    latent_seconds: float
    mix: Mix

    def inputs(self, parts: list[Part]) -> Inputs:
        """Return the latents and labels of notes: each latent is where its seed's walk stands at the onset."""
        places = [(self.walks[part.seed], part.note.onset_seconds / self.latent_seconds) for part in parts]
        points = np.stack([walk.at(place) for walk, place in places])
        return generator_inputs(self.contract, points, np.array([part.label for part in parts], np.int32))

    def add(self, parts: list[Part], clips: FloatArray) -> None:
        """Mix notes in."""
        for part, clip in zip(parts, clips, strict=True):
            self.mix.add(part.note, clip)


def _plan(contract: Contract, settings: Settings, request: RenderRequest) -> _Plan:
    """Read the file, give its notes to labels and hold the sizes to the limits; slow for large files."""
    if contract.pitches is None:
        raise Invalid(f"model {contract.name!r} can't play notes: its labels stand for no pitches", field="model")
    seed = secrets.randbits(32) if request.seed is None else request.seed
    seeds = Seeds(seed=seed, programs=request.programs, channels=request.channels)
    done = cast(
        read_midi(request.midi),
        contract.pitches,
        seeds,
        out_of_range=request.out_of_range,
        percussion=request.percussion,
    )
    _check_notes(contract, settings, done)
    articulation = Articulation(
        sample_rate_hz=contract.audio.sample_rate_hz,
        clip_samples=contract.audio.clip_samples,
        attack_seconds=request.attack_seconds,
        release_seconds=request.release_seconds,
    )
    samples = max(articulation.start(part.note) + articulation.length(part.note) for part in done.parts)
    seconds = samples / contract.audio.sample_rate_hz
    if seconds > settings.max_seconds:
        raise TooLarge(
            f"midi: {seconds:.1f} seconds of sound; at most {settings.max_seconds:g} a request", field="midi"
        )
    assert contract.latent is not None
    size, distribution = contract.latent.size, contract.latent.distribution
    walks = {seed: Walk(seed, size=size, distribution=distribution) for seed in {part.seed for part in done.parts}}
    mix = Mix(articulation, samples, contract.audio.channels)
    return _Plan(contract, done, seeds, walks, request.latent_seconds, mix)


def _check_notes(contract: Contract, settings: Settings, done: Cast) -> None:
    if len(done.parts) > settings.max_notes:
        raise TooLarge(f"midi: {len(done.parts)} notes; at most {settings.max_notes} a request", field="midi")
    if done.parts:
        return
    assert contract.pitches is not None
    drums = sum(entry.count for entry in done.skipped if entry.percussion)
    others = sum(entry.count for entry in done.skipped) - drums
    has = f"model {contract.name!r} has pitches {min(contract.pitches):g} to {max(contract.pitches):g}"
    raise Invalid(
        f"midi: no note to play: {drums} of percussion and {others} of other pitches were skipped; {has}", field="midi"
    )
