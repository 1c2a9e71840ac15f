"""Streams of sound over HTTP: an answer in chunks, each taken before the next is made."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import numpy as np
from fastapi import Request, Response
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from service import answers
from service.audio_files import ENCODINGS
from service.errors import Invalid
from service.http_exchange import CLIENT_LEFT, json_fields, refusal, unless_the_client_leaves
from service.made import Streamed
from service.metrics import Call
from service.negotiation import choose
from service.operations import Operations
from service.requests import parse_request
from service.running import FloatArray
from service.stream_requests import DecodeStreamRequest, GenerateStreamRequest, StreamFormat
from service.streaming import Pieces, hand_over

logger = logging.getLogger("bentoml.latentone")

BY_MEDIA: dict[str, StreamFormat] = {ENCODINGS[form].media_type: form for form in ("wav", "pcm", "f32")}
Begin = Callable[[Operations, Call, Request], Awaitable[tuple[Pieces, StreamFormat]]]


async def generate(operations: Operations, call: Call, request: Request) -> tuple[Pieces, StreamFormat]:
    """Begin the sound that a request, in its query or in JSON, asks for."""
    fields = _formed(request, dict(request.query_params) | json_fields(await request.body()))
    wanted = parse_request(GenerateStreamRequest, fields)
    return operations.generate_stream(call, wanted), wanted.format


async def decode(operations: Operations, call: Call, request: Request) -> tuple[Pieces, StreamFormat]:
    """Begin the sound of a body of frames, little-endian float32, that is read as it comes."""
    wanted = parse_request(DecodeStreamRequest, _formed(request, dict(request.query_params)))

    async def frames(shape: tuple[int, ...]) -> AsyncIterator[FloatArray]:
        frame_bytes, waiting = 4 * int(np.prod(shape)), b""
        async for part in request.stream():
            waiting += part
            whole = len(waiting) - len(waiting) % frame_bytes
            yield np.frombuffer(waiting[:whole], "<f4").reshape(-1, *shape).astype(np.float32)
            waiting = waiting[whole:]
        if waiting:
            words = f"the body ends with {len(waiting)} bytes of a frame, which has {frame_bytes}"
            raise Invalid(f"features: {words}", field="features")

    return operations.decode_stream(call, wanted, frames), wanted.format


def _formed(request: Request, fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields with the format that Accept asks for where they name none."""
    return {"format": BY_MEDIA[choose(request.headers.get("accept", ""), BY_MEDIA)]} | fields


def route(operation: str, begin: Begin, *, reads_on: bool = False) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint whose answer is a stream: measured, counted and given up when the client leaves.

    reads_on: whether the body is read while the answer is made, which notices by itself that the client has left.
    """

    async def endpoint(request: Request) -> Response:
        return _Stream(operation, begin, request, reads_on=reads_on)

    return endpoint


class _Stream(Response):
    """An answer that is made while it is sent.

    What fails before the first piece is a problem document; later only closing the connection can say so.
    """

    def __init__(self, operation: str, begin: Begin, request: Request, *, reads_on: bool) -> None:
        super().__init__()
        self._operation, self._begin, self._request, self._reads_on = operation, begin, request, reads_on
        self._begun = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        state, path = self._request.app.state, self._request.url.path
        operations: Operations = state.operations
        with state.metrics.call("http", self._operation, seconds=operations.settings.deadline_seconds) as call:
            try:
                operations.readiness.require_lasting()
                pieces, form = await self._begin(operations, call, self._request)
                sending = self._send(operations, call, pieces, form, send)
                is_sent = await (sending if self._reads_on else unless_the_client_leaves(self._request, sending))
                call.code = "200" if is_sent else str(CLIENT_LEFT)
            except ClientDisconnect:
                call.code = str(CLIENT_LEFT)
            except Exception as error:
                answer = refusal(error, path, state.metrics)
                call.code = str(answer.status_code)
                if self._begun:
                    logger.info("%s ended early: %s", path, error)  # the server closes an answer without an end
                else:
                    await answer(scope, receive, send)

    async def _send(self, operations: Operations, call: Call, pieces: Pieces, form: StreamFormat, send: Send) -> bool:
        seconds = operations.settings.deadline_seconds
        async with aclosing(pieces):
            async for made, audio in pieces:
                if not self._begun:
                    self._begun = True
                    await send(_start(call, made, form))
                await hand_over(call, seconds, send({"type": "http.response.body", "body": audio, "more_body": True}))
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return True


def _start(call: Call, made: Streamed, form: StreamFormat) -> Message:
    encoding = ENCODINGS[form]
    headers = answers.headers(made, encoding.suffix) | {"Server-Timing": call.server_timing()}
    if made.seconds is not None:
        headers["X-Latentone-Seconds"] = f"{made.seconds:.3f}"
    start = Response(media_type=encoding.media_type, headers=headers)
    del start.headers["content-length"]
    return {"type": "http.response.start", "status": 200, "headers": start.raw_headers}
