"""`python -m bench.image`: the image beside the bare process: size, start to ready, memory, requests a second, drain.

The image is latentone:latest of `make container`; the bare process is this environment's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import grpc
import psutil

from bench.child import ROOT
from bench.container import Container
from bench.load import Load, Send, grpc_clients, http_clients, press
from bench.machine import describe, headline
from bench.sampling import median
from bench.server import Server

IMAGE = "latentone:latest"
ROUNDS = 3
CLIENTS = 8
LOAD_S = 20.0
MODEL = "digits"


def main() -> None:
    """Start both in turn, then load each over both transports, and drain the container, idle and under load."""
    print(headline(describe()))
    starts: dict[str, list[float]] = {"bare": [], "container": []}
    for number in range(ROUNDS):
        with Server(ROOT / "models", default_model=MODEL) as server:
            starts["bare"].append(server.wait_for("/readyz"))
            if number == ROUNDS - 1:
                _load("bare", server, server.process.pid)
        with Container(IMAGE, default_model=MODEL) as container:
            starts["container"].append(container.wait_for("/readyz"))
            if number == 0:
                size = int(container.call("image", "inspect", "--format={{.Size}}", IMAGE))
                print(f"image: {size / 1e9:.2f} GB")
            if number == ROUNDS - 1:
                _load("container", container, container.pid)
    for name, seconds in starts.items():
        print(f"start to ready, {name}: {median(seconds):.1f} s ({min(seconds):.1f} to {max(seconds):.1f})")
    print(f"ratio: {median(starts['container']) / median(starts['bare']):.2f}")
    for clients in (0, CLIENTS):
        print(f"SIGTERM to exit, {clients} clients: {asyncio.run(_drain(clients)):.1f} s")


def _load(name: str, served: Any, pid: int) -> None:
    print(f"memory, {name}, idle: {_memory_mb(pid):.0f} MB")
    ways: dict[str, Callable[..., Any]] = {"gRPC": grpc_clients, "HTTP": http_clients}
    for transport, clients in ways.items():
        before = _cpu_seconds(pid)
        load = asyncio.run(_press(clients, served))
        used = _cpu_seconds(pid) - before
        print(
            f"{name}, {transport}, {CLIENTS} clients: {load.a_second:.0f} requests a second, "
            f"{len(load.seconds) / used:.0f} a second of one core's time, "
            f"p50 {1000 * median(load.seconds):.0f} ms, memory {_memory_mb(pid):.0f} MB"
        )


async def _press(clients: Callable[..., Any], served: Any) -> Load:
    async with clients(served, CLIENTS) as senders:
        return await press(senders, LOAD_S)


async def _drain(count: int) -> float:
    """Return the seconds from SIGTERM to the end, with clients that ask all the while."""
    with Container(IMAGE, default_model=MODEL) as container:
        container.wait_for("/readyz")
        async with grpc_clients(container, max(1, count)) as senders:
            asking = [asyncio.create_task(_until_refused(send)) for send in senders[:count]]
            await asyncio.sleep(2)
            start = time.perf_counter()
            await asyncio.to_thread(container.terminate)
            code = await asyncio.to_thread(container.wait)
            seconds = time.perf_counter() - start
            await asyncio.gather(*asking)
    print(f"exit code {code}")
    return seconds


async def _until_refused(send: Send) -> None:
    seed = 0
    try:
        while True:
            await send(seed)
            seed += 1
    except grpc.aio.AioRpcError as error:
        if error.code() != grpc.StatusCode.UNAVAILABLE:
            raise


def _processes(pid: int) -> list[psutil.Process]:
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def _memory_mb(pid: int) -> float:
    """Resident memory of a process and all below it."""
    return sum(process.memory_info().rss for process in _processes(pid)) / 1e6


def _cpu_seconds(pid: int) -> float:
    """Processor time that a process and all below it have used."""
    return sum(sum(process.cpu_times()[:2]) for process in _processes(pid))


if __name__ == "__main__":
    main()
