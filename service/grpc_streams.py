"""Streams of sound over gRPC: messages to frames, and pieces to messages, each taken before the next is made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from google.protobuf.message import Message

from service.decoding_stream import Frames
from service.errors import Invalid
from service.generated.latentone.v1 import synthesizer_pb2 as pb
from service.grpc_exchange import Context
from service.made import Streamed
from service.metrics import Call
from service.requests import parse_request
from service.running import FloatArray, within
from service.stream_requests import DecodeStreamRequest
from service.streaming import Pieces, hand_over
from service.tensors import read_tensor

Requests = AsyncIterator[pb.DecodeStreamRequest]
SAID_FIRST = ("model", "version", "version_label", "format")


async def open_features(call: Call, requests: Requests) -> tuple[DecodeStreamRequest, Frames]:
    """Return what the first message says, and the frames of all.

    Raises: Invalid, DeadlineExceeded.
    """
    async with within(call, "features: none came in time"):
        first = await anext(requests, None)
    if first is None:
        raise Invalid("features: none came", field="features")
    wanted = parse_request(DecodeStreamRequest, _said(first))

    async def frames(_shape: tuple[int, ...]) -> AsyncIterator[FloatArray]:
        yield _features(first)
        async for message in requests:
            if _said(message):
                raise Invalid("model, version, label and format are said in a stream's first message alone")
            yield _features(message)

    return wanted, frames


def _said(message: pb.DecodeStreamRequest) -> dict[str, Any]:
    return {name: getattr(message, name) for name in SAID_FIRST if getattr(message, name)}


def _features(message: pb.DecodeStreamRequest) -> FloatArray:
    try:
        return read_tensor({"shape": list(message.features.shape), "data": message.features.data})
    except ValueError as error:
        raise Invalid(f"features: {error}", field="features") from None


async def send(context: Context, call: Call, pieces: Pieces, kind: Any, *, form: str, seconds: float) -> None:
    """Send pieces as messages of a kind, the first with its origin. seconds: that the client may take over each.

    Raises: Failure.
    """
    begun = False
    async with aclosing(pieces):
        async for made, audio in pieces:
            facts = {} if begun else _origin(made, kind) | {"format": form}
            facts |= {"warnings": made.warnings} if made.warnings else {}
            await hand_over(call, seconds, _write(context, kind(audio=audio, **facts)))
            begun = True


async def _write(context: Context, message: Message) -> None:
    """Write a message, which returns when gRPC has room for the next one."""
    try:
        await context.write(message)
    except Exception:
        if context.cancelled():  # the client has left; gRPC tells the one who writes by an error of its own
            raise asyncio.CancelledError from None
        raise


def _origin(made: Streamed, kind: Any) -> dict[str, Any]:
    contract = made.contract
    facts: dict[str, Any] = {
        "model": contract.name,
        "version": contract.version,
        "sample_rate_hz": contract.audio.sample_rate_hz,
        "channels": contract.audio.channels,
    }
    if kind is pb.GenerateStreamResponse:
        facts |= {"seed": made.seeds[0], "label": "".join(made.labels), "seconds": made.seconds}
    return facts
