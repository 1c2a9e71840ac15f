"""Versions of models as they come and go, written whole, in part or wrong; and clients who ask meanwhile."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from service.contract import PLACE
from service.generated.latentone.v1 import synthesizer_pb2 as pb
from service.keys import make_key
from tests.service.conftest import Server
from tests.service.tiny_model import describe

KEY = make_key()
BEARER = (("authorization", f"Bearer {KEY}"),)
SEEDS = range(4)
COUNT = 12  # items of a request: more than a batch, so that each answer is of several
STREAM_S = 0.5
BUDGET_MB = 30  # of memory, where there is one; tiny takes less than one
Answer = tuple[int, int, bytes]  # seed, version, samples


def publish(
    models: Path,
    root: Path,
    version: int,
    *,
    like: int,
    name: str = "tiny",
    finish: Callable[[Path], Any] = lambda _: None,
) -> Path:
    """Put a version with the weights of tiny's version `like` into a folder of models, whole or not at all.

    finish: does what a test wants to the folder before it is there.
    """
    hidden, folder = root / name / f".{version}", root / name / str(version)
    shutil.copytree(models / "tiny" / str(like), hidden)
    described = json.loads((hidden / PLACE).read_text()) | {"name": name, "version": version}
    describe(hidden, described)
    finish(hidden)
    hidden.rename(folder)
    return folder


def spoil(folder: Path) -> None:
    """Change a file behind the contract's back."""
    with (folder / "variables" / "variables.data-00000-of-00001").open("r+b") as file:
        file.write(b"spoilt")


def garble(folder: Path) -> None:
    """Put no graph where the graph should be, and let the contract say so."""
    (folder / "saved_model.pb").write_bytes(b"no graph")
    describe(folder, json.loads((folder / PLACE).read_text()))


def enlarge(version: Path) -> None:
    """Add to a version what takes it over the budget, and let the contract say so."""
    with (version / "large").open("wb") as file:
        file.truncate(
            (BUDGET_MB + 1) * 1_000_000 - sum(path.stat().st_size for path in version.rglob("*") if path.is_file())
        )
    describe(version, json.loads((version / PLACE).read_text()))


def by_http(server: Server, seed: int, **fields: Any) -> Answer:
    answer = server.generate(seed=seed, count=COUNT, format="f32", **fields)
    answer.raise_for_status()
    return seed, int(answer.headers["x-latentone-version"]), answer.content


def by_grpc(server: Server, seed: int, **fields: Any) -> Answer:
    request = pb.GenerateRequest(seed=seed, count=COUNT, format="f32", **fields)
    answer = server.stub.Generate(request, metadata=BEARER, timeout=60)
    return seed, answer.version, b"".join(clip.audio for clip in answer.clips)


def by_stream(server: Server, seed: int, **fields: Any) -> Answer:
    request = pb.GenerateStreamRequest(seed=seed, seconds=STREAM_S, format="f32", **fields)
    first, *others = server.stub.GenerateStream(request, metadata=BEARER, timeout=60)
    return seed, first.version, b"".join(piece.audio for piece in (first, *others))


def ask(server: Server, seed: int, **fields: Any) -> Answer:
    """Return the answer for a seed, each seed in a way of its own."""
    return (by_http, by_grpc, by_stream)[seed % 3](server, seed, **fields)


class Load:
    """Clients that ask for the default version without a pause, each for a seed of its own."""

    def __init__(self, server: Server) -> None:
        self.stopping = threading.Event()
        self.answers: list[Answer] = []
        self.lost: list[str] = []
        self.pool = ThreadPoolExecutor(len(SEEDS))
        self.running = [self.pool.submit(self._ask, server, seed) for seed in SEEDS]

    def _ask(self, server: Server, seed: int) -> None:
        while not self.stopping.is_set():
            try:
                self.answers.append(ask(server, seed))
            except Exception as error:  # whatever it is, an answer was lost
                self.lost.append(repr(error))

    def count(self, version: int) -> int:
        return sum(answer[1] == version for answer in list(self.answers))

    def stop(self) -> None:
        self.stopping.set()
        for client in self.running:
            client.result(timeout=60)
