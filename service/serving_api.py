"""TensorFlow Serving's gRPC services, PredictionService and ModelService: a thin skin over the operations.

Calls come as bytes, and are read once the service may answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.json_format import ParseDict
from google.protobuf.message import DecodeError

from service import serving
from service.admin import Admin
from service.errors import Failure, Invalid, Unimplemented
from service.generated.serving import prediction_service_pb2 as pb
from service.grpc_exchange import Context, Exchanges
from service.metrics import Call
from service.operations import Operations
from service.prediction import DEFAULT_SIGNATURE, check_names, check_outputs, signature_name
from service.running import Inputs
from service.serving_tensors import fill_numbers, read_tensor
from service.threads import by_size

PREDICTION, MODEL = "tensorflow.serving.PredictionService", "tensorflow.serving.ModelService"

Work = Callable[[Call, Any], Awaitable[Any]]
Behaviour = Callable[[bytes, Context], Awaitable[bytes]]


def handlers(
    operations: Operations, exchanges: Exchanges, admin: Admin
) -> tuple[grpc.GenericRpcHandler[Any, Any], ...]:
    """Return both services for a server."""
    api = ServingApi(operations)

    def service(name: str, methods: dict[str, tuple[str, str, Work]]) -> grpc.GenericRpcHandler[Any, Any]:
        table = {
            method: grpc.unary_unary_rpc_method_handler(_behaviour(operations, exchanges, *parts))
            for method, parts in methods.items()
        }
        return grpc.method_handlers_generic_handler(name, table)

    refused = {
        method: (operation, "", _refusing(Unimplemented(serving.NO_EXAMPLES)))
        for method, operation in (
            ("Classify", "classify"),
            ("Regress", "regress"),
            ("MultiInference", "multi_inference"),
        )
    }
    prediction = {
        "Predict": ("predict", "PredictRequest", api.predict),
        "GetModelMetadata": ("model_metadata", "GetModelMetadataRequest", api.get_model_metadata),
    }
    model = {
        "GetModelStatus": ("model_status", "GetModelStatusRequest", api.get_model_status),
        "HandleReloadConfigRequest": ("reload", "", _reload(admin)),
    }
    return service(PREDICTION, prediction | refused), service(MODEL, model)


def _behaviour(operations: Operations, exchanges: Exchanges, operation: str, kind: str, work: Work) -> Behaviour:
    async def behaviour(data: bytes, context: Context) -> bytes:
        async with exchanges.call(context, operation) as call:
            operations.readiness.require_serving()
            answer: bytes = (await work(call, await _read(kind, data))).SerializeToString()
            return answer

    return behaviour


async def _read(kind: str, data: bytes) -> Any:
    """Return the message in the bytes; None where nobody looks at it."""
    if not kind:
        return None
    try:
        return await by_size(len(data), getattr(pb, kind).FromString, data)
    except DecodeError:
        raise Invalid(f"the message is not a {kind}") from None


def _refusing(failure: Failure) -> Work:
    async def refuse(_call: Call, _request: Any) -> Any:
        raise type(failure)(failure.detail)

    return refuse


def _reload(admin: Admin) -> Work:
    async def reload(_call: Call, _request: Any) -> Any:
        await admin.reload()  # the folder says what is served, whatever the request's list
        return pb.ReloadConfigResponse()

    return reload


class ServingApi:
    """What the methods do: from a message and to a message."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    async def predict(self, call: Call, request: Any) -> Any:
        """A signature on tensors."""
        spec = _model_spec(request)
        with serving.in_its_words(spec):
            engine = await self._operations.loaded(call, spec.request())
        asked = request.model_spec.signature_name
        name = signature_name(engine.contract, asked)
        signature = engine.contract.signatures[name]
        check_names(signature, request.inputs.keys())
        check_outputs(signature, list(request.output_filter))
        limit = self._operations.settings.body_limit

        def arrays() -> Inputs:
            return {key: read_tensor(key, of, request.inputs[key], limit) for key, of in signature.inputs.items()}

        inputs = await by_size(request.ByteSize(), arrays)
        values = await self._operations.predict(call, engine, name, inputs)
        answer = pb.PredictResponse()
        answer.model_spec.name = engine.name
        answer.model_spec.version.value = engine.contract.version
        answer.model_spec.signature_name = asked or DEFAULT_SIGNATURE
        (output,) = signature.outputs
        await by_size(values.size, fill_numbers, answer.outputs[output], values)
        return answer

    async def get_model_metadata(self, call: Call, request: Any) -> Any:
        """The signatures of a model."""
        spec = _model_spec(request)
        if not request.metadata_field:
            raise Invalid("GetModelMetadataRequest must specify at least one metadata_field", field="metadata_field")
        for field in request.metadata_field:
            if field != serving.METADATA:
                raise Invalid(f"Metadata field {field} is not supported", field="metadata_field")
        entry, definitions = serving.metadata(self._operations, spec)
        call.model = entry.name
        answer = pb.GetModelMetadataResponse()
        answer.model_spec.name = entry.name
        answer.model_spec.version.value = entry.version
        answer.metadata[serving.METADATA].Pack(ParseDict(definitions, pb.SignatureDefMap()))
        return answer

    async def get_model_status(self, call: Call, request: Any) -> Any:
        """The states of a model's versions."""
        spec = _model_spec(request)
        answer = ParseDict(serving.statuses(self._operations, spec), pb.GetModelStatusResponse())
        call.model = spec.name
        return answer


def _model_spec(request: Any) -> serving.ModelSpec:
    if not request.HasField("model_spec"):
        raise Invalid("Missing ModelSpec", field="model_spec")
    spec = request.model_spec
    return serving.ModelSpec(spec.name, spec.version.value if spec.HasField("version") else None, spec.version_label)
