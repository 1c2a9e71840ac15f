"""The door of gRPC: a call gets its id, and without a key that counts is refused before its message is read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import grpc
from grpc import aio

from service import access
from service.conventions import GrpcCall
from service.door import HEADER, OPERATIONS, Door
from service.errors import Failure
from service.grpc_exchange import Context, Exchanges
from service.grpc_reading import Handler, reading
from service.intake import Intake
from service.tracing import Tracing

ROOMS = {
    "grpc.health.v1.Health": "health",
    "grpc.reflection.v1alpha.ServerReflection": "docs",
    "inference.GRPCInferenceService/ServerLive": "health",
    "inference.GRPCInferenceService/ServerReady": "health",
}


class GrpcDoor(aio.ServerInterceptor):  # type: ignore[type-arg] # it takes none at run time
    """Interceptor of every call."""

    def __init__(self, door: Door, exchanges: Exchanges, tracing: Tracing, intake: Intake) -> None:
        self._door, self._exchanges, self._tracing, self._intake = door, exchanges, tracing, intake

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler:
        """Return what answers the call."""
        method = handler_call_details.method.lstrip("/")
        sent = [(name, str(value)) for name, value in handler_call_details.invocation_metadata or ()]
        given = [value for name, value in sent if name == HEADER]
        room = ROOMS.get(method) or ROOMS.get(method.partition("/")[0], OPERATIONS)
        request = access.begin("grpc", dict(sent).get(access.REQUEST_ID, ""), method, routine=room != OPERATIONS)
        if not request.routine:
            request.trace = self._tracing.begin(GrpcCall(), dict(sent))
        try:
            self._door.admit(given, room)
        except Failure as failure:
            return self._refusing(failure)
        handler = await continuation(handler_call_details)
        if handler is None:
            request.end(grpc.StatusCode.UNIMPLEMENTED.name)
            return handler
        request.route = method
        return reading(handler, self._exchanges, self._intake)

    def _refusing(self, failure: Failure) -> Handler:
        async def refuse(_messages: AsyncIterator[bytes], context: Context) -> None:
            async with self._exchanges.call(context, "refused"):
                raise failure

        return grpc.stream_stream_rpc_method_handler(refuse)  # of streams no message is read before the answer
