"""Tensors as TensorFlow Serving's messages have them, to NumPy and back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.contract import TensorSpec
from service.errors import Invalid
from service.generated.serving.prediction_service_pb2 import DataType, TensorProto
from service.prediction import check_shape
from service.serving import DTYPES

FIELDS = {"float32": "float_val", "int32": "int_val"}  # where a TensorProto keeps values that are no bytes


def read_tensor(name: str, spec: TensorSpec, tensor: TensorProto, limit: int) -> NDArray[Any]:
    """Return the values of a tensor, which may hold one for all.

    limit: bytes that such a tensor may grow to. Raises: Invalid.
    """
    wanted = DTYPES[spec.dtype]
    came = DataType.Name(tensor.dtype) if tensor.dtype in DataType.values() else str(tensor.dtype)
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


def fill_numbers(tensor: TensorProto, values: NDArray[np.float32]) -> None:
    """Write float32 values as TensorFlow Serving does, number by number; some clients read nothing else."""
    _describe(tensor, values)
    tensor.float_val.extend(values.ravel().tolist())


def fill_bytes(tensor: TensorProto, values: NDArray[Any]) -> None:
    """Write float32 or int32 values as the bytes that they are, which every server reads."""
    _describe(tensor, values)
    tensor.tensor_content = np.ascontiguousarray(values, values.dtype.newbyteorder("<")).tobytes()


def _describe(tensor: TensorProto, values: NDArray[Any]) -> None:
    tensor.dtype = DataType.Value(DTYPES[values.dtype.name])
    for length in values.shape:
        tensor.tensor_shape.dim.add(size=length)
