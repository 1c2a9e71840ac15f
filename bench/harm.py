"""`python -m bench.harm [kill term idle slow disk]`: do a server harm while clients ask, and count what they lost."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import grpc

from bench.processes import memory_mb, workers
from bench.sampling import percentile
from bench.server import Server
from service.generated.latentone.v1 import synthesizer_pb2 as pb
from service.generated.latentone.v1.synthesizer_pb2_grpc import SynthesizerStub

CLIENTS = 8  # half of them over gRPC
IDLE = 1000
DISK_MB = 24


class Load:
    """Clients that ask one request after the other, and what became of these."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.codes: Counter[str] = Counter()
        self.seconds: list[float] = []
        self.over = asyncio.Event()

    async def http(self) -> None:
        """A client with a connection, and a new one when that breaks."""
        async with aiohttp.ClientSession() as session:
            while not self.over.is_set():
                await self._ask(lambda: self._post(session))

    async def _post(self, session: aiohttp.ClientSession) -> None:
        async with session.post(f"{self.server.url}/v1/generate") as answer:
            answer.raise_for_status()
            await answer.read()

    async def grpc(self) -> None:
        """The same over gRPC."""
        options = [("grpc.use_local_subchannel_pool", 1)]
        async with grpc.aio.insecure_channel(self.server.target, options=options) as channel:
            stub = SynthesizerStub(channel)
            while not self.over.is_set():
                await self._ask(lambda: stub.Generate(pb.GenerateRequest(), timeout=60))

    async def _ask(self, once: Callable[[], Any]) -> None:
        start = time.perf_counter()
        try:
            await once()
            self.codes["answered"] += 1
            self.seconds.append(time.perf_counter() - start)
        except aiohttp.ClientError as error:
            self.codes[type(error).__name__] += 1
        except grpc.aio.AioRpcError as error:
            self.codes[error.code().name] += 1

    def told(self) -> str:
        """What became of the requests."""
        lost = sum(self.codes.values()) - self.codes["answered"]
        parts = ", ".join(f"{count} {code}" for code, count in self.codes.items())
        share = f"{100 * lost / max(1, sum(self.codes.values())):.2f} % lost"
        return f"{parts}: {share}; p99 {percentile(self.seconds, 99):.3f} s" if self.seconds else f"{parts}: {share}"


@asynccontextmanager
async def load(server: Server) -> AsyncIterator[Load]:
    """Clients of both transports, for as long as the block lasts."""
    asking = Load(server)
    clients = [asyncio.create_task(asking.http() if i % 2 else asking.grpc()) for i in range(CLIENTS)]
    yield asking
    asking.over.set()
    await asyncio.gather(*clients)


async def _ready(server: Server, count: int) -> None:
    await asyncio.to_thread(server.wait_for, "/readyz")
    while len(workers(server.process.pid)) < count:
        await asyncio.sleep(0.1)
    await asyncio.sleep(20 if count > 1 else 0)  # for the second, which says nothing when it is ready


async def kill(models: Path) -> str:
    """Kill -9 of one of two workers."""
    with Server(models, workers=2, default_model="digits", log_level="warning") as server:
        await _ready(server, 2)
        async with load(server) as asking:
            await asyncio.sleep(10)
            victim = workers(server.process.pid)[0]
            before = sum(asking.codes.values())
            os.kill(victim, signal.SIGKILL)
            start = time.perf_counter()
            while len(workers(server.process.pid)) < 2 or victim in workers(server.process.pid):
                await asyncio.sleep(0.1)
            restarted = time.perf_counter() - start
            await asyncio.sleep(30)
        after = sum(asking.codes.values()) - before
        return (
            f"{asking.told()}; {after} requests in the {restarted + 30:.0f} s after; a new worker in {restarted:.1f} s"
        )


async def term(models: Path) -> str:
    """SIGTERM, while clients go on until they are told to stop a moment later."""
    with Server(models, workers=2, default_model="digits", lame_duck_seconds=3, log_level="warning") as server:
        await _ready(server, 2)
        async with load(server) as asking:
            await asyncio.sleep(10)
            server.process.send_signal(signal.SIGTERM)
            await asyncio.sleep(2)  # a balancer's time
        code = await asyncio.to_thread(server.process.wait, 60)
        return f"{asking.told()}; exit code {code}"


