"""Calls over gRPC: the contract's messages, its status codes for failures."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterable
from typing import Any

import grpc
from grpc import StatusCode

from latentone_client import errors
from latentone_client.credentials import Credentials
from latentone_client.generated.latentone.v1.synthesizer_pb2_grpc import SynthesizerStub
from latentone_client.grpc_messages import fields_of, message_of, method_of
from latentone_client.grpc_streams import Sending, next_message, next_message_async, opening
from latentone_client.transport import AsyncFrames, AsyncOpened, Frames, Opened, Reply, Request

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
        method = getattr(self._stub, method_of(request))
        try:
            answer, call = method.with_call(message_of(request), timeout=seconds, metadata=self._metadata)
        except grpc.RpcError as error:
            raise _failure(self._address, error) from None
        return Reply(fields_of(answer), _trailer(call.trailing_metadata()).get("server-timing", ""))

    def open(self, request: Request[object], *, seconds: float, frames: Frames | None = None) -> Opened:
        """Return a stream once its first piece is there. seconds: for each piece. frames: to be decoded.

        Raises: Failure, and what iterating over frames raises.
        """
        sending = Sending(request)
        given = message_of(request) if frames is None else sending.messages(frames)
        call = getattr(self._stub, method_of(request))(given, metadata=self._metadata)
        parts = self._stream(call, sending, seconds)
        return next(parts), parts

    def _stream(self, call: Any, sending: Sending, seconds: float) -> Generator[Any, None, None]:
        """Yield what is known of the stream, and then its bytes."""
        try:
            message = next_message(call, seconds)
            yield opening(message)
            while message is not None:
                yield message.audio
                message = next_message(call, seconds)
        except grpc.RpcError as error:
            raise sending.error or _failure(self._address, error) from None
        finally:
            call.cancel()
        if sending.error:
            raise sending.error

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
        method = getattr(SynthesizerStub(self._opened()), method_of(request))
        call = method(message_of(request), timeout=seconds, metadata=self._metadata)
        try:
            answer = await call
        except grpc.aio.AioRpcError as error:
            raise _failure(self._address, error) from None
        return Reply(fields_of(answer), _trailer(await call.trailing_metadata()).get("server-timing", ""))

    async def open(self, request: Request[object], *, seconds: float, frames: AsyncFrames | None = None) -> AsyncOpened:
        """Return a stream once its first piece is there. seconds: for each piece. frames: to be decoded.

        Raises: Failure, and what iterating over frames raises.
        """
        sending = Sending(request)
        given = message_of(request) if frames is None else sending.messages_async(frames)
        call = getattr(SynthesizerStub(self._opened()), method_of(request))(given, metadata=self._metadata)
        parts = self._stream(call, sending, seconds)
        return await anext(parts), parts

    async def _stream(self, call: Any, sending: Sending, seconds: float) -> AsyncGenerator[Any, None]:
        try:
            message = await next_message_async(call, seconds)
            yield opening(message)
            while message is not None:
                yield message.audio
                message = await next_message_async(call, seconds)
        except grpc.aio.AioRpcError as error:
            raise sending.error or _failure(self._address, error) from None
        finally:
            call.cancel()
        if sending.error:
            raise sending.error

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
