"""A worker's life: alive before ready, honest about what failed, and a drain that loses nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import psutil
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from service.contract import PLACE
from service.generated.latentone.v1 import synthesizer_pb2 as pb
from tests.service.conftest import Server, free_port
from tests.service.tiny_model import RATE_HZ, describe

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


def health(server: Server) -> int:
    answer = health_pb2_grpc.HealthStub(server.channel).Check(health_pb2.HealthCheckRequest(), wait_for_ready=True)
    status: int = answer.status
    return status


def test_a_worker_is_alive_before_it_is_ready(models: Path, tmp_path: Path) -> None:
    server = Server(models, tmp_path / "log", lame_duck_seconds=0)
    try:
        server.wait_until(lambda: server.get("/livez") == 200)
        refused = server.http.get("/readyz")
        assert refused.status_code == 503
        assert refused.json()["detail"] == "the models are loading"
        assert "retry-after" in refused.headers
        assert server.generate().status_code == 503
        assert health(server) == NOT_SERVING
        with pytest.raises(grpc.RpcError) as unavailable:
            server.stub.Generate(pb.GenerateRequest())
        assert unavailable.value.code() == grpc.StatusCode.UNAVAILABLE
        assert server.http.get("/v1/models").json()["models"][0]["state"] == "loading"
        other_protocols_say_so_too(server)
        server.wait_until_ready()
        assert health(server) == SERVING
        assert server.generate(model="tiny").status_code == 200
        server.wait_until(lambda: "curl -X POST" in server.log.read_text())
        assert f"gRPC  {server.target}" in server.log.read_text()
    finally:
        assert server.stop() == 0


def other_protocols_say_so_too(server: Server) -> None:
    """None waits for TensorFlow, in whose messages TensorFlow Serving speaks."""
    for method in ("tensorflow.serving.PredictionService/Predict", "tensorflow.serving.ModelService/GetModelStatus"):
        with pytest.raises(grpc.RpcError) as unavailable:
            server.channel.unary_unary(f"/{method}")(b"")
        assert unavailable.value.code() == grpc.StatusCode.UNAVAILABLE
    assert server.http.post("/v1/models/tiny:predict").status_code == 503
    statuses = server.http.get("/v1/models/tiny").json()["model_version_status"]
    assert {status["state"] for status in statuses} <= {"START", "LOADING"}
    assert [server.get(f"/v2/{path}") for path in ("health/live", "health/ready", "models/tiny/ready")] == [
        200,
        503,
        503,
    ]
    assert server.http.post("/v2/models/tiny/infer", json={"inputs": []}).status_code == 503


def spoilt(models: Path, target: Path, *versions: str) -> Path:
    """Return a copy of the models in which some versions of tiny are damaged, and nothing else."""
    shutil.copytree(models / "tiny", target / "tiny")
    for version in versions:
        with (target / "tiny" / version / "variables" / "variables.data-00000-of-00001").open("r+b") as file:
            file.write(b"spoilt")
    return target


def relabelled(models: Path, target: Path, name: str, edit: Callable[[Path, dict[str, Any]], Any]) -> None:
    """Copy tiny under another name, with a change that its contract and digests know of."""
    folder = target / name / "1"
    shutil.copytree(models / "tiny" / "1", folder)
    described = json.loads((folder / PLACE).read_text()) | {"name": name}
    edit(folder, described)
    describe(folder, described)


def test_without_one_usable_model_it_is_never_ready_and_says_why(models: Path, tmp_path: Path) -> None:
    folder = spoilt(models, tmp_path / "models", "1", "2")
    relabelled(models, folder, "garbled", lambda made, _: (made / "saved_model.pb").write_bytes(b"no graph"))
    relabelled(models, folder, "lacking", lambda _, d: d["signatures"].update(more=d["signatures"]["decode"]))
    relabelled(models, folder, "swapped", lambda _, d: d["signatures"].update(decode=d["signatures"]["analyse"]))
    server = Server(folder, tmp_path / "log", lame_duck_seconds=0)
    try:
        server.wait_until(lambda: server.get("/livez") == 200)
        server.wait_until(lambda: "loading" not in server.http.get("/readyz").json()["detail"])
        detail = server.http.get("/readyz").json()["detail"]
        for words in (
            "model 'tiny' version 1: variables/variables.data-00000-of-00001 differs from its digest",
            "model 'tiny' version 2: variables/variables.data-00000-of-00001 differs from its digest",
            "model 'garbled' version 1: TensorFlow can't load it",
            "model 'lacking' version 1: the SavedModel lacks the signature more",
            "model 'swapped' version 1: the signature decode of the SavedModel is not the one in the contract",
        ):
            assert words in detail
        assert server.get("/livez") == 200
        assert health(server) == NOT_SERVING
    finally:
        assert server.stop() == 0


def test_a_damaged_newest_version_is_passed_over_and_named(models: Path, tmp_path: Path) -> None:
    server = Server(spoilt(models, tmp_path / "models", "2"), tmp_path / "log", lame_duck_seconds=0)
    try:
        server.wait_until_ready()
        assert server.generate().headers["x-latentone-version"] == "1"
        states = {model["version"]: model for model in server.http.get("/v1/models").json()["models"]}
        assert (states[1]["state"], states[2]["state"]) == ("ready", "failed")
        assert "differs from its digest" in states[2]["reason"]
        refused = server.generate(version=2)
        assert refused.status_code == 503
        assert "differs from its digest" in refused.json()["detail"]
        failed, usable = server.http.get("/v1/models/tiny").json()["model_version_status"]
        assert (failed["state"], failed["status"]["error_code"]) == ("END", "UNAVAILABLE")
        assert "differs from its digest" in failed["status"]["error_message"]
        assert (usable["version"], usable["state"]) == ("1", "AVAILABLE")
        assert server.http.post("/v1/models/tiny/versions/2:predict", json={"inputs": []}).status_code == 503
        assert server.get("/v2/models/tiny/versions/2/ready") == 503
    finally:
        assert server.stop() == 0


class Load:
    """Clients of both transports that ask without a pause until told to stop."""

    def __init__(self, server: Server, clients: int, model: str = "slow") -> None:
        self.server, self.model, self.stopping = server, model, threading.Event()
        self.answered, self.lost = 0, []
        self.pool = ThreadPoolExecutor(clients)
        kinds: list[Callable[[], None]] = [self._by_http, self._by_grpc]
        self.running = [self.pool.submit(kinds[i % 2]) for i in range(clients)]

    def _by_http(self) -> None:
        with httpx.Client(base_url=self.server.url, timeout=60) as client:
            self._ask(lambda: client.post(f"/v1/generate?model={self.model}").raise_for_status())

    def _by_grpc(self) -> None:
        with grpc.insecure_channel(self.server.target, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
            ask = channel.unary_unary(
                "/latentone.v1.Synthesizer/Generate",
                request_serializer=pb.GenerateRequest.SerializeToString,
                response_deserializer=pb.GenerateResponse.FromString,
            )
            # A connection that broke is made again a moment later; calls that did not wait would fail by the thousand.
            self._ask(lambda: ask(pb.GenerateRequest(model=self.model), timeout=60, wait_for_ready=True))

    def _ask(self, once: Callable[[], object]) -> None:
        while not self.stopping.is_set():
            try:
                once()
                self.answered += 1
            except (httpx.HTTPError, grpc.RpcError) as error:
                self.lost.append(repr(error))

    def stop(self) -> None:
        """Let each client finish what it has asked."""
        self.stopping.set()
        for client in self.running:
            client.result(timeout=60)


@pytest.mark.parametrize(("workers", "sign"), [(1, signal.SIGINT), (2, signal.SIGTERM)])
def test_a_drain_under_load_loses_nothing(models: Path, tmp_path: Path, workers: int, sign: signal.Signals) -> None:
    log = tmp_path / "log"
    server = Server(models, log, workers=workers, lame_duck_seconds=1.5, default_model="slow", deadline_seconds=120)
    server.wait_until(lambda: log.read_text().count('"ready: ') == workers)
    load = Load(server, clients=8)
    server.wait_until(lambda: load.answered >= 8)
    server.process.send_signal(sign)
    time.sleep(1)  # in the lame-duck time new requests are still answered
    before = load.answered
    load.stop()
    assert load.lost == []
    assert load.answered >= before
    assert server.process.wait(timeout=60) == 0
    server.stop()


def workers(server: Server) -> list[int]:
    children = psutil.Process(server.process.pid).children(recursive=True)
    return [child.pid for child in children if any("worker" in part for part in child.cmdline())]


def test_a_worker_that_is_killed_loses_its_own_requests_only_and_is_replaced(models: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    server = Server(models, log, workers=2, default_model="tiny", lame_duck_seconds=0)
    server.wait_until(lambda: log.read_text().count('"ready: ') == 2)
    try:
        load = Load(server, clients=4, model="tiny")
        server.wait_until(lambda: load.answered >= 40)
        victim, other = workers(server)
        os.kill(victim, signal.SIGKILL)
        server.wait_until(lambda: log.read_text().count('"ready: ') == 3)
        answered = load.answered
        with httpx.Client(base_url=server.url, timeout=60) as client:
            for _ in range(10):  # on a new connection each, so that both workers are asked
                assert client.post("/v1/generate", headers={"connection": "close"}).status_code == 200
        load.stop()
        assert answered > 80
        assert len(load.lost) <= 4, load.lost  # one for each client
        assert not [lost for lost in load.lost if "loading" in lost or "503" in lost]
        assert other in workers(server)
        assert len(workers(server)) == 2
    finally:
        assert server.stop() == 0


def test_a_draining_worker_says_that_it_wants_no_more(models: Path, tmp_path: Path) -> None:
    server = Server(models, tmp_path / "log", lame_duck_seconds=3, admin_port=free_port()).wait_until_ready()
    watching = health_pb2_grpc.HealthStub(server.channel).Watch(health_pb2.HealthCheckRequest())
    assert next(watching).status == SERVING
    server.process.send_signal(signal.SIGTERM)
    assert next(watching).status == NOT_SERVING
    refused = server.http.get("/readyz")
    assert refused.status_code == 503
    assert refused.json()["detail"] == "the service is shutting down"
    assert server.http.get(f"{server.admin_url}/readyz").json()["detail"] == "the service is shutting down"
    assert server.get("/livez") == 200
    assert "latentone_ready 0.0" in server.http.get(f"{server.admin_url}/metrics").text
    assert server.generate(model="tiny").status_code == 200
    # The open stream must not keep the server.
    assert server.process.wait(timeout=20) == 0
    server.stop()


def test_two_signals_end_it_no_worse_than_one(models: Path, tmp_path: Path) -> None:
    server = Server(models, tmp_path / "log", lame_duck_seconds=1).wait_until_ready()
    answer = server.stub.Generate.future(pb.GenerateRequest(model="slow"))
    for _ in range(2):
        server.process.send_signal(signal.SIGINT)
        time.sleep(0.2)
    assert answer.result(timeout=30).clips
    assert server.process.wait(timeout=30) == 0
    server.stop()


def test_a_port_that_is_taken_is_named(server: Server, models: Path, tmp_path: Path) -> None:
    taken = {"http_port": server.http_port, "grpc_port": server.grpc_port, "admin_port": server.grpc_port}
    for name, port in taken.items():
        second = Server(models, tmp_path / "log", **{name: port})
        assert second.process.wait(timeout=30) == 2
        assert f"LATENTONE_{name.upper()}={port}: can't listen" in second.log.read_text()
        second.stop()


def test_a_drain_fades_streams_out_and_ends_them(models: Path, tmp_path: Path) -> None:
    server = Server(models, tmp_path / "log", default_model="slow", lame_duck_seconds=1).wait_until_ready()
    wanted = {"seconds": 60.0, "format": "f32"}  # minutes of work
    messages = server.stub.GenerateStream(pb.GenerateStreamRequest(**wanted))
    with server.http.stream("POST", "/v1/generate_stream", json=wanted) as answer:
        parts = answer.iter_raw()
        heard = [next(parts), next(messages).audio]
        server.process.send_signal(signal.SIGTERM)
        heard = [heard[0] + b"".join(parts), heard[1] + b"".join(message.audio for message in messages)]  # no failure
    for sound in (np.frombuffer(data, "<f4") for data in heard):
        assert 0 < len(sound) < 60 * RATE_HZ
        assert abs(sound[-1]) < 0.01
        assert np.abs(sound).max() > 0.1
    assert server.process.wait(timeout=60) == 0
    assert "Traceback" not in server.log.read_text()
    server.stop()
