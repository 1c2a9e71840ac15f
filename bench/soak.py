"""`python -m bench.soak`: more requests than a worker can answer, for minutes, at a rate that does not wait for it.

First the capacity is measured with clients that wait. Then requests come at a fixed rate of twice as many, whatever
becomes of the ones before: a mix of large and small ones over HTTP and gRPC, some of which hang up.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import grpc

from bench.processes import memory_mb, workers
from bench.sampling import percentile
from bench.server import Server
from service.generated.latentone.v1 import synthesizer_pb2 as pb
from service.generated.latentone.v1.synthesizer_pb2_grpc import SynthesizerStub

COUNTS = (1, 1, 1, 1, 1, 1, 1, 2, 4, 16)  # items of a request, drawn from these
HANGS_UP = 0.02  # of requests, after a moment
DEADLINE_S = 5.0  # of the service
REFUSED = ("429", "RESOURCE_EXHAUSTED")
WARM_S = 10.0  # before memory is looked at


@dataclass
class Seen:
    """What clients saw: seconds by what became of a request, and what the worker took."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    single: list[float] = field(default_factory=list)  # answered, of one item
    memory: list[float] = field(default_factory=list)
    items: int = 0

    def note(self, code: str, seconds: float, count: int) -> None:
        """Note the end of a request."""
        self.seconds.setdefault(code, []).append(seconds)
        if code in ("200", "OK"):
            self.items += count
            if count == 1:
                self.single.append(seconds)


class Clients:
    """Both transports to one server."""

    def __init__(self, server: Server, session: aiohttp.ClientSession, stub: SynthesizerStub) -> None:
        self._server, self._session, self._stub = server, session, stub
        self.seen = Seen()

    async def ask(self, *, hang_up: bool = False) -> None:
        """Send one request over either."""
        count, start = random.choice(COUNTS), time.perf_counter()
        send = self._http if random.random() < 0.5 else self._grpc
        try:
            async with asyncio.timeout(0.05 if hang_up else 60):
                code = await send(count)
        except TimeoutError:
            code = "hung up"
        except aiohttp.ClientError as error:
            code = type(error).__name__
        self.seen.note(code, time.perf_counter() - start, count)

    async def _http(self, count: int) -> str:
        async with self._session.post(f"{self._server.url}/v1/generate", json={"count": count}) as answer:
            await answer.read()
            return str(answer.status)

    async def _grpc(self, count: int) -> str:
        try:
            await self._stub.Generate(pb.GenerateRequest(count=count), timeout=60)
        except grpc.aio.AioRpcError as error:
            return error.code().name
        return "OK"


async def closed(clients: Clients, count: int, seconds: float) -> float:
    """Let so many clients ask one request after the other. Returns: requests answered a second."""
    end, before = time.monotonic() + seconds, sum(map(len, clients.seen.seconds.values()))

    async def client() -> None:
        while time.monotonic() < end:
            await clients.ask()

    await asyncio.gather(*(client() for _ in range(count)))
    return (sum(map(len, clients.seen.seconds.values())) - before) / seconds


async def opened(clients: Clients, rate: float, seconds: float, worker: int) -> None:
    """Send at a rate, whatever becomes of the requests, and look at the worker's memory every second."""
    asking: set[asyncio.Task[None]] = set()
    start = time.monotonic()
    next_look = 0.0
    sent = 0
    while (now := time.monotonic() - start) < seconds:
        while sent < now * rate:
            sent += 1
            task = asyncio.create_task(clients.ask(hang_up=random.random() < HANGS_UP))
            asking.add(task)
            task.add_done_callback(asking.discard)
        if now > next_look:
            clients.seen.memory.append(memory_mb(worker))
            next_look += 1.0
        await asyncio.sleep(0.005)
    await asyncio.gather(*asking)


async def soak(server: Server, worker: int, minutes: float) -> None:
    """Measure and print."""
    connector = aiohttp.TCPConnector(limit=0)
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        grpc.aio.insecure_channel(server.target) as channel,
    ):
        clients = Clients(server, session, SynthesizerStub(channel))
        await closed(clients, 8, 5.0)
        clients.seen = Seen()
        capacity = await closed(clients, 16, 15.0)
        print(f"capacity: {capacity:.0f} requests a second ({clients.seen.items / 15:.0f} clips)", flush=True)
        clients.seen = seen = Seen()
        await opened(clients, 2 * capacity, 60 * minutes, worker)
    _report(seen, 60 * minutes)


def _report(seen: Seen, seconds: float) -> None:
    everything = sum(map(len, seen.seconds.values()))
    print(f"offered: {everything / seconds:.0f} requests a second; answered: {seen.items / seconds:.0f} clips a second")
    for code, times in sorted(seen.seconds.items()):
        told = f"p50 {percentile(times, 50):.3f} s, p99 {percentile(times, 99):.3f} s, longest {max(times):.3f} s"
        print(f"  {code:20} {len(times):8} ({100 * len(times) / everything:.1f} %)  {told}")
    if seen.single:
        print(
            f"  answered, of one clip: p50 {percentile(seen.single, 50):.3f} s, p99 {percentile(seen.single, 99):.3f} s"
        )
    begin = seen.memory[int(WARM_S) :] or seen.memory
    third = max(1, len(begin) // 3)
    first, last = sum(begin[:third]) / third, sum(begin[-third:]) / third
    print(f"memory: first third {first:.0f} MB, last third {last:.0f} MB, most {max(seen.memory):.0f} MB")


def main() -> None:
    """Print what clients saw and what the worker took."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="of overload (default: 10)")
    parser.add_argument("--models", type=Path, default=Path("models"))
    options = parser.parse_args()
    with Server(options.models, deadline_seconds=DEADLINE_S, log_level="warning") as server:
        server.wait_for("/readyz")
        (worker,) = workers(server.process.pid)
        asyncio.run(soak(server, worker, options.minutes))


if __name__ == "__main__":
    main()
