"""The Open Inference Protocol's notions, which its HTTP and gRPC forms share: datatypes, tensors, versions, metadata.

The protocol knows no signatures: the names of the tensors say which one is meant, or a parameter of the request does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.contract import Contract, TensorSpec
from service.entry import Entry
from service.errors import Invalid, NotFound
from service.operations import Operations
from service.prediction import check_names, check_outputs, check_shape, signature_name, signatures
from service.requests import ModelRequest, parse_request
from service.tensors import nested_array

Fields = dict[str, Any]
SERVER: Fields = {"name": "latentone", "version": "0.1.0", "extensions": ["binary_tensor_data"]}
PLATFORM = "tensorflow_savedmodel"
DATATYPES = {"float32": "FP32", "int32": "INT32"}
SIGNATURE = "signature"  # the parameter of a request that names one


def model_request(name: str, version: str) -> ModelRequest:
    """Return which model a request means. version: digits, or empty for the newest that is usable.

    Raises: Invalid for no name, NotFound for what can't be there.
    """
    if not name:
        raise Invalid("the request names no model", field="model")
    is_number = version.isascii() and version.isdigit() and 0 < int(version[:20]) < 2**31
    if version and not is_number:
        raise NotFound(f"model {name!r} has no version {version!r}", field="version")
    return parse_request(ModelRequest, {"model": name, "version": int(version or 0)})


def is_ready(operations: Operations, request: ModelRequest) -> tuple[Entry, bool]:
    """Return a version, and whether it is loaded and requests are answered.

    Raises: NotFound.
    """
    entry = operations.library.find(request.model, request.version)
    return entry, operations.readiness.serving and entry.state == "ready"


def metadata(operations: Operations, request: ModelRequest) -> Fields:
    """Return a ModelMetadataResponse: all versions, and the tensors of the default signature.

    Raises: NotFound.
    """
    entry = operations.library.find(request.model, request.version)
    versions = [str(other.version) for other in reversed(operations.library.versions(entry.name))]
    fields: Fields = {"name": entry.name, "versions": versions, "platform": PLATFORM, "inputs": [], "outputs": []}
    if entry.contract is not None:
        signature = next(iter(signatures(entry.contract).values()))
        fields |= {"inputs": _described(signature.inputs), "outputs": _described(signature.outputs)}
    return fields


def _described(tensors: Mapping[str, TensorSpec]) -> list[Fields]:
    return [
        {
            "name": name,
            "datatype": DATATYPES[spec.dtype],
            "shape": [-1 if length is None else length for length in spec.shape],
        }
        for name, spec in tensors.items()
    ]


def choose(contract: Contract, asked: object, inputs: Sequence[str], outputs: Sequence[str]) -> str:
    """Return the signature that a request means: the one asked for, or the first with these inputs and outputs.

    asked: the request's parameter, None where it has none. outputs: empty for whatever there is.
    Raises: Invalid, NoSignature.
    """
    if asked is not None:
        if not isinstance(asked, str):
            raise Invalid(f"parameters.{SIGNATURE}: must be a text", field=SIGNATURE)
        name = signature_name(contract, asked)
        check_names(contract.signatures[name], inputs)
        check_outputs(contract.signatures[name], outputs)
        return name
    known = signatures(contract)
    for name, spec in known.items():
        if sorted(spec.inputs) == sorted(inputs) and outputs in ([], list(spec.outputs)):
            return name
    has = "; ".join(f"{name}: {', '.join(spec.inputs)} to {', '.join(spec.outputs)}" for name, spec in known.items())
    wanted = f"takes {', '.join(inputs) or 'nothing'}" + (f" and gives {', '.join(outputs)}" if outputs else "")
    raise Invalid(f"no signature of model {contract.name!r} {wanted}; it has {has}", field="inputs")


def raw_tensor(name: str, spec: TensorSpec, datatype: str, shape: Sequence[int], data: bytes) -> NDArray[Any]:
    """Return a tensor from its little-endian bytes.

    Raises: Invalid.
    """
    dtype = _checked(name, spec, datatype, shape)
    if len(data) != math.prod(shape) * dtype.itemsize:
        wanted = f"{math.prod(shape) * dtype.itemsize} bytes of {datatype}, {len(data)} came"
        raise Invalid(f"{name}: shape {list(shape)} wants {wanted}", field=name)
    return np.frombuffer(data, dtype.newbyteorder("<")).astype(dtype, copy=False).reshape(shape)


def listed_tensor(name: str, spec: TensorSpec, datatype: str, shape: Sequence[int], values: list[Any]) -> NDArray[Any]:
    """Return a tensor from numbers: one list, or lists nested as its shape says.

    Raises: Invalid.
    """
    dtype = _checked(name, spec, datatype, shape)
    try:
        array = nested_array(values, np.int32) if dtype == np.int32 else nested_array(values, np.float32)
    except ValueError as error:
        raise Invalid(f"{name}: data {error}", field=name) from None
    if array.shape not in ((math.prod(shape),), tuple(shape)):
        raise Invalid(f"{name}: shape {list(shape)} does not fit data of {list(array.shape)}", field=name)
    return array.reshape(shape)


def _checked(name: str, spec: TensorSpec, datatype: str, shape: Sequence[int]) -> np.dtype[Any]:
    wanted = DATATYPES[spec.dtype]
    if datatype != wanted:
        raise Invalid(f"{name}: the signature takes {wanted}, not {datatype!r}", field=name)
    check_shape(name, spec, shape)
    return np.dtype(spec.dtype)
