"""The HTTP routes: a thin skin that parses, calls an operation and answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse

from service import (
    answers,
    docs,
    grey_picture,
    http_conditional,
    http_streams,
    inference_http,
    serving,
    serving_http,
)
from service.errors import Invalid, Unsupported
from service.http_exchange import Fields, Work, json_fields, route
from service.metrics import Call, exposition
from service.npy import MAGIC, NpyError, read_npy
from service.operations import Operations
from service.requests import (
    AnalyseRequest,
    DecodeRequest,
    GenerateRequest,
    InterpolateRequest,
    ModelRequest,
    RenderRequest,
    SampleRequest,
    VaryRequest,
    parse_request,
)
from service.threads import by_size


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
    "vary": Post(VaryRequest, answers.clip_form, answers.variations, docs.VARY, "audio"),
    "interpolate": Post(InterpolateRequest, answers.clip_form, answers.clips, docs.INTERPOLATE),
    "render": Post(RenderRequest, answers.clip_form, answers.tune, docs.RENDER, "midi"),
}

IN_AN_ADDRESS = ("generate", "sample")  # requests that a query can hold, so that GET does


def make_app(*, with_metrics: bool = True) -> FastAPI:
    """Return the routes. with_metrics: whether /metrics is one of them, or has a port of its own.

    The service puts `operations`, `metrics` and `openapi` into the app's state before the first request.
    """
    app = FastAPI(title="latentone", docs_url=None, redoc_url=None, openapi_url=None)
    for name, post in POSTS.items():
        app.post(f"/v1/{name}", **post.docs)(route(name, _making(name, post)))
    app.post("/v1/generate_stream", **docs.GENERATE_STREAM)(
        http_streams.route("generate_stream", http_streams.generate)
    )
    app.post("/v1/decode_stream", **docs.DECODE_STREAM)(
        http_streams.route("decode_stream", http_streams.decode, reads_on=True)
    )
    for name in IN_AN_ADDRESS:
        app.get(f"/v1/{name}", include_in_schema=False)(route(name, _making(name, POSTS[name])))
    app.get("/v1/models", **docs.MODELS)(route("list_models", _list_models))
    app.post("/v1/models:reload", **docs.RELOAD)(route("reload", _reload))
    app.get("/v1/models/{name}", **docs.MODEL)(route("get_model", _get_model))
    app.get("/v1/models/{name}/versions/{version}", **docs.MODEL)(route("get_model", _get_model))
    serving_http.add_routes(app)
    inference_http.add_routes(app)
    app.get(docs.PATH, include_in_schema=False)(_docs_page)
    app.get("/docs.json", include_in_schema=False)(_openapi)
    if with_metrics:
        app.get("/metrics", include_in_schema=False)(metrics_page)
    return app


def _making(name: str, post: Post) -> Work:
    async def work(operations: Operations, call: Call, request: Request) -> Response:
        operations.readiness.require_serving()
        arguments = (post, await request.body(), request.headers, dict(request.query_params))
        wanted, form = await by_size(len(arguments[1]), _read, *arguments)

        async def make() -> Response:
            made = await getattr(operations, name)(call, wanted)
            return await post.answer(operations, call, made, wanted, form)

        its_name = await operations.name_of(call, name, wanted, f"http {form}")
        return await http_conditional.answer(operations, call, request, its_name, make)

    return work


def _read(post: Post, body: bytes, headers: Any, query: Fields) -> tuple[ModelRequest, Any]:
    """Return the request, from the query and the body, which has the last word, and the form of the answer."""
    fields = _nested(query) | _body_fields(body, post.binary, headers.get("content-type", ""))
    form = post.forms(headers.get("accept", ""), fields)
    return parse_request(post.kind, fields), form


def _nested(query: Fields) -> Fields:
    """Return definition.n_fft=1024 as {"definition": {"n_fft": "1024"}}, as queries have no objects."""
    nested: Fields = {}
    for name, value in query.items():
        outer, dot, inner = name.partition(".")
        if dot:
            nested.setdefault(outer, {})[inner] = value
    return {name: value for name, value in query.items() if "." not in name} | nested


def _body_fields(body: bytes, binary: str, media: str) -> Fields:
    # curl calls everything a form, so what the bytes are counts for more than what they are said to be.
    is_json = media.startswith("application/json") or body.lstrip()[:1] in (b"{", b"")
    if not binary or is_json:
        return json_fields(body)
    if binary != "features":
        return {binary: body}
    if body.startswith(grey_picture.MAGIC):
        return {"picture": body}
    if body[: len(MAGIC)] != MAGIC and body[:2] != b"PK":
        raise Unsupported("the body is neither an .npy array, a PNG picture nor JSON", field=binary)
    try:
        return {binary: read_npy(body)}
    except NpyError as error:
        raise Invalid(f"{binary}: {error}", field=binary) from None


async def _list_models(operations: Operations, _call: Call, _request: Request) -> Response:
    return JSONResponse({"models": [operations.describe(entry) for entry in operations.library.entries()]})


async def _get_model(operations: Operations, call: Call, request: Request) -> Response:
    places = request.path_params
    label = request.query_params.get("version_label", "")
    fields = {"model": places["name"], "version": places.get("version", 0), "version_label": label}
    wanted = parse_request(ModelRequest, fields)
    entry = operations.library.find(wanted.model, wanted.version, wanted.version_label)
    call.model = entry.name
    contract = entry.contract.document if entry.contract else {}
    statuses = serving.statuses(operations, serving.ModelSpec(entry.name, wanted.version or None, label))
    return JSONResponse({"model": operations.describe(entry), "contract": contract, **statuses})


async def _reload(operations: Operations, _call: Call, request: Request) -> Response:
    operations.readiness.require_serving()
    await request.app.state.admin.reload()
    return await _list_models(operations, _call, request)


async def _docs_page() -> Response:
    return HTMLResponse(docs.PAGE)


async def _openapi(request: Request) -> Response:
    return JSONResponse(request.app.state.openapi())


async def metrics_page(_request: Request) -> Response:
    """Answer with the metrics of all workers."""
    text, media_type = await asyncio.to_thread(exposition)
    return PlainTextResponse(text, media_type=media_type)
