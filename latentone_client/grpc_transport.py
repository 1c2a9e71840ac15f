"""Calls over gRPC: the contract's messages, its status codes for failures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import grpc
import numpy as np
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct
from grpc import StatusCode

from latentone_client import errors
from latentone_client.credentials import Credentials
from latentone_client.generated.latentone.v1 import synthesizer_pb2 as pb
from latentone_client.generated.latentone.v1.synthesizer_pb2_grpc import SynthesizerStub
from latentone_client.transport import Reply, Request

OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.enable_retries", 0),  # ours know Retry-After
    ("grpc.use_local_subchannel_pool", 1),  # a client's connection is its own
    # Else a service that has just come up is not noticed for a second or more.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
)
NOT_SENT = ("failed to connect", "dns resolution failed", "name resolution")
BY_CODE: dict[StatusCode, type[errors.Failure]] = {
    StatusCode.INVALID_ARGUMENT: errors.Invalid,
    StatusCode.FAILED_PRECONDITION: errors.Invalid,
    StatusCode.OUT_OF_RANGE: errors.Invalid,
    StatusCode.NOT_FOUND: errors.NotFound,
    StatusCode.UNIMPLEMENTED: errors.NotFound,
    StatusCode.UNAUTHENTICATED: errors.Unauthenticated,
    StatusCode.PERMISSION_DENIED: errors.Unauthenticated,
    StatusCode.DEADLINE_EXCEEDED: errors.DeadlineExceeded,
}


class GrpcTransport:
    """A channel to one service, shared by threads."""

    def __init__(self, target: str, credentials: Credentials, *, secure: bool) -> None:
        self._address = f"{'grpcs' if secure else 'grpc'}://{target}"
        self._metadata = tuple(credentials.headers().items())
        self._channel = (
            grpc.secure_channel(target, _tls(credentials), OPTIONS)
            if secure
            else grpc.insecure_channel(target, OPTIONS)
        )
        self._stub = SynthesizerStub(self._channel)

    def send(self, request: Request[object], *, seconds: float) -> Reply:
        """Return the answer.

        Raises: Failure.
        """
        method = getattr(self._stub, _name(request))
        try:
            answer, call = method.with_call(_message(request), timeout=seconds, metadata=self._metadata)
        except grpc.RpcError as error:
            raise _failure(self._address, error) from None
        return Reply(_fields(answer), _trailer(call.trailing_metadata()).get("server-timing", ""))

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()


class AsyncGrpcTransport:
    """A channel to one service, on the event loop of its first call."""

    def __init__(self, target: str, credentials: Credentials, *, secure: bool) -> None:
        self._target, self._tls = target, _tls(credentials) if secure else None
        self._address = f"{'grpcs' if secure else 'grpc'}://{target}"
        self._metadata = tuple(credentials.headers().items())
        self._channel: grpc.aio.Channel | None = None

    async def send(self, request: Request[object], *, seconds: float) -> Reply:
        """Return the answer.

        Raises: Failure.
        """
        method = getattr(SynthesizerStub(self._opened()), _name(request))
        call = method(_message(request), timeout=seconds, metadata=self._metadata)
        try:
            answer = await call
        except grpc.aio.AioRpcError as error:
            raise _failure(self._address, error) from None
        return Reply(_fields(answer), _trailer(await call.trailing_metadata()).get("server-timing", ""))

    async def close(self) -> None:
        """Close the channel."""
        if self._channel is not None:
            await self._channel.close(None)

    def _opened(self) -> grpc.aio.Channel:
        if self._channel is None:
            self._channel = (
                grpc.aio.secure_channel(self._target, self._tls, OPTIONS)
                if self._tls
                else grpc.aio.insecure_channel(self._target, OPTIONS)
            )
        return self._channel


def _tls(credentials: Credentials) -> grpc.ChannelCredentials:
    ca, own = (path.read_bytes() if path else None for path in (credentials.ca, credentials.certificate))
    return grpc.ssl_channel_credentials(ca, own, own)  # each part is found in the file that holds both


def _name(request: Request[object]) -> str:
    return request.operation.title().replace("_", "")


def _message(request: Request[object]) -> Message:
    kind = getattr(pb, f"{_name(request)}Request")
    try:
        return kind(**{name: _outgoing(value) for name, value in request.fields.items()})  # type: ignore[no-any-return]  # protobuf is untyped
    except (ValueError, TypeError) as error:
        raise errors.Invalid(f"{request.operation}: {error}") from None


def _outgoing(value: object) -> object:
    if isinstance(value, np.ndarray):
        return pb.Tensor(shape=value.shape, data=np.ascontiguousarray(value, "<f4").tobytes())
    return value


def _fields(message: Message) -> dict[str, Any]:
    """Return the fields as JSON would have them; those that say nothing with their defaults."""
    return {
        field.name: _incoming(getattr(message, field.name), repeated=field.is_repeated)
        for field in message.DESCRIPTOR.fields
        if not field.has_presence or message.HasField(field.name)
    }


def _incoming(value: Any, *, repeated: bool) -> Any:
    if repeated:
        return [_fields(entry) if isinstance(entry, Message) else entry for entry in value]
    if isinstance(value, pb.Tensor):
        return np.frombuffer(value.data, "<f4").reshape(tuple(value.shape)).astype(np.float32)
    if isinstance(value, Struct):
        return {name: _plain(entry) for name, entry in value.items()}
    return _fields(value) if isinstance(value, Message) else value


def _plain(value: Any) -> Any:
    """Return what a Struct holds as JSON has it; its numbers are all float."""
    if isinstance(value, Struct | Mapping):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    return value if isinstance(value, str | bool | None) else [_plain(entry) for entry in value]


def _failure(address: str, error: Any) -> errors.Failure:
    """Return what a status stands for. error: grpc.RpcError or grpc.aio.AioRpcError."""
    code, detail, trailer = error.code(), error.details() or error.code().name, _trailer(error.trailing_metadata())
    retry_after_s = _number(trailer.get("retry-after", ""))
    if code is StatusCode.RESOURCE_EXHAUSTED:
        kind = errors.TooLarge if retry_after_s is None else errors.Busy
        return kind(detail, retry_after_s=retry_after_s)
    if code in (StatusCode.UNAVAILABLE, StatusCode.CANCELLED):
        if "server-timing" in trailer:  # the service itself has said so
            return errors.NotReady(detail, retry_after_s=retry_after_s)
        sent = not detail.lower().startswith(NOT_SENT)
        if sent:
            return errors.Unavailable(f"{address}: the connection broke: {detail}", sent=True)
        return errors.Unavailable(f"nobody answers at {address}: {detail.rpartition(': ')[2]}", sent=False)
    if code is StatusCode.UNIMPLEMENTED:
        detail = f"{address} does not know this operation ({detail}); is the address right?"
    return BY_CODE.get(code, errors.Internal)(detail, retry_after_s=retry_after_s)


def _trailer(metadata: Iterable[tuple[str, str | bytes]] | None) -> dict[str, str]:
    return {name: value for name, value in metadata or () if isinstance(value, str)}


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
