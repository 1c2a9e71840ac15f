"""The HTTP routes: a thin skin that parses, calls an operation and answers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from pydantic_core import from_json

from service import answers, docs
from service.errors import Failure, Invalid, Unsupported
from service.metrics import Call, Metrics, exposition
from service.npy import MAGIC, NpyError, read_npy
from service.operations import Operations
from service.problems import problem_of
from service.requests import (
    AnalyseRequest,
    DecodeRequest,
    GenerateRequest,
    InterpolateRequest,
    ModelRequest,
    SampleRequest,
    parse_request,
)

logger = logging.getLogger("bentoml.latentone")

Fields = dict[str, Any]
Work = Callable[[Operations, Call, Request], Awaitable[Response]]
LARGE = 65_536  # bytes of a body from which on it is parsed in a thread, off the event loop
CLIENT_LEFT = 499  # nobody reads it; it tells such calls apart in the metrics


def make_app() -> FastAPI:
    """Return the routes. The service puts `operations` and `metrics` into the app's state before the first request."""
    app = FastAPI(title="latentone", docs_url=None, redoc_url=None, openapi_url=None)
    for path, work, options in (
        ("/v1/generate", _generate, docs.GENERATE),
        ("/v1/sample", _sample, docs.SAMPLE),
        ("/v1/decode", _decode, docs.DECODE),
        ("/v1/analyse", _analyse, docs.ANALYSE),
        ("/v1/interpolate", _interpolate, docs.INTERPOLATE),
    ):
        app.post(path, **options)(_route(path.rsplit("/", 1)[1], work))
    app.get("/v1/models", **docs.MODELS)(_route("list_models", _list_models))
    app.get("/v1/models/{name}", **docs.MODEL)(_route("get_model", _get_model))
    app.get("/v1/models/{name}/versions/{version}", **docs.MODEL)(_route("get_model", _get_model))
    app.get("/", include_in_schema=False)(_docs_page)
    app.get("/metrics", include_in_schema=False)(_metrics)
    return app


def _route(operation: str, work: Work) -> Callable[[Request], Awaitable[Response]]:
    async def route(request: Request) -> Response:
        operations: Operations = request.app.state.operations
        metrics: Metrics = request.app.state.metrics
        with metrics.call("http", operation, seconds=operations.settings.deadline_seconds) as call:
            try:
                answer = await _unless_the_client_leaves(request, operations, call, work)
            except Exception as error:
                answer = refusal(error, request.url.path, metrics)
            call.code = str(answer.status_code)
            answer.headers["Server-Timing"] = call.server_timing()
            return answer

    return route


def refusal(error: Exception, path: str, metrics: Metrics) -> Response:
    """Return the answer to a request that failed; counted, and logged where the defect is ours."""
    if isinstance(error, Failure):
        metrics.rejected.labels(error.kind).inc()
    else:
        logger.error("%s failed", path, exc_info=error)
    return problem_of(error, instance=path)


async def _unless_the_client_leaves(
    request: Request, operations: Operations, call: Call, work: Work
) -> Response:
    """Do the work, and give it up when the client hangs up: a server does not notice by itself."""
    await request.body()  # read now: what the connection says next is that it was closed
    working = asyncio.ensure_future(work(operations, call, request))
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        return await working if working.done() else Response(status_code=CLIENT_LEFT)
    finally:
        for task in (working, leaving):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Failure):
                await task


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _generate(operations: Operations, call: Call, request: Request) -> Response:
    operations.readiness.require_serving()
    fields = await _fields(request)
    form = answers.clip_form(request.headers.get("accept", ""), fields)
    wanted = parse_request(GenerateRequest, fields)
    return await answers.clips(operations, call, await operations.generate(call, wanted), wanted.format, form)


async def _interpolate(operations: Operations, call: Call, request: Request) -> Response:
    operations.readiness.require_serving()
    fields = await _fields(request)
    form = answers.clip_form(request.headers.get("accept", ""), fields)
    wanted = parse_request(InterpolateRequest, fields)
    return await answers.clips(
        operations, call, await operations.interpolate(call, wanted), wanted.format, form
    )


async def _decode(operations: Operations, call: Call, request: Request) -> Response:
    operations.readiness.require_serving()
    fields = await _fields(request, binary="features")
    form = answers.clip_form(request.headers.get("accept", ""), fields)
    wanted = parse_request(DecodeRequest, fields)
    return await answers.clips(operations, call, await operations.decode(call, wanted), wanted.format, form)


async def _sample(operations: Operations, call: Call, request: Request) -> Response:
    operations.readiness.require_serving()
    fields = await _fields(request)
    form = answers.feature_form(request.headers.get("accept", ""), fields)
    made = await operations.sample(call, parse_request(SampleRequest, fields))
    return await answers.features(operations, call, made, form)


async def _analyse(operations: Operations, call: Call, request: Request) -> Response:
    operations.readiness.require_serving()
    fields = await _fields(request, binary="audio")
    form = answers.feature_form(request.headers.get("accept", ""), fields)
    made = await operations.analyse(call, parse_request(AnalyseRequest, fields))
    return await answers.features(operations, call, made, form)


async def _list_models(operations: Operations, call: Call, request: Request) -> Response:
    return JSONResponse({"models": [operations.describe(entry) for entry in operations.library.entries()]})


async def _get_model(operations: Operations, call: Call, request: Request) -> Response:
    places = request.path_params
    wanted = parse_request(ModelRequest, {"model": places["name"], "version": places.get("version", 0)})
    entry = operations.library.find(wanted.model, wanted.version)
    call.model = entry.name
    contract = entry.contract.document if entry.contract else {}
    return JSONResponse({"model": operations.describe(entry), "contract": contract})


async def _fields(request: Request, binary: str = "") -> Fields:
    """Return the fields of a request: from the query, and from the body, which has the last word.

    A body is JSON; for an operation on one large thing, `binary` names the field that a body in another form is.
    """
    body = await request.body()
    parse = _parse_binary if binary else _parse_json
    arguments = (body, binary, request.headers.get("content-type", ""))
    fields = await asyncio.to_thread(parse, *arguments) if len(body) > LARGE else parse(*arguments)
    return {**request.query_params, **fields}


def _parse_json(body: bytes, binary: str, media: str) -> Fields:
    if not body.strip():
        return {}
    try:
        fields = from_json(body)
    except ValueError as error:
        raise Invalid(f"the body is not JSON: {error}") from None
    if not isinstance(fields, dict):
        raise Invalid("the body must be a JSON object")
    return fields


def _parse_binary(body: bytes, binary: str, media: str) -> Fields:
    # curl calls everything a form, so what the bytes are counts for more than what they are said to be.
    if media.startswith("application/json") or body.lstrip()[:1] == b"{":
        return _decoded(_parse_json(body, binary, media))
    if not body:
        return {}
    if binary == "audio":
        return {"audio": body}
    if body[: len(MAGIC)] != MAGIC and body[:2] != b"PK":
        raise Unsupported("the body is neither an .npy array nor JSON", field=binary)
    try:
        return {binary: read_npy(body)}
    except NpyError as error:
        raise Invalid(f"{binary}: {error}", field=binary) from None


def _decoded(fields: Fields) -> Fields:
    if isinstance(fields.get("audio"), str):
        fields["audio"] = answers.from_base64(fields["audio"], "audio")
    return fields


async def _docs_page() -> Response:
    return HTMLResponse(docs.PAGE)


async def _metrics() -> Response:
    text, media_type = await asyncio.to_thread(exposition)
    return PlainTextResponse(text, media_type=media_type)
