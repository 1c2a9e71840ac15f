"""The Open Inference Protocol's gRPC service: a thin skin over the operations."""

# ruff: noqa: N802 - the names are the protocol's

from __future__ import annotations

from typing import Any

from google.protobuf.json_format import ParseDict

from service import inference
from service.contract import Signature
from service.errors import Invalid
from service.generated.inference import open_inference_pb2 as pb
from service.generated.inference.open_inference_pb2_grpc import GRPCInferenceServiceServicer
from service.grpc_exchange import Context, Exchanges
from service.operations import Operations
from service.running import FloatArray, Inputs
from service.tensors import tensor_bytes
from service.threads import by_size

CONTENTS = {"FP32": "fp32_contents", "INT32": "int_contents"}


class InferenceService(GRPCInferenceServiceServicer):
    """inference.GRPCInferenceService over the operations."""

    def __init__(self, operations: Operations, exchanges: Exchanges) -> None:
        self._operations = operations
        self._exchanges = exchanges

    async def ServerLive(self, request: pb.ServerLiveRequest, context: Context) -> pb.ServerLiveResponse:
        """Whether it answers."""
        del request  # it has no fields
        async with self._exchanges.call(context, "server_live"):
            return pb.ServerLiveResponse(live=True)

    async def ServerReady(self, request: pb.ServerReadyRequest, context: Context) -> pb.ServerReadyResponse:
        """Whether it wants requests."""
        del request  # it has no fields
        async with self._exchanges.call(context, "server_ready"):
            return pb.ServerReadyResponse(ready=self._operations.readiness.ready)

    async def ModelReady(self, request: pb.ModelReadyRequest, context: Context) -> pb.ModelReadyResponse:
        """Whether a version is loaded."""
        async with self._exchanges.call(context, "model_ready") as call:
            wanted = inference.model_request(request.name, request.version)
            entry, ready = inference.is_ready(self._operations, wanted)
            call.model = entry.name
            return pb.ModelReadyResponse(ready=ready)

    async def ServerMetadata(self, request: pb.ServerMetadataRequest, context: Context) -> pb.ServerMetadataResponse:
        """What it is."""
        del request  # it has no fields
        async with self._exchanges.call(context, "server_metadata"):
            return pb.ServerMetadataResponse(**inference.SERVER)

    async def ModelMetadata(self, request: pb.ModelMetadataRequest, context: Context) -> pb.ModelMetadataResponse:
        """The versions and tensors of a model."""
        async with self._exchanges.call(context, "model_metadata") as call:
            fields = inference.metadata(self._operations, inference.model_request(request.name, request.version))
            call.model = fields["name"]
            return ParseDict(fields, pb.ModelMetadataResponse())

    async def ModelInfer(self, request: pb.ModelInferRequest, context: Context) -> pb.ModelInferResponse:
        """A signature on tensors."""
        async with self._exchanges.call(context, "infer") as call:
            self._operations.readiness.require_serving()
            wanted = inference.model_request(request.model_name, request.model_version)
            engine = await self._operations.loaded(call, wanted)
            inputs, outputs = [tensor.name for tensor in request.inputs], [tensor.name for tensor in request.outputs]
            name = inference.choose(engine.contract, _signature(request), inputs, outputs)
            signature = engine.contract.signatures[name]
            arrays = await by_size(request.ByteSize(), _arrays, request, signature)
            values = await self._operations.predict(call, engine, name, arrays)
            answer = pb.ModelInferResponse(
                model_name=engine.name, model_version=str(engine.contract.version), id=request.id
            )
            (output,) = signature.outputs
            await by_size(values.size, _add, answer, output, values, is_raw=bool(request.raw_input_contents))
            return answer


def _signature(request: pb.ModelInferRequest) -> Any:
    if inference.SIGNATURE not in request.parameters:
        return None
    parameter = request.parameters[inference.SIGNATURE]
    chosen = parameter.WhichOneof("parameter_choice")
    return getattr(parameter, chosen) if chosen else ""


def _arrays(request: pb.ModelInferRequest, signature: Signature) -> Inputs:
    """Return the tensors of a request, all raw or none. Raises: Invalid."""
    raw = request.raw_input_contents
    if raw and len(raw) != len(request.inputs):
        raise Invalid(f"raw_input_contents: {len(raw)} came for {len(request.inputs)} inputs", field="inputs")
    arrays = {}
    for place, tensor in enumerate(request.inputs):
        head = (tensor.name, signature.inputs[tensor.name], tensor.datatype, list(tensor.shape))
        if raw and tensor.HasField("contents"):
            raise Invalid(f"{tensor.name}: contents must be absent where raw_input_contents is used", field=tensor.name)
        if raw:
            arrays[tensor.name] = inference.raw_tensor(*head, raw[place])
        else:
            values = list(getattr(tensor.contents, CONTENTS.get(tensor.datatype, "fp32_contents")))
            arrays[tensor.name] = inference.listed_tensor(*head, values)
    return arrays


def _add(answer: pb.ModelInferResponse, name: str, values: FloatArray, *, is_raw: bool) -> None:
    """Write values in the form in which the request's came."""
    output = answer.outputs.add(name=name, datatype="FP32", shape=values.shape)
    if is_raw:
        answer.raw_output_contents.append(tensor_bytes(values))
    else:
        output.contents.fp32_contents.extend(values.ravel().tolist())
