"""An HTTP request from its body to its answer: measured, counted, given up when the client leaves."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from fastapi import Request, Response
from pydantic_core import from_json

from service.errors import Failure, Invalid
from service.metrics import Call, Metrics
from service.operations import Operations
from service.problems import MEDIA_TYPE, problem_of

logger = logging.getLogger("bentoml.latentone")

Fields = dict[str, Any]
Work = Callable[[Operations, Call, Request], Coroutine[Any, Any, Response]]
T = TypeVar("T")
CLIENT_LEFT = 499  # nobody reads it; it tells such calls apart in the metrics


def refusal(error: Exception, path: str, metrics: Metrics) -> Response:
    """Return the answer to a request that failed; counted, and logged where the defect is ours."""
    if isinstance(error, Failure):
        metrics.rejected.labels(error.kind).inc()
    else:
        logger.error("%s failed", path, exc_info=error)
    return problem_of(error, instance=path)


def route(operation: str, work: Work) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that does `work` as a call: measured, counted, and answered as its failure demands."""

    async def endpoint(request: Request) -> Response:
        operations: Operations = request.app.state.operations
        metrics: Metrics = request.app.state.metrics
        with metrics.call("http", operation, seconds=operations.settings.deadline_seconds) as call:
            try:
                made = await unless_the_client_leaves(request, work(operations, call, request))
                answer = made or Response(status_code=CLIENT_LEFT, media_type=MEDIA_TYPE)
            except Exception as error:
                answer = refusal(error, request.url.path, metrics)
            call.code = str(answer.status_code)
            answer.headers["Server-Timing"] = call.server_timing()
            return answer

    return endpoint


async def unless_the_client_leaves(request: Request, work: Coroutine[Any, Any, T]) -> T | None:
    """Do the work, and give it up when the client hangs up, which returns None: a server does not notice by itself."""
    await request.body()  # read now: what the connection says next is that it was closed
    working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        return await working if working.done() else None
    finally:
        for task in (working, leaving):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task
        del working, leaving, task  # a task has its failure, whose traceback leads here: such a ring keeps the body


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def json_fields(body: bytes) -> Fields:
    """Return the object that a body holds; an empty body is an empty one.

    Raises: Invalid.
    """
    if not body.strip():
        return {}
    try:
        fields = from_json(body)
    except ValueError as error:
        raise Invalid(f"the body is not JSON: {error}") from None
    if not isinstance(fields, dict):
        raise Invalid("the body must be a JSON object")
    return fields
