"""TensorFlow Serving's REST forms: predict and metadata under /v1/models/{name}, by version or by label."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request, Response
from pydantic_core import to_json

from service import docs, serving
from service.errors import Invalid, Unimplemented
from service.http_exchange import Fields, json_fields, route
from service.metrics import Call
from service.operations import Operations
from service.prediction import signature_name
from service.running import FloatArray
from service.serving_json import read_columns, read_rows
from service.threads import by_size

PLACES = ("", "/versions/{version}", "/labels/{label}")
ROWS, COLUMNS, NAME = "instances", "inputs", "signature_name"


def add_routes(app: FastAPI) -> None:
    """Add the routes. The status of a model is with our own description of it."""
    for place in PLACES:
        path = f"/v1/models/{{name}}{place}"
        app.post(f"{path}:predict", **docs.PREDICT)(route("predict", _predict))
        app.get(f"{path}/metadata", **docs.METADATA)(route("model_metadata", _metadata))
        for operation in ("classify", "regress"):
            app.post(f"{path}:{operation}", include_in_schema=False)(route(operation, _no_examples))
    app.get("/v1/models/{name}/labels/{label}", **docs.STATUS)(route("model_status", _status))


async def _predict(operations: Operations, call: Call, request: Request) -> Response:
    operations.readiness.require_serving()
    spec, body = _model_spec(request), await request.body()
    fields = await by_size(len(body), json_fields, body)
    form, asked = _form(fields), fields.get(NAME, "")
    with serving.in_its_words(spec):
        engine = await operations.loaded(call, spec.request())
    name = signature_name(engine.contract, asked)
    signature = engine.contract.signatures[name]
    read = read_rows if form == ROWS else read_columns
    inputs = await by_size(len(body), read, fields[form], signature)
    values = await operations.predict(call, engine, name, inputs)
    # A signature has one output, which stands here without its name, as TensorFlow Serving writes it.
    key = "predictions" if form == ROWS else "outputs"
    return Response(await by_size(values.size, _written, key, values), media_type="application/json")


def _form(fields: Fields) -> str:
    """Return which of `instances` (rows) and `inputs` (columns) the tensors are in.

    Raises: Invalid for both, none, other fields, and a signature that is no text.
    """
    forms = [name for name in (ROWS, COLUMNS) if name in fields]
    if len(forms) != 1:
        raise Invalid("give exactly one of 'inputs' and 'instances'", field="inputs")
    strangers = sorted(fields.keys() - {ROWS, COLUMNS, NAME})
    if strangers:
        raise Invalid(f"{strangers[0]}: no such field; known: {NAME}, {ROWS}, {COLUMNS}", field=strangers[0])
    if not isinstance(fields.get(NAME, ""), str):
        raise Invalid("'signature_name' key must be a string value.", field=NAME)
    return forms[0]


def _written(key: str, values: FloatArray) -> bytes:
    return to_json({key: values.tolist()})


async def _metadata(operations: Operations, call: Call, request: Request) -> Response:
    entry, definitions = serving.metadata(operations, _model_spec(request))
    call.model = entry.name
    model = {"name": entry.name, "signature_name": "", "version": str(entry.version)}
    return Response(
        to_json({"model_spec": model, "metadata": {serving.METADATA: definitions}}), media_type="application/json"
    )


async def _status(operations: Operations, call: Call, request: Request) -> Response:
    spec = _model_spec(request)
    answer = serving.statuses(operations, spec)
    call.model = spec.name
    return Response(to_json(answer), media_type="application/json")


async def _no_examples(_operations: Operations, _call: Call, _request: Request) -> Response:
    raise Unimplemented(serving.NO_EXAMPLES)


def _model_spec(request: Request) -> serving.ModelSpec:
    places: dict[str, Any] = request.path_params
    return serving.ModelSpec(places["name"], serving.read_version(places.get("version")), places.get("label", ""))
