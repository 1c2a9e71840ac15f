"""`python -m bench.memory [shapes...]`: send requests of each shape for a while, and watch what the worker takes."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import aiohttp

from bench.processes import memory_mb, peak_mb, workers
from bench.server import Server
from bench.shapes import SHAPES, Post


async def press(url: str, posts: Iterator[Post], clients: int, seconds: float) -> Counter[int]:
    """Send requests, so many at a time, for so long. Returns: how often each status came."""
    end, statuses = time.monotonic() + seconds, Counter[int]()

    async def client(session: aiohttp.ClientSession) -> None:
        while time.monotonic() < end:
            post = next(posts)
            try:
                async with session.post(url + post.path, data=post.body, headers=post.headers) as answer:
                    await answer.read()
                    statuses[answer.status] += 1
            except (aiohttp.ClientError, TimeoutError):
                statuses[0] += 1

    timeout = aiohttp.ClientTimeout(total=120)
    async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(client(session) for _ in range(clients)))
    return statuses


def main() -> None:
    """Print a line a shape: memory before, at its highest, and after."""
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    parser.add_argument("shapes", nargs="*", choices=[*SHAPES, []], help="which; all by default")
    parser.add_argument("--seconds", type=float, default=20.0, help="for each shape (default: 20)")
    parser.add_argument("--models", type=Path, default=Path("models"))
    options = parser.parse_args()
    with Server(options.models) as server:
        server.wait_for("/readyz")
        (worker,) = workers(server.process.pid)
        print(f"{'shape':18}{'clients':>8}{'before':>8}{'peak':>8}{'after':>8} MB  answers", flush=True)
        for name in options.shapes or SHAPES:
            shape, clients = SHAPES[name]
            before = memory_mb(worker)
            with peak_mb(worker) as peak:
                statuses = asyncio.run(press(server.url, shape(), clients, options.seconds))
            told = ", ".join(f"{count} x {status or 'no answer'}" for status, count in sorted(statuses.items()))
            print(f"{name:18}{clients:8}{before:8.0f}{peak.most:8.0f}{memory_mb(worker):8.0f}     {told}", flush=True)


if __name__ == "__main__":
    main()
