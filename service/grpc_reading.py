"""Reads the messages of gRPC calls: what can't be read is the client's mistake, told as one.

grpc itself would answer UNKNOWN with a name out of its code, and log a traceback of ours.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

from google.protobuf.message import DecodeError

from service.errors import Invalid
from service.grpc_exchange import Context, Exchanges

Handler = Any  # grpc.RpcMethodHandler, which has no parameters at run time
Read = Callable[[bytes], Any]


def reading(handler: Handler, exchanges: Exchanges) -> Handler:
    """Return the handler of a method, which reads what comes itself."""
    read = handler.request_deserializer
    if read is None:
        return handler
    kind = f"{_form(handler.request_streaming)}_{_form(handler.response_streaming)}"
    work = getattr(handler, kind)

    def prepared(given: Any) -> Any:
        return _each(read, given) if handler.request_streaming else _message(read, given)

    async def answer(given: Any, context: Context) -> Any:
        try:
            return await work(prepared(given), context)
        except Invalid:  # our own methods let no failure out; this is of a message, and of grpc's methods
            async with exchanges.call(context, "refused"):
                raise

    async def answers(given: Any, context: Context) -> AsyncIterator[Any]:
        try:
            async with aclosing(work(prepared(given), context)) as made:
                async for part in made:
                    yield part
        except Invalid:
            async with exchanges.call(context, "refused"):
                raise

    chosen = answers if inspect.isasyncgenfunction(work) else answer
    return handler._replace(request_deserializer=None, **{kind: chosen})


def _form(streaming: bool) -> str:
    return "stream" if streaming else "unary"


async def _each(read: Read, data: AsyncIterator[bytes]) -> AsyncIterator[Any]:
    async for part in data:
        yield _message(read, part)


def _message(read: Read, data: bytes) -> Any:
    try:
        return read(data)
    except DecodeError:
        raise Invalid("the message can't be read: it is not the method's request") from None
