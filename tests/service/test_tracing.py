"""Traces of a real server, as a collector of OTLP over HTTP receives them."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from service import tracing
from service.conventions import GrpcCall
from service.generated.latentone.v1 import synthesizer_pb2 as pb
from service.settings import SettingsError
from tests.service.conftest import LIMITS, Server
from tests.service.test_access import lines

SERVER, INTERNAL = 2, 1  # kinds of a span
ERROR = 2


class Collector(ThreadingHTTPServer):
    """Takes spans."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.spans: list[Any] = []
        self.resources: list[dict[str, Any]] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def of(self, trace_id: str) -> dict[str, Any]:
        """Return the spans of a trace by their names."""
        return {span.name: span for span in list(self.spans) if span.trace_id.hex() == trace_id}


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        assert self.path == "/v1/traces"
        body = self.rfile.read(int(self.headers["content-length"]))
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.server.resources.append(values(group.resource.attributes))
            self.server.spans += [span for scope in group.scope_spans for span in scope.spans]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def values(attributes: Any) -> dict[str, Any]:
    return {entry.key: getattr(entry.value, entry.value.WhichOneof("value")) for entry in attributes}


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    server = Collector()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def traced(
    models: Path, disk_server: Server, collector: Collector, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Return a server that is traced; another one computes for it, so that it starts at once."""
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
    }
    os.environ |= variables
    log = tmp_path_factory.mktemp("log") / "traced.log"
    started = Server(models, log, backend=f"grpc://{disk_server.target}", **LIMITS)
    for name in variables:
        del os.environ[name]
    yield started.wait_until_ready()
    assert started.stop() == 0


def parent() -> tuple[str, str, str]:
    """Return a trace, a span in it, and the header that says both."""
    trace_id, span_id = secrets.token_hex(16), secrets.token_hex(8)
    return trace_id, span_id, f"00-{trace_id}-{span_id}-01"


def arrived(traced: Server, collector: Collector, trace_id: str, name: str) -> dict[str, Any]:
    traced.wait_until(lambda: name in collector.of(trace_id))
    return collector.of(trace_id)


def check_stages(spans: dict[str, Any], name: str, above: str) -> dict[str, Any]:
    """Hold a trace to its form: one span for the request, below the client's, and its stages in order below that."""
    request = spans.pop(name)
    assert (request.kind, request.parent_span_id.hex()) == (SERVER, above)
    assert [*spans] == ["queue", "generate", "encode"]
    for stage in spans.values():
        assert (stage.kind, stage.parent_span_id) == (INTERNAL, request.span_id)
        assert request.start_time_unix_nano <= stage.start_time_unix_nano <= stage.end_time_unix_nano
        assert stage.end_time_unix_nano <= request.end_time_unix_nano
    queue, generate, encode = spans.values()
    assert queue.end_time_unix_nano <= generate.start_time_unix_nano + 1_000_000
    assert generate.end_time_unix_nano <= encode.start_time_unix_nano
    return values(request.attributes)


def test_a_request_over_http_is_a_span_with_its_stages(traced: Server, collector: Collector) -> None:
    trace_id, above, header = parent()
    sent = {"traceparent": header, "x-request-id": "traced-http"}
    assert traced.http.post("/v1/generate?seed=424242", headers=sent).status_code == 200
    told = check_stages(arrived(traced, collector, trace_id, "POST /v1/generate"), "POST /v1/generate", above)
    assert told == {
        "http.request.method": "POST",
        "http.route": "/v1/generate",
        "http.response.status_code": 200,
        "url.path": "/v1/generate",
        "url.scheme": "http",
        "latentone.operation": "generate",
        "latentone.model": "tiny",
        "latentone.request_id": "traced-http",
    }
    assert collector.resources[-1]["service.name"] == "latentone"
    assert collector.resources[-1]["deployment.environment.name"] == "test"
    assert lines(traced, "traced-http")[-1]["trace_id"] == trace_id


def test_a_call_over_grpc_is_a_span_with_its_stages(traced: Server, collector: Collector) -> None:
    trace_id, above, header = parent()
    traced.stub.Generate(pb.GenerateRequest(seed=3), metadata=(("traceparent", header),))
    name = "latentone.v1.Synthesizer/Generate"
    told = check_stages(arrived(traced, collector, trace_id, name), name, above)
    told.pop("latentone.request_id")
    assert told == {
        "rpc.system.name": "grpc",
        "rpc.method": name,
        "rpc.response.status_code": "OK",
        "latentone.operation": "generate",
        "latentone.model": "tiny",
    }


def test_what_a_client_makes_up_names_no_span(traced: Server, collector: Collector) -> None:
    trace_id, _, header = parent()
    assert traced.http.post("/surprise/surprise", headers={"traceparent": header}).status_code == 404
    (span,) = arrived(traced, collector, trace_id, "POST").values()
    assert values(span.attributes)["http.response.status_code"] == 404
    assert span.status.code != ERROR
    trace_id, _, header = parent()
    with pytest.raises(grpc.RpcError):
        traced.channel.unary_unary("/surprise.Service/Surprise")(b"", metadata=(("traceparent", header),))
    (span,) = arrived(traced, collector, trace_id, "_OTHER").values()
    assert (span.status.code, values(span.attributes)["error.type"]) == (ERROR, "UNIMPLEMENTED")


def test_a_request_of_no_trace_begins_one_and_health_is_not_traced(traced: Server, collector: Collector) -> None:
    collector.spans.clear()
    for path in ("/readyz", "/metrics", "/"):
        traced.get(path)
    traced.http.get("/v1/models", headers={"traceparent": "00-nonsense", "x-request-id": "untraced"})
    trace_id = lines(traced, "untraced")[-1]["trace_id"]
    (span,) = arrived(traced, collector, trace_id, "GET /v1/models").values()
    assert span.parent_span_id == b""
    assert [span.name for span in collector.spans] == ["GET /v1/models"]


def test_the_last_spans_are_sent_at_the_end(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server_port}")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "600000")
    last = tracing.Tracing()
    last.start()
    trace = last.begin(GrpcCall(), {})
    assert trace is not None
    trace.end("Last", "OK", {})
    last.stop()
    assert [*collector.of(trace.trace_id)] == ["Last"]


def test_without_a_collector_there_are_no_traces(disk_server: Server) -> None:
    disk_server.http.get("/v1/models", headers={"x-request-id": "off"})
    assert "trace_id" not in lines(disk_server, "off")[-1]
    assert not tracing.wanted()


def test_another_protocol_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317")
    assert tracing.wanted()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    with pytest.raises(SettingsError, match="OTEL_EXPORTER_OTLP_PROTOCOL=grpc: traces are sent as http/protobuf"):
        tracing.wanted()
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert not tracing.wanted()
