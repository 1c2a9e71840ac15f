"""The operation `generate_stream`: a path through latents to a sound that is heard while it is made."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import AsyncIterator

import numpy as np
from numpy.typing import NDArray

from service.contract import Contract
from service.crossfade import CrossFade
from service.errors import Invalid
from service.inputs import check_seconds, label_names, wanted_labels
from service.latents import Walk
from service.made import Streamed
from service.metrics import Call
from service.readiness import Readiness
from service.running import FloatArray, Inputs, Running, generator_inputs
from service.settings import Settings
from service.stream_requests import GenerateStreamRequest

CLIPS_A_LATENT = 4.0  # where a request does not say how fast the path is
CLIPS_A_FADE = 0.25


async def generate(
    running: Running, settings: Settings, readiness: Readiness, call: Call, request: GenerateStreamRequest
) -> AsyncIterator[Streamed]:
    """Make a sound of clips along the walk of a seed, each faded into the next, one at a time as they are asked for.

    It begins as the first clip does and ends in a fade-out, after `seconds` or, where the service shuts down, after the
    clip in hand.
    Yields: values [1, samples(, 2)]. Raises: Failure; Busy and what is wrong with the request, before the first piece.
    """
    engine = await running.engine(call, request, "generate")
    path = _Path(engine.contract, settings, request)
    fade = CrossFade(path.overlap)
    for number in itertools.count():
        if number:
            call.renew(settings.deadline_seconds)
        run = running.run_patiently if number else running.run
        clips = await run(call, engine, "generate", path.inputs(number))
        yield path.piece(fade.add(clips[0][: path.left(number)]))
        if readiness.draining or path.left(number + 1) <= path.overlap:
            break
    yield path.piece(fade.rest())


class _Path:
    """Where each clip stands in the sound, and what it is made of."""

    def __init__(self, contract: Contract, settings: Settings, request: GenerateStreamRequest) -> None:
        """Raises: Invalid, TooLarge."""
        assert contract.latent is not None
        self.contract = contract
        self._rate, self._clip = contract.audio.sample_rate_hz, contract.audio.clip_samples
        self._seed = secrets.randbits(32) if request.seed is None else request.seed
        self._walk = Walk(self._seed, size=contract.latent.size, distribution=contract.latent.distribution)
        self._labels: NDArray[np.int32] = wanted_labels(contract, request, [self._seed])
        most = settings.max_stream_seconds
        self._samples = round((most if request.seconds is None else request.seconds) * self._rate)
        check_seconds(contract, self._samples, "seconds", most)
        self.overlap = min(self._overlap(request.crossfade_seconds), self._samples)
        self._advance = self._clip - self.overlap
        latent_seconds = request.latent_seconds or CLIPS_A_LATENT * self._clip / self._rate
        self._step = self._advance / (latent_seconds * self._rate)

    def inputs(self, number: int) -> Inputs:
        """Return what `generate` makes a clip of."""
        return generator_inputs(self.contract, self._walk.at(number * self._step)[np.newaxis], self._labels)

    def left(self, number: int) -> int:
        """Return how many samples are left of the sound where a clip begins."""
        return self._samples - number * self._advance

    def piece(self, sound: FloatArray) -> Streamed:
        """Return a piece of the sound with its origin."""
        labels, seconds = label_names(self.contract, self._labels), self._samples / self._rate
        return Streamed(self.contract, sound[np.newaxis], (self._seed,), labels, seconds=seconds)

    def _overlap(self, seconds: float | None) -> int:
        if seconds is None:
            return max(1, round(CLIPS_A_FADE * self._clip))
        samples, most = max(1, round(seconds * self._rate)), self._clip // 2
        if samples > most:
            words = f"at most half a clip, {most / self._rate:g} seconds of this model"
            raise Invalid(f"crossfade_seconds: {words}", field="crossfade_seconds")
        return samples
