"""The log of a real server: a line a request on both transports, with its id, and nothing of what was sent."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import grpc
import pytest

from service import access
from service.generated.latentone.v1 import synthesizer_pb2 as pb
from service.logs import JsonLines, PlainLines
from tests.service.conftest import Server


def lines(server: Server, request_id: str) -> list[dict[str, Any]]:
    """Return the lines of one request, once there is one that ends it."""

    def found() -> list[dict[str, Any]]:
        entries = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
        return [entry for entry in entries if entry.get("request_id") == request_id]

    server.wait_until(lambda: any("code" in entry for entry in found()))
    return found()


def test_a_request_over_http_has_one_line_and_its_id(server: Server) -> None:
    answer = server.http.post("/v1/generate?seed=424242", headers={"x-request-id": "one-http"}, json={"label": "two"})
    assert answer.headers["x-request-id"] == "one-http"
    (line,) = lines(server, "one-http")
    assert (line["transport"], line["path"], line["operation"]) == ("http", "/v1/generate", "generate")
    assert (line["model"], line["code"], line["level"]) == ("tiny", "200", "info")
    assert 0 < line["stages"]["generate"] < line["seconds"]
    assert "424242" not in json.dumps(line)


def test_a_call_over_grpc_has_one_line_and_its_id(server: Server) -> None:
    metadata = (("x-request-id", "one-grpc"), ("authorization", "Bearer secret"))
    _, call = server.stub.Generate.with_call(pb.GenerateRequest(seed=424242), metadata=metadata)
    assert dict(call.trailing_metadata())["x-request-id"] == "one-grpc"
    (line,) = lines(server, "one-grpc")
    assert (line["transport"], line["path"]) == ("grpc", "latentone.v1.Synthesizer/Generate")
    assert (line["operation"], line["model"], line["code"]) == ("generate", "tiny", "OK")
    assert "424242" not in json.dumps(line)
    assert "secret" not in server.log.read_text()


def test_what_fails_is_told_in_one_line_too(server: Server) -> None:
    for name, path, body, code in (
        ("bad", "/v1/generate", {"count": 0}, "400"),
        ("gone", "/nothing/at/all", {}, "404"),
        ("large", "/v1/generate", {"label": "x" * 2**21}, "413"),
    ):
        server.http.post(path, headers={"x-request-id": name}, json=body)
        (line,) = lines(server, name)
        assert (line["path"], line["code"]) == (path, code)
    for name, method, code in (("odd", "/no.Service/Method", "UNIMPLEMENTED"),):
        with pytest.raises(grpc.RpcError):
            server.channel.unary_unary(method)(b"", metadata=(("x-request-id", name),))
        (line,) = lines(server, name)
        assert line["code"] == code
    with pytest.raises(grpc.RpcError) as refused:
        server.stub.Generate(pb.GenerateRequest(label="x"), metadata=(("x-request-id", "label"),))
    assert dict(refused.value.trailing_metadata())["x-request-id"] == "label"
    assert [line["code"] for line in lines(server, "label")] == ["INVALID_ARGUMENT"]


@pytest.mark.parametrize("given", ["", "a b", 'x"y', "x" * 129, "{}", "ä"])
def test_an_id_that_is_none_is_replaced(server: Server, given: str) -> None:
    answer = server.http.get("/v1/models", headers={"x-request-id": given.encode()})
    made = answer.headers["x-request-id"]
    assert made != given
    assert len(made) == 32
    assert lines(server, made)


def test_health_is_not_told(server: Server) -> None:
    server.http.get("/readyz", headers={"x-request-id": "health"})
    server.http.get("/v1/models", headers={"x-request-id": "after"})
    lines(server, "after")
    assert '"health"' not in server.log.read_text()


def test_no_client_begins_a_line_of_its_own() -> None:
    access.begin("http", "id-7", "/a\nready: b")
    record = logging.LogRecord("x", logging.INFO, "", 0, "http /a\nready: %s", ("b\r\x1b",), None)
    for form in (PlainLines(), JsonLines()):
        line = form.format(record)
        assert len(line.splitlines()) == 1
        assert "\x1b" not in line
        assert "id-7" in line
    access.current.set(None)


def test_a_defect_has_its_traceback_in_the_same_line() -> None:
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "failed", (), sys.exc_info())
    line = JsonLines().format(record)
    assert "\n" not in line
    assert "RuntimeError: broken" in json.loads(line)["error"]
    assert "RuntimeError: broken" in PlainLines().format(record)
