"""A gRPC call from its first message to its status: measured, counted, and ended as its failure demands."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import grpc
from grpc.aio import AbortError, ServicerContext

from service import access, errors, rich_errors
from service.metrics import Call, Metrics

logger = logging.getLogger("bentoml.latentone")

Context = ServicerContext[Any, Any]
STATUS: dict[type[errors.Failure], grpc.StatusCode] = {
    errors.Invalid: grpc.StatusCode.INVALID_ARGUMENT,
    errors.NotFound: grpc.StatusCode.NOT_FOUND,
    errors.TooLarge: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.Unsupported: grpc.StatusCode.INVALID_ARGUMENT,
    errors.Busy: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.RateLimited: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.NotReady: grpc.StatusCode.UNAVAILABLE,
    errors.DeadlineExceeded: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.NoSignature: grpc.StatusCode.FAILED_PRECONDITION,
    errors.Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    errors.Forbidden: grpc.StatusCode.PERMISSION_DENIED,
    errors.Unimplemented: grpc.StatusCode.UNIMPLEMENTED,
    errors.BadAnswer: grpc.StatusCode.INTERNAL,
    errors.BrokenModel: grpc.StatusCode.FAILED_PRECONDITION,
}
MOST_BYTES = 1000  # of a text, which is in the trailer up to three times; clients take 8 kB of that in all


class Exchanges:
    """The calls of a server, which a drain waits for. Lives on one event loop."""

    def __init__(self, metrics: Metrics, longest_s: float) -> None:
        """longest_s: what a call may take whose client sets no deadline, or a later one."""
        self.metrics = metrics
        self.longest_s = longest_s
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def call(self, context: Context, operation: str) -> Exchange:
        """Return a context manager around the work of one call, which gives its Call."""
        return Exchange(self, context, operation)

    async def idle(self) -> None:
        """Wait until no call runs."""
        await self._idle.wait()

    def count(self, change: int) -> None:
        """A call began (1) or ended (-1)."""
        self._running += change
        if self._running:
            self._idle.clear()
        else:
            self._idle.set()


class Exchange:
    """One call."""

    def __init__(self, exchanges: Exchanges, context: Context, operation: str) -> None:
        self._exchanges, self._context, self._operation = exchanges, context, operation
        remaining = context.time_remaining()
        seconds = exchanges.longest_s if remaining is None else min(remaining, exchanges.longest_s)
        self._measured = exchanges.metrics.call("grpc", operation, seconds=seconds)

    async def __aenter__(self) -> Call:
        """Begin."""
        self._exchanges.count(1)
        self._call = self._measured.__enter__()
        return self._call

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End with the status that the error stands for. An internal one keeps its text to itself."""
        code = self._status(error)
        self._call.code = code.name
        self._measured.__exit__(None, None, None)
        self._exchanges.count(-1)
        request = access.current.get()
        if request:
            request.end(code.name)
        if error is None or isinstance(error, Exception):
            self._context.set_trailing_metadata(tuple(_trailer(self._call, error, code)))
        if isinstance(error, errors.Failure):
            await self._abort(code, _bounded(error.detail))
        elif isinstance(error, Exception):
            await self._abort(code, "something went wrong here; the log has the details")

    async def _abort(self, code: grpc.StatusCode, words: str) -> None:
        try:
            await self._context.abort(code, words)
        except AbortError:
            raise
        except Exception:
            if self._context.cancelled():  # nobody is there to be told, which gRPC tells us by an error of its own
                raise asyncio.CancelledError from None
            raise

    def _status(self, error: BaseException | None) -> grpc.StatusCode:
        if error is None:
            return grpc.StatusCode.OK
        if isinstance(error, errors.Failure):
            self._exchanges.metrics.rejected.labels(error.kind).inc()
            return STATUS[type(error)]
        if isinstance(error, Exception):
            logger.error("%s failed", self._operation, exc_info=error)
            return grpc.StatusCode.INTERNAL
        return grpc.StatusCode.CANCELLED


def _bounded(text: str) -> str:
    """Return what fits into a trailer, where most signs take three bytes each."""
    return text.encode(errors="replace")[:MOST_BYTES].decode(errors="ignore")


def _trailer(call: Call, error: Exception | None, code: grpc.StatusCode) -> Iterator[tuple[str, str | bytes]]:
    yield "server-timing", call.server_timing()
    request = access.current.get()
    if request:
        yield access.REQUEST_ID, request.request_id
    if isinstance(error, errors.Failure):
        yield rich_errors.TRAILER, rich_errors.details(error, code, _bounded(error.detail))
        if error.retry_after_s is not None:
            yield "retry-after", str(error.retry_after_s)
