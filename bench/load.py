"""Clients that ask for one WAV after the other: so many at a time, for so long, all in one process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import grpc

from bench.container import Container
from bench.server import Server
from service.generated.latentone.v1 import synthesizer_pb2 as pb
from service.generated.latentone.v1.synthesizer_pb2_grpc import SynthesizerStub

REQUEST_S = 60.0
Send = Callable[[int], Awaitable[str]]
"""Sends a request with a seed and returns what the server says of its timing."""


@dataclass
class Load:
    """Requests that were answered."""

    seconds: list[float] = field(default_factory=list)
    stages: list[dict[str, float]] = field(default_factory=list)  # seconds in the server, by stage and in `total`
    wall: float = 0.0

    def __iadd__(self, other: Load) -> Load:
        """Join another round's."""
        self.seconds += other.seconds
        self.stages += other.stages
        self.wall += other.wall
        return self

    @property
    def a_second(self) -> float:
        """Throughput."""
        return len(self.seconds) / self.wall


async def press(clients: Sequence[Send], seconds: float) -> Load:
    """Let every client send for so many seconds, each its next request when the last one is answered."""
    load = Load()
    await asyncio.gather(*(send(0) for send in clients))  # connections open, untimed
    begin = time.perf_counter()

    async def client(number: int, send: Send) -> None:
        seed = number
        while not load.seconds or time.perf_counter() - begin < seconds:
            seed += len(clients)
            start = time.perf_counter()
            timing = await send(seed)
            load.seconds.append(time.perf_counter() - start)
            load.stages.append(_stages(timing))

    await asyncio.gather(*(client(number, send) for number, send in enumerate(clients)))
    load.wall = time.perf_counter() - begin
    return load


@asynccontextmanager
async def http_clients(server: Server | Container, count: int) -> AsyncIterator[list[Send]]:
    """Clients over HTTP/1.1, a connection each."""
    timeout = aiohttp.ClientTimeout(total=REQUEST_S)
    async with AsyncExitStack() as stack:
        yield [
            _http(await stack.enter_async_context(aiohttp.ClientSession(timeout=timeout)), server) for _ in range(count)
        ]


def _http(session: aiohttp.ClientSession, server: Server | Container) -> Send:
    async def send(seed: int) -> str:
        async with session.post(f"{server.url}/v1/generate", json={"seed": seed, "format": "wav"}) as answer:
            answer.raise_for_status()
            await answer.read()
            return answer.headers["Server-Timing"]

    return send


@asynccontextmanager
async def grpc_clients(server: Server | Container, count: int) -> AsyncIterator[list[Send]]:
    """Clients over gRPC, a connection each."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with AsyncExitStack() as stack:
        channels = [
            await stack.enter_async_context(grpc.aio.insecure_channel(server.target, options=options))
            for _ in range(count)
        ]
        yield [_grpc(SynthesizerStub(channel)) for channel in channels]


def _grpc(stub: SynthesizerStub) -> Send:
    async def send(seed: int) -> str:
        call: Any = stub.Generate(pb.GenerateRequest(seed=seed, format="wav"), timeout=REQUEST_S)
        await call
        trailer = dict(await call.trailing_metadata())
        return str(trailer["server-timing"])

    return send


def _stages(timing: str) -> dict[str, float]:
    """Seconds by stage, from the form of a Server-Timing header."""
    parts = [part.split(";dur=") for part in timing.split(", ")]
    return {stage: float(milliseconds) / 1000.0 for stage, milliseconds in parts}
