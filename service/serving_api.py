"""TensorFlow Serving's gRPC services, PredictionService and ModelService: a thin skin over the operations.

Their messages hold TensorFlow's own, so their code imports TensorFlow. It is loaded once the models are, and until then
calls are bytes and refused.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import grpc
import numpy as np
from google.protobuf.json_format import ParseDict
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from service import serving
from service.contract import TensorSpec
from service.errors import Failure, Forbidden, Invalid, Unimplemented
from service.grpc_exchange import Context, Exchanges
from service.metrics import Call
from service.operations import Operations
from service.prediction import DEFAULT_SIGNATURE, check_names, check_outputs, check_shape, signature_name
from service.running import FloatArray, Inputs
from service.threads import by_size

PREDICTION, MODEL = "tensorflow.serving.PredictionService", "tensorflow.serving.ModelService"
FIELDS = {"float32": "float_val", "int32": "int_val"}  # where a TensorProto keeps values that are no bytes

Work = Callable[[Call, Any], Awaitable[Any]]
Behaviour = Callable[[bytes, Context], Awaitable[bytes]]


@functools.cache
def messages() -> Any:
    """Import the messages. They bring TensorFlow; call it when the engine has loaded that, off the event loop."""
    from tensorflow_serving.apis import (
        get_model_metadata_pb2,
        get_model_status_pb2,
        model_management_pb2,
        model_service_pb2,
        predict_pb2,
        prediction_service_pb2,
    )

    del model_service_pb2, prediction_service_pb2  # imported for gRPC reflection
    return SimpleNamespace(
        PredictRequest=predict_pb2.PredictRequest,
        PredictResponse=predict_pb2.PredictResponse,
        GetModelMetadataRequest=get_model_metadata_pb2.GetModelMetadataRequest,
        GetModelMetadataResponse=get_model_metadata_pb2.GetModelMetadataResponse,
        SignatureDefMap=get_model_metadata_pb2.SignatureDefMap,
        GetModelStatusRequest=get_model_status_pb2.GetModelStatusRequest,
        GetModelStatusResponse=get_model_status_pb2.GetModelStatusResponse,
        ReloadConfigRequest=model_management_pb2.ReloadConfigRequest,
    )


def handlers(operations: Operations, exchanges: Exchanges) -> tuple[grpc.GenericRpcHandler[Any, Any], ...]:
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
        "HandleReloadConfigRequest": (
            "reload_config", "ReloadConfigRequest", _refusing(Forbidden(serving.NO_RELOAD))
        ),
    }  # fmt: skip
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
        return await by_size(len(data), getattr(messages(), kind).FromString, data)
    except DecodeError:
        raise Invalid(f"the message is not a {kind}") from None


def _refusing(failure: Failure) -> Work:
    async def refuse(_call: Call, _request: Any) -> Any:
        raise type(failure)(failure.detail)

    return refuse


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
            return {key: _array(key, of, request.inputs[key], limit) for key, of in signature.inputs.items()}

        inputs = await by_size(request.ByteSize(), arrays)
        values = await self._operations.predict(call, engine, name, inputs)
        answer = messages().PredictResponse()
        answer.model_spec.name = engine.name
        answer.model_spec.version.value = engine.contract.version
        answer.model_spec.signature_name = asked or DEFAULT_SIGNATURE
        (output,) = signature.outputs
        await by_size(values.size, _fill, answer.outputs[output], values)
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
        answer = messages().GetModelMetadataResponse()
        answer.model_spec.name = entry.name
        answer.model_spec.version.value = entry.version
        answer.metadata[serving.METADATA].Pack(ParseDict(definitions, messages().SignatureDefMap()))
        return answer

    async def get_model_status(self, call: Call, request: Any) -> Any:
        """The states of a model's versions."""
        spec = _model_spec(request)
        answer = ParseDict(serving.statuses(self._operations, spec), messages().GetModelStatusResponse())
        call.model = spec.name
        return answer


def _model_spec(request: Any) -> serving.ModelSpec:
    if not request.HasField("model_spec"):
        raise Invalid("Missing ModelSpec", field="model_spec")
    spec = request.model_spec
    return serving.ModelSpec(spec.name, spec.version.value if spec.HasField("version") else None, spec.version_label)


def _array(name: str, spec: TensorSpec, tensor: Any, limit: int) -> NDArray[Any]:
    """Return the values of a TensorProto, which may hold one for all.

    limit: bytes that such a tensor may grow to. Raises: Invalid.
    """
    wanted, known = serving.DTYPES[spec.dtype], tensor.DESCRIPTOR.fields_by_name["dtype"].enum_type.values_by_number
    came = known[tensor.dtype].name if tensor.dtype in known else str(tensor.dtype)
    if came != wanted:
        raise Invalid(f"{name}: the signature takes {wanted}, not {came}", field=name)
    shape = [axis.size for axis in tensor.tensor_shape.dim]
    check_shape(name, spec, shape)
    dtype, size = np.dtype(spec.dtype), math.prod(shape)
    if tensor.tensor_content:
        if len(tensor.tensor_content) != size * dtype.itemsize:
            wanted_bytes = f"{size * dtype.itemsize} bytes, {len(tensor.tensor_content)} came"
            raise Invalid(f"{name}: shape {shape} wants {wanted_bytes}", field=name)
        return np.frombuffer(tensor.tensor_content, dtype.newbyteorder("<")).astype(dtype, copy=False).reshape(shape)
    values = np.array(getattr(tensor, FIELDS[spec.dtype]), dtype)
    if len(values) == 1 and size * dtype.itemsize <= limit:
        return np.full(shape, values[0], dtype)
    if len(values) != size:
        raise Invalid(f"{name}: shape {shape} wants {size} values of {wanted}, {len(values)} came", field=name)
    return values.reshape(shape)


def _fill(tensor: Any, values: FloatArray) -> None:
    """Write values as TensorFlow Serving does, number by number; some clients read nothing else."""
    tensor.dtype = tensor.DESCRIPTOR.fields_by_name["dtype"].enum_type.values_by_name["DT_FLOAT"].number
    for length in values.shape:
        tensor.tensor_shape.dim.add(size=length)
    tensor.float_val.extend(values.ravel().tolist())
