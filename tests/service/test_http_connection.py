"""What an HTTP connection bears: heads without an end, clients that say nothing and clients that don't read."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import uvicorn

from service import http_connection
from service.http_connection import MOST_HEAD, HttpConnection
from tests.service.conftest import free_port

ANSWER = bytes(2**24)  # more than sockets hold


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer GET /large and /stream with a lot, in pieces, and everything else with what came."""
    body, is_large = bytearray(), scope["path"] in ("/large", "/stream")
    while not is_large:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    length = [(b"content-length", b"%d" % len(ANSWER))] if scope["path"] == "/large" else []
    await send({"type": "http.response.start", "status": 200, "headers": length})
    for start in range(0, len(ANSWER), 2**16) if is_large else ():
        await send({"type": "http.response.body", "body": ANSWER[start : start + 2**16], "more_body": True})
    await send({"type": "http.response.body", "body": bytes(body)})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[uvicorn.Server]:
    """Return a web server whose patience is short."""
    monkeypatch.setattr(http_connection, "HEAD_S", 0.5)
    monkeypatch.setattr(http_connection, "STALL_S", 0.5)
    monkeypatch.setattr(HttpConnection, "stream_s", 1.5)
    port = free_port()
    config = uvicorn.Config(app, port=port, http=HttpConnection, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server
    server.should_exit = True
    thread.join()


def connect(server: uvicorn.Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.config.port), timeout=20)


def last_words(connection: socket.socket) -> bytes:
    """Return all that comes until the server closes."""
    said = bytearray()
    try:
        while piece := connection.recv(2**16):
            said += piece
    except ConnectionResetError:
        pass
    return bytes(said)


@pytest.mark.parametrize("start", [b"GET / HTTP/1.1\r\n", b"GET /?", b"GET / HTTP/1.1\r\nx: ", b"POST / HTTP/1.1\r\n"
                                   b"transfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n"])  # fmt: skip
def test_a_head_without_an_end_is_refused(server: uvicorn.Server, start: bytes) -> None:
    line = b"x: y\r\n" if start.endswith(b"\r\n") else b"xxxx"
    with connect(server) as connection:
        try:
            connection.sendall(start + line * (2 * 2**20 // len(line)))
        except (ConnectionResetError, BrokenPipeError):
            return
        assert b" 400 " in last_words(connection)


def test_heads_and_bodies_within_the_bounds_pass(server: uvicorn.Server) -> None:
    body = bytes(range(256)) * 2**13
    with httpx.Client(base_url=f"http://127.0.0.1:{server.config.port}") as client:
        for _ in range(3):  # over one connection
            answer = client.post("/", content=body, headers={"x": "y" * (MOST_HEAD // 2)})
            assert answer.content == body
        assert client.get("/large").content == ANSWER


@pytest.mark.parametrize("start", [b"", b"GET / HTTP/1.1\r\nx: y\r\n"])
def test_whoever_says_nothing_is_not_waited_for(server: uvicorn.Server, start: bytes) -> None:
    with connect(server) as connection:
        connection.sendall(start)
        assert last_words(connection) == b""


def test_a_request_may_take_longer_than_its_head(server: uvicorn.Server) -> None:
    with connect(server) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\ncontent-length: 2\r\nconnection: close\r\n\r\na")
        time.sleep(1.0)
        connection.sendall(b"b")
        assert last_words(connection).endswith(b"ab\r\n0\r\n\r\n")


@pytest.mark.parametrize("path", [b"/large", b"/stream"])
def test_whoever_does_not_read_is_left(server: uvicorn.Server, path: bytes) -> None:
    with connect(server) as connection:
        connection.sendall(b"GET " + path + b" HTTP/1.1\r\n\r\n")
        deadline = time.monotonic() + 20
        while server.server_state.tasks or not server.server_state.total_requests:
            time.sleep(0.05)
            assert time.monotonic() < deadline
            if not server.server_state.connections:
                break
        assert not server.server_state.connections
        assert len(last_words(connection)) < len(ANSWER)


def test_who_hears_a_stream_may_take_longer(server: uvicorn.Server) -> None:
    with connect(server) as connection:
        connection.sendall(b"GET /stream HTTP/1.1\r\nconnection: close\r\n\r\n")
        time.sleep(1.0)
        heard = last_words(connection)
        assert heard.count(b"\0") == len(ANSWER)
