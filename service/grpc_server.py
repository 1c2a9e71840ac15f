"""The gRPC server of a worker: all services, health and reflection on one port that workers share."""

from __future__ import annotations

import asyncio

import grpc
from grpc import aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from service import serving_api
from service.admin import Admin
from service.door import Door
from service.generated.inference import open_inference_pb2
from service.generated.inference.open_inference_pb2_grpc import add_GRPCInferenceServiceServicer_to_server
from service.generated.latentone.v1 import synthesizer_pb2
from service.generated.latentone.v1.synthesizer_pb2_grpc import add_SynthesizerServicer_to_server
from service.grpc_api import Synthesizer
from service.grpc_door import GrpcDoor
from service.grpc_exchange import Exchanges
from service.inference_grpc import InferenceService
from service.intake import Intake
from service.metrics import Metrics
from service.operations import Operations
from service.settings import Settings
from service.tls import read_tls
from service.tracing import Tracing

NAMES = (
    synthesizer_pb2.DESCRIPTOR.services_by_name["Synthesizer"].full_name,
    open_inference_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"].full_name,
    serving_api.PREDICTION,
    serving_api.MODEL,
)
SETTLE_S = 0.05  # for a call that had arrived, but not yet begun
FAREWELL_S = 0.2  # for streams that never end by themselves, as Health.Watch


class GrpcServer:
    """Started and stopped by the worker's lifecycle."""

    def __init__(
        self,
        operations: Operations,
        metrics: Metrics,
        settings: Settings,
        *,
        door: Door,
        admin: Admin,
        tracing: Tracing,
        intake: Intake,
    ) -> None:
        """Needs the running event loop."""
        self._exchanges = exchanges = Exchanges(metrics, settings.deadline_seconds)
        self._health = health.aio.HealthServicer()  # type: ignore[attr-defined] # the stubs lack it
        longest_s = settings.deadline_seconds + settings.max_stream_seconds
        self._server = aio.server(
            interceptors=(GrpcDoor(door, exchanges, tracing, intake),),
            options=[
                ("grpc.so_reuseport", 1),
                ("grpc.max_receive_message_length", settings.body_limit),
                # One connection stays with one worker, so connections are renewed now and then.
                ("grpc.max_connection_age_ms", int(settings.grpc_connection_seconds * 1000)),
                # A stream that is heard as it comes ends within this; other calls have their own, shorter bound.
                ("grpc.max_connection_age_grace_ms", int(longest_s * 1000)),
            ],
        )
        add_SynthesizerServicer_to_server(Synthesizer(operations, exchanges), self._server)
        add_GRPCInferenceServiceServicer_to_server(InferenceService(operations, exchanges), self._server)
        self._server.add_generic_rpc_handlers(serving_api.handlers(operations, exchanges, admin))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        if settings.reflection:
            names = (*NAMES, health.SERVICE_NAME, reflection.SERVICE_NAME)
            reflection.enable_server_reflection(names, self._server)
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        self._add_port(f"{host}:{settings.grpc_port}", settings)

    async def prepare(self) -> None:
        """The health is NOT_SERVING until `open`."""
        await self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)

    async def start(self) -> None:
        """Begin to listen."""
        await self._server.start()

    async def open(self) -> None:
        """Say that requests are answered."""
        await self._set_health(health_pb2.HealthCheckResponse.SERVING)

    async def lose(self) -> None:
        """Say that no more requests are wanted until `open` is called again."""
        await self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)

    async def refuse(self) -> None:
        """Say that no more requests are wanted; they are still answered."""
        await self._health.enter_graceful_shutdown()

    async def stop(self, grace_s: float) -> None:
        """Take no more calls, wait at most `grace_s` for those that run, and close."""
        stopping = asyncio.ensure_future(self._server.stop(grace_s))
        await asyncio.sleep(SETTLE_S)
        idle = asyncio.ensure_future(self._exchanges.idle())
        await asyncio.wait((stopping, idle), return_when=asyncio.FIRST_COMPLETED)
        idle.cancel()
        await self._server.stop(FAREWELL_S)
        await stopping

    def _add_port(self, address: str, settings: Settings) -> None:
        tls = read_tls(settings)
        if tls is None:
            self._server.add_insecure_port(address)
            return
        mutual = tls.client_ca is not None
        pairs = [(tls.key, tls.certificate)]
        self._server.add_secure_port(address, grpc.ssl_server_credentials(pairs, tls.client_ca, mutual))

    async def _set_health(self, status: int) -> None:
        for name in ("", *NAMES):
            await self._health.set(name, status)
