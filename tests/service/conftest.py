"""Models on disk, and real servers over them: `python -m service` on free ports."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from service.generated.latentone.v1.synthesizer_pb2_grpc import SynthesizerStub

ROOT = Path(__file__).parents[2]
READY_S = 120.0
# Modules whose tests run twice: over models in the server's own process, and over a second server that is its fleet.
OVER_BOTH = (
    "test_http", "test_grpc", "test_kinds", "test_variation", "test_decode", "test_serving", "test_inference",
    "test_generate_stream", "test_decode_stream",
)  # fmt: skip


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give the tests of some modules both back ends."""
    if metafunc.module.__name__.rpartition(".")[2] in OVER_BOTH:
        for name in {"server", "kinds_server"} & set(metafunc.fixturenames):
            metafunc.parametrize(name, ["disk", "fleet"], indirect=True, scope="session")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


def refused(method: Callable[[Any], Any], request: Any) -> tuple[grpc.StatusCode, str]:
    """Return the code and the words with which a gRPC call is refused."""
    with pytest.raises(grpc.RpcError) as failure:
        method(request)
    return failure.value.code(), failure.value.details()


class Server:
    """A service in a process of its own."""

    def __init__(self, models: Path, log: Path, **settings: object) -> None:
        """Start it. settings: as in the environment, without the prefix, in lower case."""
        self.http_port, self.grpc_port = free_port(), free_port()
        self.url, self.target = f"http://127.0.0.1:{self.http_port}", f"127.0.0.1:{self.grpc_port}"
        given = {"models": models, "http_port": self.http_port, "grpc_port": self.grpc_port, **settings}
        self.admin_url = f"http://127.0.0.1:{given.get('admin_port', self.http_port)}"
        self.log = log
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "service"],
                cwd=ROOT,
                env={
                    **os.environ,
                    **{f"LATENTONE_{name.upper()}": str(value) for name, value in given.items()},
                },
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        self.channel = grpc.insecure_channel(self.target, options=[("grpc.max_receive_message_length", -1)])
        self.stub = SynthesizerStub(self.channel)
        self.http = httpx.Client(base_url=self.url, timeout=30)

    def get(self, path: str) -> int:
        """Return the status of a GET, 0 while nobody listens."""
        try:
            return self.http.get(path).status_code
        except httpx.TransportError:
            return 0

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait for the condition, or fail with the log."""
        end = time.monotonic() + READY_S
        while not condition():
            if time.monotonic() > end or self.process.poll() is not None:
                pytest.fail(f"the server did not get there:\n{self.log.read_text()[-5000:]}")
            time.sleep(0.05)

    def wait_until_ready(self) -> Server:
        """Wait until /readyz says so."""
        self.wait_until(lambda: self.get("/readyz") == 200)
        return self

    def generate(self, **fields: object) -> httpx.Response:
        """POST /v1/generate with a JSON body."""
        return self.http.post("/v1/generate", json=fields)

    def stop(self) -> int:
        """End it as a supervisor would, and return the exit code."""
        self.channel.close()
        self.http.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of models: tiny (versions 1 and 2) and slow (a good part of a second a clip)."""
    return write_models(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of models of every other kind: notes, wide and raw, as tiny_model.KINDS has them."""
    return write_models(tmp_path_factory.mktemp("kinds"), "kinds")


def write_models(folder: Path, *arguments: str) -> Path:
    """Write models in a process of its own, as TensorFlow is slow to come and never leaves."""
    script = ROOT / "tests" / "service" / "tiny_model.py"
    subprocess.run([sys.executable, script, folder, *arguments], check=True, capture_output=True, cwd=ROOT)
    return folder


LIMITS = {
    "default_model": "tiny",
    "cors_origins": "http://page.test",
    "body_limit": 2**20,
    "max_count": 40,
    "queue_limit": 40,
    "max_seconds": 20,
    "lame_duck_seconds": 0,
}
KINDS_LIMITS = {
    "default_model": "notes",
    "max_seconds": 20,
    "max_notes": 500,
    "max_count": 160,
    "lame_duck_seconds": 0,
}
DEADLINE_S, MOST_STREAM_S = 3.0, 300.0  # of the server of streams


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Server:
    """Return a ready server with one worker and small limits, over the back end that the parameter names."""
    return request.getfixturevalue(f"{getattr(request, 'param', 'disk')}_server")


@pytest.fixture(scope="session")
def disk_server(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a ready server that loads its models."""
    started = Server(models, tmp_path_factory.mktemp("log") / "one.log", **LIMITS)
    yield started.wait_until_ready()
    started.stop()


@pytest.fixture(scope="session")
def fleet_server(models: Path, disk_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a ready server whose fleet is the other one."""
    yield from in_front_of(disk_server, models, tmp_path_factory.mktemp("log") / "front.log", LIMITS)


def in_front_of(fleet: Server, models: Path, log: Path, limits: dict[str, Any]) -> Iterator[Server]:
    """Start a server whose fleet is another one, with as many calls at a time as that can compute."""
    started = Server(models, log, backend=f"grpc://{fleet.target}", engine_calls=len(os.sched_getaffinity(0)), **limits)
    yield started.wait_until_ready()
    started.stop()


@pytest.fixture(scope="session")
def two_workers(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a ready server with two workers."""
    log = tmp_path_factory.mktemp("log") / "two.log"
    started = Server(models, log, default_model="tiny", workers=2, lame_duck_seconds=0, admin_port=free_port())
    started.wait_until(lambda: log.read_text().count('"ready: ') == 2)
    yield started
    started.stop()


@pytest.fixture(scope="session")
def kinds_server(request: pytest.FixtureRequest) -> Server:
    """Return a ready server over the models of every other kind and the back end that the parameter names."""
    return request.getfixturevalue(f"kinds_{getattr(request, 'param', 'disk')}_server")


@pytest.fixture(scope="session")
def kinds_disk_server(kinds: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a ready server that loads its models."""
    started = Server(kinds, tmp_path_factory.mktemp("log") / "kinds.log", **KINDS_LIMITS)
    yield started.wait_until_ready()
    started.stop()


@pytest.fixture(scope="session")
def streams_server(kinds: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a ready server with little patience, whose streams may last."""
    log = tmp_path_factory.mktemp("log") / "streams.log"
    patience = {"deadline_seconds": DEADLINE_S, "max_stream_seconds": MOST_STREAM_S}
    started = Server(kinds, log, **patience, default_model="notes", lame_duck_seconds=0)
    yield started.wait_until_ready()
    started.stop()


@pytest.fixture(scope="session")
def kinds_fleet_server(
    kinds: Path, kinds_disk_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Return a ready server whose fleet is the other one."""
    yield from in_front_of(kinds_disk_server, kinds, tmp_path_factory.mktemp("log") / "front.log", KINDS_LIMITS)
