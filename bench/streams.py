"""How soon a minute of sound is heard, of how long all of it takes: made and decoded, as streams and as a whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.child import ROOT
from bench.report import Aim, Cell, Measurement, Table
from bench.sampling import median
from bench.server import Server
from bench.workbench import Workbench
from latentone_client import Client

SOUND_S = 60.0
LIMIT = 0.1  # of the whole time
MOST_ROUNDS, ROUND_S = 3, 6.0
AT_ONCE = 250  # frames a message, 4 seconds
GENERATOR, VOCODER = "digits", "digits-vocos"


def measure(bench: Workbench) -> Measurement:
    """Hear each way several times, one after the other."""
    times: dict[str, list[tuple[float, float]]] = {}
    with Server(ROOT / "models") as server:
        server.wait_for("/readyz")
        with Client(server.url) as over_http, Client(f"grpc://{server.target}") as over_grpc:
            features = _features(over_grpc)
            ways = _ways(over_http, over_grpc, features)
            for _ in range(max(1, min(MOST_ROUNDS, round(bench.seconds / ROUND_S)))):
                for name, hear in ways.items():
                    times.setdefault(name, []).append(_timed(hear))
    return Measurement("streams", [_table(times)], {"seconds": times})


def _ways(http: Client, grpc: Client, features: NDArray[np.float32]) -> dict[str, Callable[[], Iterable[Any]]]:
    pieces = [features[start : start + AT_ONCE] for start in range(0, len(features), AT_ONCE)]
    return {
        "generate_stream, HTTP": lambda: http.generate_stream(model=GENERATOR, seed=1, seconds=SOUND_S),
        "generate_stream, gRPC": lambda: grpc.generate_stream(model=GENERATOR, seed=1, seconds=SOUND_S),
        "decode_stream, gRPC": lambda: grpc.decode_stream(pieces, model=VOCODER),
        "decode, gRPC (the whole)": lambda: iter([grpc.decode(features, model=VOCODER)]),
    }


def _features(client: Client) -> NDArray[np.float32]:
    """Return features of a minute."""
    clip = client.model(GENERATOR).clip_samples / client.model(GENERATOR).sample_rate_hz
    count = int(SOUND_S / clip)
    values = client.sample(model=GENERATOR, seed=1, count=count).values
    return np.asarray(values.reshape(-1, values.shape[-1]), np.float32)


def _timed(hear: Callable[[], Iterable[Any]]) -> tuple[float, float]:
    """Return the seconds until the first piece, and until the last."""
    start, first = time.perf_counter(), 0.0
    pieces: Iterator[Any] = iter(hear())
    for _ in pieces:
        first = first or time.perf_counter() - start
    return first, time.perf_counter() - start


def _table(times: dict[str, list[tuple[float, float]]]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name, found in times.items():
        first, whole = median([pair[0] for pair in found]), median([pair[1] for pair in found])
        share: Cell = "" if "whole" in name else Aim(f"first sound of {name}", first / whole, LIMIT, "", True, 3)
        rows.append((name, f"{1000 * first:.0f} ms", f"{whole:.2f} s", share))
    note = f"medians of {len(next(iter(times.values())))}; decode_stream gets {AT_ONCE} frames a message"
    return Table(f"{SOUND_S:g} seconds of sound", ("way", "first", "all", "first, of all"), rows, note)
