"""Reads the messages of gRPC calls: their bytes count, and what can't be read is the client's mistake, told as one.

grpc itself would answer UNKNOWN with a name out of its code, and log a traceback of ours.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

from google.protobuf.message import DecodeError
from grpc.aio import AbortError

from service.errors import Failure, Invalid
from service.grpc_exchange import Context, Exchanges
from service.intake import Held, Intake

Handler = Any  # grpc.RpcMethodHandler, which has no parameters at run time
Read = Callable[[bytes], Any]


def reading(handler: Handler, exchanges: Exchanges, intake: Intake) -> Handler:
    """Return the handler of a method, which reads what comes itself, and holds it until the call ends."""
    read = handler.request_deserializer or bytes
    kind = f"{_form(handler.request_streaming)}_{_form(handler.response_streaming)}"
    work = getattr(handler, kind)

    def prepared(given: Any, held: Held) -> Any:
        if handler.request_streaming:
            return _each(read, given, held)
        held.take(len(given))
        return _message(read, given)

    @asynccontextmanager
    async def holding(context: Context) -> AsyncIterator[Held]:
        held = intake.hold()
        try:
            yield held
        except Failure:  # our own methods let no failure out; this is of a message, and of grpc's methods
            async with exchanges.call(context, "refused"):
                raise
        finally:
            held.release()

    async def answer(given: Any, context: Context) -> Any:
        try:
            async with holding(context) as held:
                return await work(prepared(given, held), context)
        except AbortError as aborted:
            del given
            raise _alone(aborted) from None

    async def answers(given: Any, context: Context) -> AsyncIterator[Any]:
        try:
            async with holding(context) as held, aclosing(work(prepared(given, held), context)) as made:
                async for part in made:
                    yield part
        except AbortError as aborted:
            del given
            raise _alone(aborted) from None

    chosen = answers if inspect.isasyncgenfunction(work) else answer
    return handler._replace(request_deserializer=None, **{kind: chosen})


def _alone(aborted: AbortError) -> AbortError:
    """Return it without what leads to the message: grpc has it in a ring, until the garbage collector comes."""
    aborted.__context__ = None
    return aborted.with_traceback(None)


def _form(streaming: bool) -> str:
    return "stream" if streaming else "unary"


async def _each(read: Read, data: AsyncIterator[bytes], held: Held) -> AsyncIterator[Any]:
    """Yield the messages of a stream, each of which is held until the next one is asked for."""
    is_first = True
    async for part in data:
        if is_first:
            held.take(len(part))
        else:
            await held.wait(len(part))
        is_first = False
        yield _message(read, part)
        held.drop(len(part))


def _message(read: Read, data: bytes) -> Any:
    try:
        return read(data)
    except DecodeError:
        raise Invalid("the message can't be read: it is not the method's request") from None
