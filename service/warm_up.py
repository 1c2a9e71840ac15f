"""A model's first run, before any request gets it: the first time is slow, and what fails then is not served."""

from __future__ import annotations

import time
from concurrent.futures import Executor
from typing import Any

import numpy as np

from service.audio_files import write_audio
from service.batcher import Batcher
from service.engine import Engine
from service.metrics import Call, Metrics
from service.operations import Operations
from service.requests import DecodeRequest, GenerateRequest, SampleRequest, VaryRequest
from service.settings import Settings

LONGEST_S = 600.0  # a first run compiles; it has no client who waits


class _Only:
    """A library of one model, which nobody else can ask for yet."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def get(self, *_: Any) -> Engine:
        """Return it."""
        return self._engine


class _Nobody:
    """Watches no queue: this one is not what requests wait in."""

    def batch(self, model: str, items: int) -> None:
        """A batch begins."""

    def computed(self, model: str, signature: str, seconds: float) -> None:
        """A batch has ended."""

    def waiting(self, items: int) -> None:
        """Items wait."""


async def warm_up(engine: Engine, *, metrics: Metrics, settings: Settings, executor: Executor) -> None:
    """Do once whatever a model can do, the way a request would, past the queue of requests.

    Raises: whatever a request would.
    """
    limits = {"max_batch": settings.max_batch, "queue_limit": settings.queue_limit}
    library: Any = _Only(engine)
    operations = Operations(library, Batcher(executor, _Nobody(), **limits, engine_calls=1), settings)
    call = Call(metrics, deadline=time.monotonic() + LONGEST_S)
    contract = engine.contract
    model: dict[str, Any] = {"model": contract.name, "version": contract.version}
    if "generate" in contract.operations:
        made = await operations.generate(call, GenerateRequest(**model, seed=0))
        await operations.encode(call, made, "wav")
    if "sample" in contract.operations:
        await operations.sample(call, SampleRequest(**model, seed=0))
    if "decode" in contract.operations and contract.features is not None:
        quiet = np.full((1, contract.features.frames, *contract.features.frame_shape), -1.0, np.float32)
        await operations.decode(call, DecodeRequest(**model, features=quiet))
    if "vary" in contract.operations:
        silence = np.zeros(contract.audio.clip_shape, np.float32)
        sound = write_audio(silence, sample_rate_hz=contract.audio.sample_rate_hz, form="wav", tags={})
        await operations.vary(call, VaryRequest(**model, audio=sound, seed=0))
