"""Small real servers that stand in for a service and answer as they are told, one answer after another."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc

from latentone_client.generated.latentone.v1 import synthesizer_pb2 as pb
from latentone_client.generated.latentone.v1.synthesizer_pb2_grpc import (
    SynthesizerServicer,
    add_SynthesizerServicer_to_server,
)
from tests.service.conftest import free_port

STATUS = {
    "invalid": (400, grpc.StatusCode.INVALID_ARGUMENT),
    "unauthenticated": (401, grpc.StatusCode.UNAUTHENTICATED),
    "not_found": (404, grpc.StatusCode.NOT_FOUND),
    "too_large": (413, grpc.StatusCode.RESOURCE_EXHAUSTED),
    "busy": (429, grpc.StatusCode.RESOURCE_EXHAUSTED),
    "internal": (500, grpc.StatusCode.INTERNAL),
    "not_ready": (503, grpc.StatusCode.UNAVAILABLE),
    "deadline": (504, grpc.StatusCode.DEADLINE_EXCEEDED),
}


@dataclass(frozen=True)
class Says:
    """One answer: an empty list of models, or a failure."""

    kind: str = ""
    retry_after: str = ""
    after_s: float = 0.0
    leaves: bool = False  # closes the connection in place of an answer
    raw: tuple[int, str] | None = None  # over HTTP: a status and a page
    drips: bool = False  # over HTTP: a byte now and then, for ever


class Stand:
    """Says its answers in turn, the last one again and again. `times`: when each request came."""

    def __init__(self, *script: Says) -> None:
        self.script, self.times = script, list[float]()
        self.url, self.port = "", free_port()
        self._lock = threading.Lock()

    def next(self) -> Says:
        """Return the next answer."""
        with self._lock:
            self.times.append(time.monotonic())
            said = self.script[min(len(self.times), len(self.script)) - 1]
        time.sleep(said.after_s)
        return said


@contextmanager
def http_stand(stand: Stand) -> Iterator[Stand]:
    """Serve it over HTTP."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            said = stand.next()
            if said.leaves:
                self.close_connection = True
                return
            status, headers, body = _http(said)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(1_000_000 if said.drips else len(body)))
            self.end_headers()
            self.wfile.write(body)
            while said.drips:
                time.sleep(0.05)
                self.wfile.write(b" ")

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            pass

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:
                self.close_connection = True  # the client has left

    server = ThreadingHTTPServer(("127.0.0.1", stand.port), Handler)
    stand.url = f"http://127.0.0.1:{stand.port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield stand
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _http(said: Says) -> tuple[int, dict[str, str], bytes]:
    headers = {"Retry-After": said.retry_after} if said.retry_after else {}
    if said.raw:
        return said.raw[0], headers, said.raw[1].encode()
    if not said.kind:
        return 200, headers, b'{"models": []}'
    problem = {"type": f"urn:latentone:{said.kind}", "detail": f"said {said.kind}"}
    return STATUS[said.kind][0], headers, json.dumps(problem).encode()


@contextmanager
def grpc_stand(stand: Stand) -> Iterator[Stand]:
    """Serve it over gRPC."""
    server = grpc.server(ThreadPoolExecutor(8))

    class Servicer(SynthesizerServicer):
        def GenerateStream(self, request: pb.GenerateStreamRequest, context: grpc.ServicerContext) -> Any:  # noqa: N802
            self.ListModels(pb.ListModelsRequest(), context)
            yield from ()

        def ListModels(self, request: pb.ListModelsRequest, context: grpc.ServicerContext) -> Any:  # noqa: N802
            said = stand.next()
            if said.leaves:
                server.stop(0)
                time.sleep(0.2)
            if said.kind:
                trailer = [("server-timing", "total;dur=1.00")]
                trailer += [("retry-after", said.retry_after)] if said.retry_after else []
                context.set_trailing_metadata(tuple(trailer))
                context.abort(STATUS[said.kind][1], f"said {said.kind}")
            return pb.ListModelsResponse()

    add_SynthesizerServicer_to_server(Servicer(), server)
    server.add_insecure_port(f"127.0.0.1:{stand.port}")
    stand.url = f"grpc://127.0.0.1:{stand.port}"
    server.start()
    try:
        yield stand
    finally:
        server.stop(0).wait()


STANDS = {"http": http_stand, "grpc": grpc_stand}
