"""From start to ready, beside a process that only imports TensorFlow and loads the model; and memory."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time

import psutil  # type: ignore[import-untyped]

from bench.child import QUIET, ROOT, ChildFailed, end_group
from bench.load import grpc_clients, http_clients, press
from bench.report import Aim, Cell, Measurement, Table
from bench.sampling import median
from bench.server import Server
from bench.workbench import Model, Workbench

MOST_ROUNDS = 3
ROUND_S = 6.0  # of --seconds for each round, though a round takes longer
LIMIT = 1.3
PLAIN, LEAN = "import tensorflow, load, one clip", "the same without Keras (TF_USE_LEGACY_KERAS=1)"
LISTENS, READY = "service answers /livez", "service is ready"
Memory = dict[str, tuple[int, int]]  # bytes in all, and of the largest process


def measure(bench: Workbench) -> Measurement:
    """Start one after the other, several times over."""
    seconds: dict[str, list[float]] = {name: [] for name in (PLAIN, LEAN, LISTENS, READY)}
    memory: Memory = {}
    count = max(1, min(MOST_ROUNDS, round(bench.seconds / ROUND_S)))
    for number in range(count):
        for name in (PLAIN, LEAN):
            seconds[name].append(_bare(bench.model, name, memory))
        with Server(bench.models_folder) as server:
            seconds[LISTENS].append(server.wait_for("/livez"))
            seconds[READY].append(server.wait_for("/readyz"))
            if number == count - 1:
                memory["service, idle"] = _resident(server.process.pid)
                asyncio.run(_press(server, bench.seconds / 4))
                memory["service, after load"] = _resident(server.process.pid)
    return Measurement("startup", [_times(seconds), _memory(memory)], {"seconds": seconds, "memory_bytes": memory})


def _bare(model: Model, name: str, memory: Memory) -> float:
    environment = {key: value for key, value in {**os.environ, **QUIET}.items() if key != "TF_USE_LEGACY_KERAS"}
    environment |= {"TF_USE_LEGACY_KERAS": "1"} if name == LEAN else {}
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.bare_load", model.folder.resolve()],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        if process.stdout.readline() != b"ready\n":
            raise ChildFailed(f"python -m bench.bare_load {model.folder} says why")
        taken = time.perf_counter() - start
        memory[name] = _resident(process.pid)
        return taken
    finally:
        end_group(process)


async def _press(server: Server, seconds: float) -> None:
    """A crowd on both transports."""
    async with http_clients(server, 16) as http, grpc_clients(server, 16) as grpc:
        await press([*http, *grpc], seconds)


def _resident(pid: int) -> tuple[int, int]:
    """Resident memory in bytes of a process and all below it, and of the largest among them."""
    parent = psutil.Process(pid)
    sizes = [process.memory_info().rss for process in (parent, *parent.children(recursive=True))]
    return sum(sizes), max(sizes)


def _times(seconds: dict[str, list[float]]) -> Table:
    plain, lean = median(seconds[PLAIN]), median(seconds[LEAN])
    rows: list[tuple[Cell, ...]] = []
    for name, taken in seconds.items():
        half = median(taken)
        ratio: Cell = f"{half / plain:.2f}x"
        if name == READY:
            ratio = Aim("start to ready, of importing TensorFlow and loading", half / plain, LIMIT, "x", True, digits=2)
        rows.append((name, half, f"{min(taken):.1f} to {max(taken):.1f}", ratio, f"{half / lean:.2f}x"))
    columns = ("start", "s", "range", "x the plain import", "x without Keras")
    note = f"{len(seconds[PLAIN])} rounds in turn, medians. The aim is against the plain import of TensorFlow"
    return Table("From start to ready", columns, rows, note)


def _memory(memory: Memory) -> Table:
    base = memory[PLAIN][0]
    rows: list[tuple[Cell, ...]] = [
        (name, whole / 2**20, largest / 2**20, f"{whole / base:.2f}x") for name, (whole, largest) in memory.items()
    ]
    note = "pages that processes share count for each"
    return Table("Resident memory", ("process", "MiB with children", "largest, MiB", "x the plain import"), rows, note)
