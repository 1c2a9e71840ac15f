"""API keys on both transports and for every protocol, in a real server."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from latentone_client import Busy, Client, Retries, Unauthenticated
from service.generated.inference import open_inference_pb2 as v2
from service.generated.inference.open_inference_pb2_grpc import GRPCInferenceServiceStub
from service.generated.latentone.v1 import synthesizer_pb2 as pb
from service.keys import line_of, make_key
from tests.service.conftest import ROOT, Server, free_port

ALICE, SLOW, CAROL = make_key(), make_key(), make_key()
NEVER = Retries(most=0)
STRANGERS: list[tuple[tuple[str, str], ...]] = [
    (),
    (("authorization", f"Bearer {make_key()}"),),
    (("authorization", f"Bearer {ALICE}x"),),
    (("authorization", f"Bearer {ALICE[:-1]}"),),
    (("authorization", ALICE),),
    (("authorization", f"Basic {ALICE}"),),
    (("authorization", "Bearer"),),
    (("authorization", ""),),
    (("x-api-key", ALICE),),
    (("authorization", f"Bearer {ALICE}"), ("authorization", f"Bearer {ALICE}")),
]
RELOAD, STATUS, PREDICT = (
    f"/tensorflow.serving.{name}"
    for name in (
        "ModelService/HandleReloadConfigRequest",
        "ModelService/GetModelStatus",
        "PredictionService/Predict",
    )
)


@pytest.fixture(scope="module")
def kept(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a service with keys in a file (alice, slow, carol the admin)."""
    folder = tmp_path_factory.mktemp("keys")
    lines = [line_of("alice", ALICE), line_of("slow", SLOW, rate=0.01, burst=2), line_of("carol", CAROL, admin=True)]
    (folder / "keys.txt").write_text("# who may ask\n\n" + "\n".join(lines) + "\n")
    started = Server(
        models,
        folder / "log",
        default_model="tiny",
        lame_duck_seconds=0,
        api_keys_file=folder / "keys.txt",
        api_keys=line_of("dora", make_key()),
        admin_port=free_port(),
    )
    yield started.wait_until_ready()
    started.stop()


def bearer(key: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {key}"),)


def raw(server: Server, method: str, metadata: Any) -> grpc.StatusCode:
    """Return the status of a call whose message is empty."""
    try:
        server.channel.unary_unary(method)(b"", metadata=metadata, timeout=20)
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


@pytest.mark.parametrize("headers", STRANGERS)
def test_a_stranger_is_refused_on_both_transports(kept: Server, headers: Any) -> None:
    answer = kept.http.post("/v1/generate", headers=list(headers), content=b"{")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["type"] == "urn:latentone:unauthenticated"
    with pytest.raises(grpc.RpcError) as refused:
        kept.stub.Generate(pb.GenerateRequest(count=10**6), metadata=headers)
    assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
    assert refused.value.details() == answer.json()["detail"]
    for secret in (ALICE, "alice", "carol", str(kept.log.parent)):
        assert secret not in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models",
        "/v1/models/tiny",
        "/v1/models/tiny/metadata",
        "/v2",
        "/v2/models/tiny",
        "/metrics",
        "/",
        "/docs.json",
        "/nothing/here",
        "/static_content/swagger-ui.css",
        "/livez/",
        "//livez",
        "/v2/health/live/../../models/tiny",
    ],
)
def test_every_path_but_health_needs_a_key(kept: Server, path: str) -> None:
    assert kept.http.get(path).status_code == 401
    assert kept.http.get(path, headers=dict(bearer(ALICE))).status_code != 401


@pytest.mark.parametrize("path", ["/generate", "/decode", "/v1/models/tiny:predict", "/v2/models/tiny/infer"])
def test_no_protocol_is_a_way_around(kept: Server, path: str) -> None:
    assert kept.http.post(path, json={}).status_code == 401
    assert kept.http.post(path, json={}, headers=dict(bearer(ALICE))).status_code != 401


def test_no_grpc_service_is_a_way_around(kept: Server) -> None:
    for method in (PREDICT, STATUS, RELOAD, "/latentone.v1.Synthesizer/ListModels", "/no.Service/Method"):
        assert raw(kept, method, ()) == grpc.StatusCode.UNAUTHENTICATED, method
        assert raw(kept, method, bearer(ALICE)) != grpc.StatusCode.UNAUTHENTICATED, method
    stub = GRPCInferenceServiceStub(kept.channel)
    with pytest.raises(grpc.RpcError, match="UNAUTHENTICATED"):
        stub.ModelMetadata(v2.ModelMetadataRequest(name="tiny"))
    assert stub.ModelMetadata(v2.ModelMetadataRequest(name="tiny"), metadata=bearer(ALICE)).name == "tiny"
    with pytest.raises(grpc.RpcError, match="UNAUTHENTICATED"):
        list(kept.stub.GenerateStream(pb.GenerateStreamRequest()))
    assert list(kept.stub.GenerateStream(pb.GenerateStreamRequest(seconds=0.1), metadata=bearer(ALICE)))
    reflected = reflection_pb2_grpc.ServerReflectionStub(kept.channel).ServerReflectionInfo
    with pytest.raises(grpc.RpcError, match="UNAUTHENTICATED"):
        next(reflected(iter([reflection_pb2.ServerReflectionRequest(list_services="")])))


