"""The Open Inference Protocol's HTTP routes, under /v2, with Triton's extension for binary tensors."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from pydantic_core import to_json

from service import docs, inference
from service.contract import Signature
from service.errors import Invalid
from service.http_exchange import json_fields, route
from service.metrics import Call
from service.operations import Operations
from service.requests import parse_request
from service.running import FloatArray, Inputs
from service.tensors import tensor_bytes
from service.threads import by_size

HEADER = "Inference-Header-Content-Length"  # bytes of JSON, after which those of the tensors follow
SIZE, BINARY, ALL_BINARY = "binary_data_size", "binary_data", "binary_data_output"
MOST_TENSORS = 16
Parameters = dict[str, Any]


class Input(BaseModel):
    """A tensor of a request: numbers, or as many bytes after the JSON as its parameter binary_data_size says."""

    name: str
    shape: list[int] = Field(max_length=MOST_TENSORS)
    datatype: str
    parameters: Parameters = {}
    data: list[Any] | None = None


class Output(BaseModel):
    """A tensor that is wanted; the parameter binary_data says in which form."""

    name: str
    parameters: Parameters = {}


class InferRequest(BaseModel):
    """A batch. The parameter `signature` names one of the model's; else the tensors' names say which is meant."""

    id: str = ""
    parameters: Parameters = {}
    inputs: list[Input] = Field(max_length=MOST_TENSORS)
    outputs: list[Output] = Field(default=[], max_length=MOST_TENSORS)


def add_routes(app: FastAPI) -> None:
    """Add the routes."""
    app.get("/v2", **docs.SERVER)(route("server_metadata", _server))
    app.get("/v2/health/live", **docs.SERVER_LIVE)(route("server_live", _live))
    app.get("/v2/health/ready", **docs.SERVER_READY)(route("server_ready", _ready))
    for place in ("", "/versions/{version}"):
        path = f"/v2/models/{{name}}{place}"
        app.get(path, **docs.MODEL_METADATA)(route("model_metadata", _model))
        app.get(f"{path}/ready", **docs.MODEL_READY)(route("model_ready", _model_ready))
        app.post(f"{path}/infer", **docs.infer(InferRequest))(route("infer", _infer))


async def _server(_operations: Operations, _call: Call, _request: Request) -> Response:
    return JSONResponse(inference.SERVER)


async def _live(_operations: Operations, _call: Call, _request: Request) -> Response:
    return JSONResponse({"live": True})


async def _ready(operations: Operations, _call: Call, _request: Request) -> Response:
    operations.readiness.require_ready()
    return JSONResponse({"ready": True})


async def _model(operations: Operations, call: Call, request: Request) -> Response:
    fields = inference.metadata(operations, _wanted(request))
    call.model = fields["name"]
    return JSONResponse(fields)


async def _model_ready(operations: Operations, call: Call, request: Request) -> Response:
    entry, ready = inference.is_ready(operations, _wanted(request))
    call.model = entry.name
    return JSONResponse({"name": entry.name, "ready": ready}, 200 if ready else 503)


async def _infer(operations: Operations, call: Call, request: Request) -> Response:
    operations.readiness.require_serving()
    model, body, header = _wanted(request), await request.body(), request.headers.get(HEADER)
    wanted, blobs = await by_size(len(body), _read, body, header)
    engine = await operations.loaded(call, model)
    inputs, outputs = [tensor.name for tensor in wanted.inputs], [tensor.name for tensor in wanted.outputs]
    name = inference.choose(engine.contract, wanted.parameters.get(inference.SIGNATURE), inputs, outputs)
    signature = engine.contract.signatures[name]
    arrays = await by_size(len(body), _arrays, wanted, blobs, signature)
    values = await operations.predict(call, engine, name, arrays)
    fields = {"model_name": engine.name, "model_version": str(engine.contract.version)}
    fields |= {"id": wanted.id} if wanted.id else {}
    (output,) = signature.outputs
    return await by_size(values.size, _answer, fields, output, values, is_binary=_is_binary(wanted))


def _wanted(request: Request) -> Any:
    return inference.model_request(request.path_params["name"], request.path_params.get("version", ""))


def _read(body: bytes, header: str | None) -> tuple[InferRequest, bytes]:
    """Return the request, and the bytes of its binary tensors. Raises: Invalid."""
    if header is None:
        return parse_request(InferRequest, json_fields(body)), b""
    if not (header.isascii() and header.isdigit() and len(header) < 20 and int(header) <= len(body)):
        raise Invalid(f"{HEADER}: must be the length of the JSON in the body, which has {len(body)} bytes")
    return parse_request(InferRequest, json_fields(body[: int(header)])), body[int(header) :]


def _arrays(wanted: InferRequest, blobs: bytes, signature: Signature) -> Inputs:
    """Return the tensors of a request, binary ones from the bytes after the JSON. Raises: Invalid."""
    arrays, place = {}, 0
    for tensor in wanted.inputs:
        head = (tensor.name, signature.inputs[tensor.name], tensor.datatype, tensor.shape)
        size = tensor.parameters.get(SIZE)
        if (size is None) == (tensor.data is None):
            raise Invalid(f"{tensor.name}: give either data or the parameter {SIZE}", field=tensor.name)
        if tensor.data is not None:
            arrays[tensor.name] = inference.listed_tensor(*head, tensor.data)
            continue
        if type(size) is not int or not 0 <= size <= len(blobs) - place:
            left = f"{len(blobs) - place} bytes are left after the JSON"
            raise Invalid(f"{tensor.name}: {SIZE} is {size!r}, but {left}", field=tensor.name)
        arrays[tensor.name] = inference.raw_tensor(*head, blobs[place : place + size])
        place += size
    if place != len(blobs):
        raise Invalid(f"{len(blobs) - place} bytes more came than the parameters {SIZE} say")
    return arrays


def _is_binary(wanted: InferRequest) -> bool:
    default = wanted.parameters.get(ALL_BINARY) is True
    return wanted.outputs[0].parameters.get(BINARY, default) is True if wanted.outputs else default


def _answer(fields: dict[str, Any], name: str, values: FloatArray, *, is_binary: bool) -> Response:
    tensor: dict[str, Any] = {"name": name, "datatype": "FP32", "shape": list(values.shape)}
    if not is_binary:
        tensor["data"] = values.ravel().tolist()
        return Response(to_json({**fields, "outputs": [tensor]}), media_type="application/json")
    data = tensor_bytes(values)
    head = to_json({**fields, "outputs": [{**tensor, "parameters": {SIZE: len(data)}}]})
    headers = {HEADER: str(len(head))}
    return Response(head + data, media_type="application/octet-stream", headers=headers)
