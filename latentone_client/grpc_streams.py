"""Messages of streams: frames on their way out, and each piece waited for within a bound."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
from google.protobuf.message import Message

from latentone_client.errors import DeadlineExceeded, Internal
from latentone_client.generated.latentone.v1 import synthesizer_pb2 as pb
from latentone_client.grpc_messages import fields_of, message_of, outgoing
from latentone_client.transport import AsyncFrames, Frames, Reply, Request


class Sending:
    """Frames as messages, the first with the fields of the request.

    What iterating over frames raises is kept, as gRPC would swallow it, and the stream ends there.
    """

    def __init__(self, request: Request[object]) -> None:
        self._request = request
        self.error: Exception | None = None

    def messages(self, frames: Frames) -> Iterator[Message]:
        """Yield them."""
        message: Any = message_of(self._request)
        try:
            for values in frames:
                message.features.CopyFrom(outgoing(values))
                yield message
                message = pb.DecodeStreamRequest()
        except Exception as error:
            self.error = error

    async def messages_async(self, frames: AsyncFrames) -> AsyncIterator[Message]:
        """Yield them."""
        message: Any = message_of(self._request)
        try:
            async for values in frames:
                message.features.CopyFrom(outgoing(values))
                yield message
                message = pb.DecodeStreamRequest()
        except Exception as error:
            self.error = error


def opening(message: Any) -> Reply:
    """Return what the first message says of the stream.

    Raises: Internal where there is none.
    """
    if message is None:
        raise Internal("the service sent a stream without a piece")
    return Reply(fields_of(message), "")


def next_message(call: Any, seconds: float) -> Any:
    """Return the next message, or None at the end. A timer bounds the wait, as gRPC has a bound for whole calls alone.

    Raises: DeadlineExceeded, grpc.RpcError.
    """
    late = threading.Event()

    def give_up() -> None:
        late.set()
        call.cancel()

    timer = threading.Timer(seconds, give_up)
    timer.daemon = True
    timer.start()
    try:
        return next(call, None)
    except grpc.RpcError:
        if late.is_set():
            raise _too_late(seconds) from None
        raise
    finally:
        timer.cancel()


async def next_message_async(call: Any, seconds: float) -> Any:
    """Do the same on an event loop.

    Raises: DeadlineExceeded, grpc.aio.AioRpcError.
    """
    try:
        async with asyncio.timeout(seconds):
            message = await call.read()
    except TimeoutError:
        raise _too_late(seconds) from None
    return None if message is grpc.aio.EOF else message  # type: ignore[attr-defined] # the stubs lack it


def _too_late(seconds: float) -> DeadlineExceeded:
    return DeadlineExceeded(f"nothing came within {seconds:.3g} seconds")
