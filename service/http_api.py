"""The HTTP routes: a thin skin that parses, calls an operation and answers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from pydantic_core import from_json

from service import answers, docs
from service.errors import Failure, Invalid, Unsupported
from service.metrics import Call, Metrics, exposition
from service.npy import MAGIC, NpyError, read_npy
from service.operations import Operations
from service.problems import MEDIA_TYPE, problem_of
from service.requests import (
    AnalyseRequest,
    DecodeRequest,
    GenerateRequest,
    InterpolateRequest,
    ModelRequest,
    RenderRequest,
    SampleRequest,
    parse_request,
)

logger = logging.getLogger("bentoml.latentone")

Fields = dict[str, Any]
Work = Callable[[Operations, Call, Request], Awaitable[Response]]
LARGE = 65_536  # bytes of a body from which on it is parsed in a thread, off the event loop
CLIENT_LEFT = 499  # nobody reads it; it tells such calls apart in the metrics


@dataclass(frozen=True)
class Post:
    """A route that makes something. `binary` names the field that a body can be which is not JSON."""

    kind: type[ModelRequest]
    forms: Callable[[str, Fields], Any]
    answer: Callable[..., Awaitable[Response]]
    docs: Fields
    binary: str = ""


POSTS = {
    "generate": Post(GenerateRequest, answers.clip_form, answers.clips, docs.GENERATE),
    "sample": Post(SampleRequest, answers.feature_form, answers.features, docs.SAMPLE),
    "decode": Post(DecodeRequest, answers.clip_form, answers.clips, docs.DECODE, "features"),
    "analyse": Post(AnalyseRequest, answers.feature_form, answers.features, docs.ANALYSE, "audio"),
    "interpolate": Post(InterpolateRequest, answers.clip_form, answers.clips, docs.INTERPOLATE),
    "render": Post(RenderRequest, answers.clip_form, answers.tune, docs.RENDER, "midi"),
}


def make_app() -> FastAPI:
    """Return the routes.

    The service puts `operations`, `metrics` and `openapi` into the app's state before the first request.
    """
    app = FastAPI(title="latentone", docs_url=None, redoc_url=None, openapi_url=None)
    for name, post in POSTS.items():
        app.post(f"/v1/{name}", **post.docs)(_route(name, _making(name, post)))
    app.get("/v1/models", **docs.MODELS)(_route("list_models", _list_models))
    app.get("/v1/models/{name}", **docs.MODEL)(_route("get_model", _get_model))
    app.get("/v1/models/{name}/versions/{version}", **docs.MODEL)(_route("get_model", _get_model))
    app.get("/", include_in_schema=False)(_docs_page)
    app.get("/docs.json", include_in_schema=False)(_openapi)
    app.get("/metrics", include_in_schema=False)(_metrics)
    return app


def refusal(error: Exception, path: str, metrics: Metrics) -> Response:
    """Return the answer to a request that failed; counted, and logged where the defect is ours."""
    if isinstance(error, Failure):
        metrics.rejected.labels(error.kind).inc()
    else:
        logger.error("%s failed", path, exc_info=error)
    return problem_of(error, instance=path)


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


async def _unless_the_client_leaves(request: Request, operations: Operations, call: Call, work: Work) -> Response:
    """Do the work, and give it up when the client hangs up: a server does not notice by itself."""
    await request.body()  # read now: what the connection says next is that it was closed
    working = asyncio.ensure_future(work(operations, call, request))
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        return await working if working.done() else Response(status_code=CLIENT_LEFT, media_type=MEDIA_TYPE)
    finally:
        for task in (working, leaving):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _making(name: str, post: Post) -> Work:
    async def work(operations: Operations, call: Call, request: Request) -> Response:
        operations.readiness.require_serving()
        arguments = (post, await request.body(), request.headers, dict(request.query_params))
        is_large = len(arguments[1]) > LARGE
        wanted, form = await asyncio.to_thread(_read, *arguments) if is_large else _read(*arguments)
        made = await getattr(operations, name)(call, wanted)
        return await post.answer(operations, call, made, wanted, form)

    return work


def _read(post: Post, body: bytes, headers: Any, query: Fields) -> tuple[ModelRequest, Any]:
    """Return the request, from the query and the body, which has the last word, and the form of the answer."""
    fields = query | _body_fields(body, post.binary, headers.get("content-type", ""))
    form = post.forms(headers.get("accept", ""), fields)
    return parse_request(post.kind, fields), form


def _body_fields(body: bytes, binary: str, media: str) -> Fields:
    # curl calls everything a form, so what the bytes are counts for more than what they are said to be.
    is_json = media.startswith("application/json") or body.lstrip()[:1] in (b"{", b"")
    if not binary or is_json:
        return _json_fields(body)
    if binary != "features":
        return {binary: body}
    if body[: len(MAGIC)] != MAGIC and body[:2] != b"PK":
        raise Unsupported("the body is neither an .npy array nor JSON", field=binary)
    try:
        return {binary: read_npy(body)}
    except NpyError as error:
        raise Invalid(f"{binary}: {error}", field=binary) from None


def _json_fields(body: bytes) -> Fields:
    if not body.strip():
        return {}
    try:
        fields = from_json(body)
    except ValueError as error:
        raise Invalid(f"the body is not JSON: {error}") from None
    if not isinstance(fields, dict):
        raise Invalid("the body must be a JSON object")
    return fields


async def _list_models(operations: Operations, _call: Call, _request: Request) -> Response:
    return JSONResponse({"models": [operations.describe(entry) for entry in operations.library.entries()]})


async def _get_model(operations: Operations, call: Call, request: Request) -> Response:
    places = request.path_params
    wanted = parse_request(ModelRequest, {"model": places["name"], "version": places.get("version", 0)})
    entry = operations.library.find(wanted.model, wanted.version)
    call.model = entry.name
    contract = entry.contract.document if entry.contract else {}
    return JSONResponse({"model": operations.describe(entry), "contract": contract})


async def _docs_page() -> Response:
    return HTMLResponse(docs.PAGE)


async def _openapi(request: Request) -> Response:
    return JSONResponse(request.app.state.openapi())


async def _metrics() -> Response:
    text, media_type = await asyncio.to_thread(exposition)
    return PlainTextResponse(text, media_type=media_type)
