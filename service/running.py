"""How an operation gets at a model: engines, batches and threads, each only until the call's time is over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from service.batcher import Batcher
from service.contract import Contract
from service.engine import Engine
from service.errors import Busy, DeadlineExceeded, Invalid
from service.library import Library
from service.metrics import Call
from service.requests import ModelRequest

FloatArray = NDArray[np.float32]
Inputs = dict[str, NDArray[Any]]
Signature = Literal["generate", "sample", "decode", "analyse", "encode", "classify"]
T = TypeVar("T")
ORDINARY = {"latent": 10.0, "features": 1.0, "waveform": 1.0}  # how large the numbers are that models are made for
STAGES = {"encode": "encoder"}  # of signatures whose name another stage has: encode is the writing of sound files
RETRY_S = 0.05  # until the queue is asked again


class Running:
    """One library and one batcher, as operations use them."""

    def __init__(self, library: Library, batcher: Batcher) -> None:
        self._library = library
        self._batcher = batcher

    async def loaded(self, call: Call, request: ModelRequest) -> Engine:
        """Return the engine that a request means, whatever it can do; for a call the same each time.

        Raises: NotFound, NotReady, DeadlineExceeded.
        """
        if call.engine is None:
            async with within(call):
                call.engine = await self._library.get(request.model, request.version, request.version_label)
        engine: Engine = call.engine
        call.model = engine.name
        return engine

    async def engine(self, call: Call, request: ModelRequest, signature: Signature) -> Engine:
        """Return the engine that a request means.

        Raises: Invalid where the model lacks the signature, NotFound, NotReady, DeadlineExceeded.
        """
        engine = await self.loaded(call, request)
        if signature not in engine.contract.signatures:
            has = ", ".join(engine.contract.operations)
            raise Invalid(f"model {engine.name!r} can't {signature}; it can {has}", field="model")
        return engine

    async def run(
        self, call: Call, engine: Engine, signature: str, inputs: Inputs, *, has_begun: bool = False
    ) -> FloatArray:
        """Compute arrays [B, ...] by name to an array [B, ...].

        has_begun: whether it is a step of a stream, and not its first.
        Raises: Busy where the queue has no room or no time for B items, DeadlineExceeded, Invalid where the numbers
        given are too large to be computed with; of a fleet also NotReady, TooLarge, NotFound, BadAnswer.
        """
        begun = time.monotonic()
        async with within(call):
            result = await self._batcher.run(engine, signature, inputs, call.deadline, has_begun=has_begun)
        call.took("queue", result.queue_seconds, ended=begun + result.queue_seconds)
        call.took(STAGES.get(signature, signature), result.run_seconds)
        if not np.isfinite(result.values).all():
            blame_large_numbers(inputs)
            raise RuntimeError(f"{engine.name} version {engine.contract.version}: {signature} gave NaN or infinity")
        return result.values

    async def run_patiently(self, call: Call, engine: Engine, signature: str, inputs: Inputs) -> FloatArray:
        """Compute as `run` does, but wait while the queue is full; for those who have begun and would lose their work.

        Raises: DeadlineExceeded.
        """
        while True:
            try:
                return await self.run(call, engine, signature, inputs, has_begun=True)
            except Busy:
                async with within(call):
                    await asyncio.sleep(RETRY_S)

    async def in_thread(self, call: Call, work: Callable[[], T]) -> T:
        """Do what takes its time off the event loop.

        Raises: DeadlineExceeded, and what `work` raises.
        """
        async with within(call):
            return await asyncio.to_thread(work)


def generator_inputs(contract: Contract, points: FloatArray, labels: NDArray[np.int32]) -> Inputs:
    """Return what `generate` and `sample` take: latents [B, Z] and, where the model has labels, labels [B]."""
    return {"latent": points, "label": labels} if contract.labels else {"latent": points}


def blame_large_numbers(inputs: Mapping[str, NDArray[Any]]) -> None:
    """Raise Invalid where inputs are far from what models are made for: it is no defect that these overflow."""
    for name, array in inputs.items():
        most, largest = ORDINARY.get(name, np.inf), float(np.abs(array).max())
        if largest > most:
            raise Invalid(f"{name}: numbers as large as {largest:g} can't be computed with; give {most:g} at most")


@asynccontextmanager
async def within(call: Call, words: str = "the time allowed for the request is over") -> AsyncIterator[None]:
    """Give up when the call's time is over: what waits is withdrawn, what is being computed is not stopped.

    Raises: DeadlineExceeded with the words.
    """
    timer = asyncio.timeout(call.deadline - time.monotonic())
    try:
        async with timer:
            yield
    except TimeoutError:
        if timer.expired():
            raise DeadlineExceeded(words) from None
        raise
