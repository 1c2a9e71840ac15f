"""`latentone bench`: so many requests at the same time for so many seconds."""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from latentone_client.answers import Sound
from latentone_client.cli.connection import connection
from latentone_client.cli.console import Progress
from latentone_client.client import AsyncClient
from latentone_client.errors import Failure
from latentone_client.retries import Retries

OPERATIONS = ("generate", "sample", "decode")
REST_S = 0.05  # after a failure that says nothing of when to ask again
Ask = Callable[[int], Awaitable[object]]  # with a seed


@dataclass
class Tally:
    """What was measured."""

    seconds: float = 0.0
    audio_seconds: float = 0.0
    latencies_s: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)

    def facts(self) -> dict[str, Any]:
        """Return rates a second, and percentiles of the time that an answer takes."""
        percentiles = np.percentile(self.latencies_s, (50, 90, 99, 100)) if self.latencies_s else [float("nan")] * 4
        named = dict(zip(("p50_s", "p90_s", "p99_s", "max_s"), map(float, percentiles), strict=True))
        answers = len(self.latencies_s)
        return {
            "seconds": self.seconds,
            "answers": answers,
            "failures": dict(self.failures),
            "answers_per_second": answers / self.seconds,
            "audio_seconds_per_second": self.audio_seconds / self.seconds,
            **(named if answers else dict.fromkeys(named)),
        }


def bench(options: argparse.Namespace) -> int:
    """Measure, and print a table."""
    with Progress(f"bench, {options.clients} clients, {options.seconds:g} s"):
        facts = asyncio.run(_measure(options)).facts()
    if options.json:
        print(json.dumps({"url": options.url, "operation": options.operation, "clients": options.clients, **facts}))
    else:
        _print(options, facts)
    return 0 if facts["answers"] else 1


async def _measure(options: argparse.Namespace) -> Tally:
    tally = Tally()
    async with AsyncClient(options.url, **connection(options), retries=Retries(most=0)) as client:
        ask = await _asking(client, options)
        await ask(0)  # the first is slower, and says whether it can be done at all
        began = time.monotonic()
        ends = began + options.seconds
        await asyncio.gather(*(_keep_asking(ask, tally, first, ends) for first in range(options.clients)))
        tally.seconds = time.monotonic() - began
    return tally


async def _asking(client: AsyncClient, options: argparse.Namespace) -> Ask:
    """Return what makes one request with a seed."""
    model: dict[str, Any] = {"model": options.model, "version": options.version}
    drawn: dict[str, Any] = {**model, "label": options.label, "pitch": options.pitch, "count": options.count}
    if options.operation == "generate":
        return lambda seed: client.generate(seed=seed, **drawn)
    if options.operation == "sample":
        return lambda seed: client.sample(seed=seed, **drawn)
    features = (await client.sample(seed=0, **drawn)).values
    return lambda _: client.decode(features, **model)


async def _keep_asking(ask: Ask, tally: Tally, first: int, ends: float) -> None:
    seed = first * 1_000_000  # clients do not ask for each other's sounds
    while (began := time.monotonic()) < ends:
        seed += 1
        try:
            answer = await ask(seed)
        except Failure as failure:
            tally.failures[failure.kind] += 1
            await asyncio.sleep(min(failure.retry_after_s or REST_S, max(0.0, ends - time.monotonic())))
            continue
        tally.latencies_s.append(time.monotonic() - began)
        tally.audio_seconds += answer.seconds if isinstance(answer, Sound) else 0.0


def _print(options: argparse.Namespace, facts: dict[str, Any]) -> None:
    print(f"{options.operation} at {options.url}: {options.clients} clients, {facts['seconds']:.1f} seconds")
    cells = {"answers": f"{facts['answers']}", "answers/s": f"{facts['answers_per_second']:.1f}"}
    if options.operation != "sample":
        cells["audio s/s"] = f"{facts['audio_seconds_per_second']:.1f}"
    for name in ("p50", "p90", "p99", "max"):
        value = facts[f"{name}_s"]
        cells[f"{name} ms"] = "" if value is None else f"{value * 1000:.1f}"
    for kind, count in facts["failures"].items():
        cells[kind] = str(count)
    widths = [max(len(name), len(cell)) for name, cell in cells.items()]
    for row in (cells.keys(), cells.values()):
        print("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))
