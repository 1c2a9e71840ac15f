"""Requests over HTTP and gRPC beside the direct engine call: latency, throughput, and where the time goes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

from bench.child import Child
from bench.load import Load, Send, grpc_clients, http_clients, press
from bench.machine import cores
from bench.report import Aim, Cell, Measurement, Table
from bench.sampling import median, percentile
from bench.server import Server
from bench.workbench import Workbench

CLIENTS = (1, 8, 32)
ROUNDS = 3
SHARE = 3.0  # of --seconds: percentiles need many requests
ADDED_MS = {"HTTP": 4.0, "gRPC": 2.0}
OF_THE_BEST = 90.0
BATCHES = (1, 8)


def measure(bench: Workbench) -> Measurement:
    """Take turns between the engine's own process and a server, each idle while the other works."""
    model = bench.model
    with Server(bench.models_folder) as server, Child("bench.engine_process") as engine:
        engine.ask(do="open", folder=str(model.folder), threads=0)
        server.wait_for("/readyz")
        found = asyncio.run(_Rounds(server, engine, SHARE * bench.seconds).run())
    tables = [_latency(found, model.title), _throughput(found), _stages(found)]
    return Measurement("latency", tables, found.raw())


class _Found:
    """All samples: `direct` seconds of single engine calls, `best` clips a second by (batch, callers)."""

    def __init__(self) -> None:
        self.direct: list[float] = []
        self.engine: dict[tuple[int, int], Load] = {}
        self.loads: dict[tuple[str, int], Load] = {}

    def best(self) -> tuple[tuple[int, int], float]:
        """Batch and callers of the engine's best throughput, and clips a second."""
        speeds = {key: key[0] * load.a_second for key, load in self.engine.items()}
        key = max(speeds, key=lambda each: speeds[each])
        return key, speeds[key]

    def raw(self) -> dict[str, Any]:
        loads = {f"{transport}, {count} clients": vars(load) for (transport, count), load in self.loads.items()}
        engine = {f"batch {batch}, {callers} callers": vars(load) for (batch, callers), load in self.engine.items()}
        return {"direct_seconds": self.direct, "engine": engine, "requests": loads}


class _Rounds:
    """The order in which everything gets its turn."""

    def __init__(self, server: Server, engine: Child, seconds: float) -> None:
        self._server, self._engine = server, engine
        pairs = sorted({(batch, callers) for batch in BATCHES for callers in (1, cores())})
        self._pairs = pairs
        self._turn = seconds / (ROUNDS * (2 + len(pairs) + 2 * len(CLIENTS)))
        self._found = _Found()

    async def run(self) -> _Found:
        async with AsyncExitStack() as stack:
            clients = {
                "HTTP": await stack.enter_async_context(http_clients(self._server, max(CLIENTS))),
                "gRPC": await stack.enter_async_context(grpc_clients(self._server, max(CLIENTS))),
            }
            for _ in range(ROUNDS):
                await self._single(clients)
                await self._many(clients)
        return self._found

    async def _single(self, clients: dict[str, list[Send]]) -> None:
        await self._direct()
        for transport, sends in clients.items():
            await self._press(transport, sends[:1])
        await self._direct()

    async def _many(self, clients: dict[str, list[Send]]) -> None:
        for batch, callers in self._pairs:
            timed = await self._time(batch, callers)
            self._found.engine.setdefault((batch, callers), Load()).__iadd__(timed)
        for count in CLIENTS[1:]:
            for transport, sends in clients.items():
                await self._press(transport, sends[:count])

    async def _direct(self) -> None:
        self._found.direct += (await self._time(1, 1)).seconds

    async def _time(self, batch: int, callers: int) -> Load:
        question = {"do": "time", "signature": "generate", "batch": batch, "callers": callers, "seconds": self._turn}
        timed = await asyncio.to_thread(self._engine.ask, **question)
        return Load(seconds=timed["calls"], wall=timed["wall"])

    async def _press(self, transport: str, sends: list[Send]) -> None:
        load = await press(sends, self._turn)
        self._found.loads.setdefault((transport, len(sends)), Load()).__iadd__(load)


def _latency(found: _Found, title: str) -> Table:
    base = 1000 * median(found.direct)
    rows: list[tuple[Cell, ...]] = [
        ("engine alone", 1, len(found.direct), base, 1000 * percentile(found.direct, 99), "1.00x", "")
    ]
    for (transport, count), load in sorted(found.loads.items(), key=lambda item: item[0][1]):
        half, most = 1000 * median(load.seconds), 1000 * percentile(load.seconds, 99)
        added: Cell = ""
        if count == 1:
            what = f"{transport} adds to the engine's own time at p50, one client"
            added = Aim(what, half - base, ADDED_MS[transport], " ms", at_most=True, digits=2)
        rows.append((transport, count, len(load.seconds), half, most, f"{half / base:.2f}x", added))
    columns = ("way", "clients", "requests", "p50 ms", "p99 ms", "x engine p50", "added at p50")
    note = "one clip a request, WAV; clients share the machine with the server. Interleaved rounds, pooled"
    return Table(f"Request latency: {title}", columns, rows, note)


def _throughput(found: _Found) -> Table:
    best_key, best = found.best()
    rows: list[tuple[Cell, ...]] = []
    for (batch, callers), load in found.engine.items():
        clips = batch * load.a_second
        mark = " (best)" if (batch, callers) == best_key else ""
        rows.append((f"engine, batch {batch}, {callers} caller(s){mark}", clips, f"{100 * clips / best:.0f} %"))
    for (transport, count), load in sorted(found.loads.items(), key=lambda item: item[0][1]):
        part: Cell = f"{100 * load.a_second / best:.0f} %"
        if count == 8:
            what = f"{transport} throughput at 8 clients, of the engine's best"
            part = Aim(what, 100 * load.a_second / best, OF_THE_BEST, " %", at_most=False)
        rows.append((f"{transport}, {count} client(s)", load.a_second, part))
    return Table("Throughput", ("way", "clips a second", "of the engine's best"), rows)


def _stages(found: _Found) -> Table:
    rows = [
        (transport, *row)
        for (transport, count), load in found.loads.items()
        if count == 1
        for row in _parts(load, median(found.direct))
    ]
    note = (
        "medians, so the parts need not add up exactly; `generate` includes the way into the engine's thread and back"
    )
    return Table("Where a request's time goes, one client", ("way", "part", "ms"), rows, note)


def _parts(load: Load, direct: float) -> Iterator[tuple[Cell, ...]]:
    """The server's own account of a request, and what lies outside it."""
    names = [name for name in load.stages[0] if name != "total"]
    for name in names:
        yield name, 1000 * median(stages[name] for stages in load.stages)
    yield "generate, beyond the direct call", 1000 * (median(s["generate"] for s in load.stages) - direct)
    inside = [stages["total"] - sum(stages[name] for name in names) for stages in load.stages]
    outside = [seen - stages["total"] for seen, stages in zip(load.seconds, load.stages, strict=True)]
    yield "else in our code", 1000 * median(inside)
    yield "web server, wire and client", 1000 * median(outside)
