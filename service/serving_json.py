"""Tensors as TensorFlow Serving's REST writes them: a list of rows, or a column for each input.

Where TensorFlow Serving takes {"b64": ...} for texts, which these models have none of, it is a tensor's bytes here.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.contract import Signature, TensorSpec
from service.errors import Invalid
from service.prediction import check_names, check_shape
from service.running import Inputs
from service.tensors import nested_array, read_base64

B64 = "b64"
Array = NDArray[Any]


def read_rows(rows: Any, signature: Signature) -> Inputs:
    """Return the inputs in `instances`, [{name: item, ...}, ...], or [item, ...] where there is one input.

    Raises: Invalid.
    """
    if not isinstance(rows, list) or not rows:
        raise Invalid("Expecting 'instances' value to be an non-empty list/array", field="instances")
    named = [_by_name(row, signature, "instances") for row in rows]
    return {name: _column(name, spec, [row[name] for row in named]) for name, spec in signature.inputs.items()}


def read_columns(columns: Any, signature: Signature) -> Inputs:
    """Return the inputs in `inputs`, {name: batch, ...}, or a batch where there is one input.

    Raises: Invalid.
    """
    named = _by_name(columns, signature, "inputs")
    return {name: _batch(name, spec, named[name]) for name, spec in signature.inputs.items()}


def _by_name(value: Any, signature: Signature, field: str) -> dict[str, Any]:
    if isinstance(value, dict) and value.keys() != {B64}:
        check_names(signature, value.keys())
        return value
    if len(signature.inputs) == 1:
        return {next(iter(signature.inputs)): value}
    names = ", ".join(signature.inputs)
    raise Invalid(f"{field}: the signature takes several inputs; give an object of {names}", field=field)


def _column(name: str, spec: TensorSpec, items: list[Any]) -> Array:
    if not any(isinstance(item, dict) for item in items):
        return _listed(name, spec, items)
    if not all(isinstance(item, dict) for item in items):
        raise Invalid(f"{name}: give lists in all instances, or b64 in all", field=name)
    arrays = [_packed(name, spec, item, spec.shape[1:]) for item in items]
    if len({array.shape for array in arrays}) > 1:
        raise Invalid(f"{name}: all instances must have the same shape", field=name)
    return np.stack(arrays)


def _batch(name: str, spec: TensorSpec, value: Any) -> Array:
    if isinstance(value, dict):
        return _packed(name, spec, value, spec.shape)
    return _listed(name, spec, value)


def _listed(name: str, spec: TensorSpec, value: Any) -> Array:
    if not isinstance(value, list):
        raise Invalid(f"{name}: must be a list", field=name)
    try:
        array = nested_array(value, np.int32) if spec.dtype == "int32" else nested_array(value, np.float32)
    except ValueError as error:
        raise Invalid(f"{name}: {error}", field=name) from None
    check_shape(name, spec, array.shape)
    return array


def _packed(name: str, spec: TensorSpec, value: dict[str, Any], shape: tuple[int | None, ...]) -> Array:
    """Return the little-endian values in {"b64": text}; their number says how long the only free axis is."""
    if value.keys() != {B64} or not isinstance(value[B64], str):
        raise Invalid(f'{name}: must be lists of numbers or {{"b64": text}}', field=name)
    if shape.count(None) > 1:
        raise Invalid(f"{name}: its bytes fit several shapes; give it in 'instances', or as lists", field=name)
    try:
        data = read_base64(value[B64])
    except ValueError as error:
        raise Invalid(f"{name}: {error}", field=name) from None
    dtype = np.dtype(spec.dtype)
    block = dtype.itemsize * math.prod(length for length in shape if length is not None)
    whole = len(data) % block == 0 if None in shape else len(data) == block
    if not whole or not data:
        many = "a multiple of " if None in shape else ""
        raise Invalid(f"{name}: wants {many}{block} bytes of {dtype}, {len(data)} came", field=name)
    lengths = [-1 if length is None else length for length in shape]
    return np.frombuffer(data, dtype.newbyteorder("<")).astype(dtype, copy=False).reshape(lengths)