async def idle(models: Path) -> str:
    """1000 connections that say nothing, half of them over gRPC's port."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    with Server(models, default_model="digits", log_level="warning") as server, contextlib.ExitStack() as stack:
        await _ready(server, 1)
        (worker,) = workers(server.process.pid)
        async with load(server) as asking:
            await asyncio.sleep(10)
            alone, asking.seconds = percentile(asking.seconds, 50), []
            before = memory_mb(worker)
            for i in range(IDLE):
                port = server.http_port if i % 2 else server.grpc_port
                stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            await asyncio.sleep(10)
            grown = memory_mb(worker) - before
        beside = percentile(asking.seconds, 50)
        return f"{asking.told()}; p50 {alone:.3f} s before, {beside:.3f} s beside them; {grown:.1f} MB for all of them"


async def slow(models: Path) -> str:
    """200 clients that send a body of which the end never comes, and 100 that ask for a lot and read nothing."""
    with Server(models, default_model="digits", log_level="warning") as server, contextlib.ExitStack() as stack:
        await _ready(server, 1)
        (worker,) = workers(server.process.pid)
        async with load(server) as asking:
            await asyncio.sleep(5)
            before, most = memory_mb(worker), 0.0
            head = "POST {} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n"
            for _ in range(200):
                connection = stack.enter_context(socket.create_connection(("127.0.0.1", server.http_port)))
                connection.sendall(head.format("/v1/analyse", 2**24).encode() + bytes(2**18))
            wanted = b'{"count": 32, "seed": 1, "format": "wav_float"}'
            for _ in range(100):
                connection = stack.enter_context(socket.create_connection(("127.0.0.1", server.http_port)))
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                connection.sendall(head.format("/v1/generate", len(wanted)).encode() + wanted)
            for _ in range(60):
                await asyncio.sleep(1)
                most = max(most, memory_mb(worker))
        return (
            f"{asking.told()}; memory {before:.0f} MB before, {most:.0f} MB at most, {memory_mb(worker):.0f} MB after"
        )


async def disk(models: Path) -> str:
    """A disk that is full: temporary files, the workers' numbers and the log lie on one of a few megabytes."""
    if "LATENTONE_ON_A_FULL_DISK" not in os.environ:
        with tempfile.TemporaryDirectory() as folder:
            command = f'mount -t tmpfs -o size={DISK_MB}m none {folder} && exec "{sys.executable}" -m bench.harm disk'
            environment = {**os.environ, "LATENTONE_ON_A_FULL_DISK": "1", "TMPDIR": folder}
            done = subprocess.run(
                ["unshare", "--mount", "--map-root-user", "sh", "-c", f"{command} --models {models}"],
                env=environment, capture_output=True, text=True, check=False,
            )  # fmt: skip
        return (done.stdout or done.stderr).strip().removeprefix("disk: ")
    with Server(models, default_model="digits") as server:
        await _ready(server, 1)
        async with load(server) as asking:
            await asyncio.sleep(3)
            filler = Path(tempfile.gettempdir()) / "filler"
            with contextlib.suppress(OSError), filler.open("wb") as file:
                while True:
                    file.write(bytes(2**12))
                    file.flush()
            (worker,) = workers(server.process.pid)
            full = sum(asking.codes.values())
            await asyncio.sleep(20)
        kept = workers(server.process.pid) == [worker]
        after = sum(asking.codes.values()) - full
        return f"{asking.told()}; {after} of them on the full disk; the worker {'lives' if kept else 'has died'}"


HARMS = {"kill": kill, "term": term, "idle": idle, "slow": slow, "disk": disk}


def main() -> None:
    """Print a line for each harm."""
    parser = argparse.ArgumentParser(prog="python -m bench.harm", description=__doc__)
    parser.add_argument("harms", nargs="*", metavar="harm", help=f"which of {', '.join(HARMS)}; all by default")
    parser.add_argument("--models", type=Path, default=Path("models"))
    options = parser.parse_args()
    for name in options.harms or HARMS:
        print(f"{name}: {asyncio.run(HARMS[name](options.models.resolve()))}", flush=True)


if __name__ == "__main__":
    main()
