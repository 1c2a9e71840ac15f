"""A server between a service and its fleet, which can stop, hang, refuse, and spoil what passes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

PREDICT = "/tensorflow.serving.PredictionService/Predict"


class StandIn(grpc.GenericRpcHandler):
    """Passes every call on to a real server, until told otherwise."""

    def __init__(self, target: str, port: int) -> None:
        self.port = port
        self._behind = grpc.insecure_channel(target)
        self._server: grpc.Server | None = None
        self.forgive()

    def forgive(self) -> None:
        """Pass everything on again, and count from nothing."""
        self.spoil: Callable[[bytes], bytes] = lambda answer: answer
        self.status: grpc.StatusCode | None = None
        self.words = ""
        self.go = threading.Event()
        self.go.set()
        self.seconds: list[float] = []  # that each predict was given

    def start(self, *, healthy: bool = True) -> StandIn:
        """Listen."""
        self._server = grpc.server(ThreadPoolExecutor(16), options=[("grpc.so_reuseport", 0)])
        self._server.add_generic_rpc_handlers((self,))
        servicer = health.HealthServicer()
        states = health_pb2.HealthCheckResponse
        servicer.set("", states.SERVING if healthy else states.NOT_SERVING)
        health_pb2_grpc.add_HealthServicer_to_server(servicer, self._server)
        assert self._server.add_insecure_port(f"127.0.0.1:{self.port}") == self.port
        self._server.start()
        return self

    def stop(self) -> None:
        """End as if killed."""
        self.go.set()
        if self._server is not None:
            self._server.stop(None).wait()

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Return what answers a call."""
        if "tensorflow" not in details.method:
            return None

        def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
            if details.method == PREDICT:
                self.seconds.append(context.time_remaining())
                end = time.monotonic() + 30
                while not self.go.wait(0.05) and context.is_active() and time.monotonic() < end:
                    pass
                if self.status is not None:
                    context.abort(self.status, self.words)
            try:
                made: bytes = self._behind.unary_unary(details.method)(request, timeout=30)
            except grpc.RpcError as refused:
                context.abort(refused.code(), refused.details())
            return self.spoil(made) if details.method == PREDICT else made

        return grpc.unary_unary_rpc_method_handler(answer)
