"""HAProxy as deploy/haproxy sets it up, before two real services: calls are spread, and a drain loses none."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import httpx
import pytest

from service.generated.latentone.v1 import synthesizer_pb2 as pb
from service.generated.latentone.v1.synthesizer_pb2_grpc import SynthesizerStub
from tests.deploy.live import daemons
from tests.deploy.live.daemons import DEPLOY, Daemon
from tests.service.conftest import Server, free_port
from tests.service.test_metrics import total

CALLS = 20
REQUEST = pb.GenerateRequest(model="digits", seed=1, label="7")


@pytest.fixture
def draining(computing: Server, contracts: Path, tmp_path: Path) -> Iterator[Server]:
    """Return a ready service that can be ended."""
    started = Server(contracts, tmp_path / "log", backend=f"grpc://{computing.target}", lame_duck_seconds=1)
    yield started.wait_until_ready()
    started.stop()


@pytest.fixture
def balanced(computing: Server, draining: Server, tmp_path: Path) -> Iterator[tuple[str, grpc.Channel]]:
    """Run HAProxy before two services, and return its address of HTTP and one connection of gRPC."""
    program, ports = daemons.haproxy(), {"3000": free_port(), "3001": free_port()}
    text = (DEPLOY / "haproxy/haproxy.cfg").read_text()
    text = re.sub(r"bind :(\d+)", lambda found: f"bind 127.0.0.1:{ports[found[1]]}", text)
    for name, server in (("one", computing), ("two", draining)):
        text = re.sub(rf"(server {name}) \S+:3000", rf"\1 127.0.0.1:{server.http_port}", text)
        text = re.sub(
            rf"(server {name}) \S+:3001 (.*) port 3000", rf"\1 {server.target} \2 port {server.http_port}", text
        )
    (tmp_path / "haproxy.cfg").write_text(text)
    daemon = Daemon([program, "-db", "-f", str(tmp_path / "haproxy.cfg")], tmp_path / "haproxy.log")
    with grpc.insecure_channel(f"127.0.0.1:{ports['3001']}") as channel:
        grpc.channel_ready_future(channel).result(timeout=10)
        yield f"http://127.0.0.1:{ports['3000']}", channel
    daemon.stop()


def answered(server: Server, transport: str) -> float:
    return total(server, "latentone_request_duration_seconds_count", transport=transport, operation="generate")


def test_calls_of_one_connection_are_spread_and_a_drain_loses_none(
    balanced: tuple[str, grpc.Channel], computing: Server, draining: Server
) -> None:
    url, channel = balanced
    stub, expected = SynthesizerStub(channel), computing.stub.Generate(REQUEST)
    for transport in ("grpc", "http"):
        before = answered(computing, transport), answered(draining, transport)
        for _ in range(CALLS):
            if transport == "grpc":
                assert stub.Generate(REQUEST).clips == expected.clips
            else:
                httpx.post(f"{url}/v1/generate", json={"model": "digits", "seed": 1}).raise_for_status()
        shares = answered(computing, transport) - before[0], answered(draining, transport) - before[1]
        assert sum(shares) == CALLS
        assert min(shares) > CALLS / 4

    gone, made, failures = threading.Event(), 0, []

    def call_until_it_is_gone() -> None:
        nonlocal made
        while not gone.is_set():
            try:
                stub.Generate(REQUEST)
                made += 1
            except grpc.RpcError as error:
                failures.append(error)

    with ThreadPoolExecutor(2) as pool:
        calling = [pool.submit(call_until_it_is_gone) for _ in range(2)]
        draining.process.send_signal(signal.SIGTERM)
        try:
            assert draining.process.wait(timeout=30) == 0
        finally:
            gone.set()
        for future in calling:
            future.result()
    assert failures == []
    assert made > 0
    stub.Generate(REQUEST)