def test_health_needs_none(kept: Server) -> None:
    for path in ("/livez", "/readyz", "/v2/health/live", "/v2/health/ready"):
        assert kept.get(path) == 200
    assert health_pb2_grpc.HealthStub(kept.channel).Check(health_pb2.HealthCheckRequest()).status == 1
    assert GRPCInferenceServiceStub(kept.channel).ServerLive(v2.ServerLiveRequest()).live


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_the_client_sends_its_key(kept: Server, scheme: str) -> None:
    url = kept.url if scheme == "http" else f"grpc://{kept.target}"
    with Client(url, api_key=ALICE) as client:
        assert client.generate(seed=1).model == "tiny"
    with Client(url, api_key="wrong") as client, pytest.raises(Unauthenticated):
        client.generate(seed=1)
    command = [sys.executable, "-m", "latentone_client", "models", "--url", url]
    environment = {**os.environ, "LATENTONE_KEY": ""}
    refused = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert "--key" in refused.stderr
    done = subprocess.run(
        command, cwd=ROOT, env=environment | {"LATENTONE_KEY": ALICE}, capture_output=True, text=True, check=True
    )
    assert "tiny" in done.stdout


def test_a_key_asks_no_more_than_its_rate_over_both_transports_together(kept: Server) -> None:
    """Of two requests at once, one may come by each transport; both know then when there is another."""
    with (
        Client(kept.url, api_key=SLOW, retries=NEVER) as http,
        Client(f"grpc://{kept.target}", api_key=SLOW, retries=NEVER) as by_grpc,
    ):
        http.models()
        by_grpc.models()
        for client in (http, by_grpc):
            with pytest.raises(Busy, match="2 times at once") as refused:
                client.models()
            assert 1 <= (refused.value.retry_after_s or 0) <= 100
    answer = kept.http.get("/v1/models", headers=dict(bearer(SLOW)))
    assert answer.status_code == 429
    assert answer.json()["type"] == "urn:latentone:rate_limited"
    assert kept.http.get("/v1/models", headers=dict(bearer(ALICE))).status_code == 200


def test_admin_calls_are_for_admin_keys(kept: Server) -> None:
    assert raw(kept, RELOAD, bearer(ALICE)) == grpc.StatusCode.PERMISSION_DENIED
    for key, status in ((ALICE, 403), (CAROL, 200)):
        assert kept.http.post("/v1/models:reload", headers=dict(bearer(key))).status_code == status
    assert raw(kept, RELOAD, bearer(CAROL)) == grpc.StatusCode.OK
    assert raw(kept, RELOAD, bearer(ALICE)) == grpc.StatusCode.PERMISSION_DENIED


def test_the_admin_port_asks_for_keys_too(kept: Server) -> None:
    refused = kept.http.get(f"{kept.admin_url}/metrics")
    assert (refused.status_code, refused.headers["content-type"]) == (401, "application/problem+json")
    assert kept.get(f"{kept.admin_url}/readyz") == 200


def test_refusals_are_counted(kept: Server) -> None:
    kept.get("/v1/models")
    text = kept.http.get(f"{kept.admin_url}/metrics", headers=dict(bearer(ALICE))).text
    assert 'latentone_rejected_total{reason="unauthenticated"}' in text


def test_a_revoked_key_is_refused_without_a_restart(kept: Server) -> None:
    """Last here: it takes alice's key away, from a connection that she has open."""
    place = kept.log.parent / "keys.txt"
    was = place.read_text()
    assert kept.http.get("/v1/models", headers=dict(bearer(ALICE))).status_code == 200
    place.write_text("")  # as a write that is under way leaves it
    time.sleep(1.2)
    assert kept.http.get("/v1/models", headers=dict(bearer(ALICE))).status_code == 200
    place.write_text("\n".join(line for line in was.splitlines() if not line.startswith("alice")))
    kept.wait_until(lambda: kept.http.get("/v1/models", headers=dict(bearer(ALICE))).status_code == 401)
    assert raw(kept, "/latentone.v1.Synthesizer/ListModels", bearer(ALICE)) == grpc.StatusCode.UNAUTHENTICATED
    assert raw(kept, "/latentone.v1.Synthesizer/ListModels", bearer(CAROL)) == grpc.StatusCode.OK
