"""Arrays of float32 as they travel: nested lists, or a shape with little-endian bytes (base64 in JSON)."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Number = TypeVar("Number", np.float32, np.int32)


def read_tensor(value: object) -> FloatArray:
    """Return the array that a request's field holds.

    value: nested lists of numbers, {"shape": [...], "data": bytes or base64 text}, or an array already.
    Raises: ValueError, in words for the caller, where it is none of these, or holds NaN or infinity.
    """
    if isinstance(value, np.ndarray):
        array = value
    elif isinstance(value, Mapping):
        array = _packed(value)
    elif isinstance(value, list):
        array = nested_array(value, np.float32)
    else:
        raise ValueError("must be nested lists of numbers or {shape, data}")
    if not np.isfinite(array).all():
        raise ValueError("must be finite; there is NaN or infinity in it")
    return array


def nested_array(value: list[Any], dtype: type[Number]) -> NDArray[Number]:
    """Return nested lists of numbers as an array.

    Raises: ValueError, in words for the caller, for lists of unequal lengths, for what is no number, and for
    numbers that an integer `dtype` can't hold; a float one takes those as infinite.
    """
    try:
        array = np.array(value)
    except (ValueError, OverflowError):
        raise ValueError("the nested lists must have equal lengths") from None
    if array.size and array.dtype.kind not in "fiu":
        raise ValueError("must hold numbers only")
    if np.issubdtype(dtype, np.integer) and array.size:
        bounds = np.iinfo(dtype)  # type: ignore[type-var]
        if array.dtype.kind == "f" or array.min() < bounds.min or array.max() > bounds.max:
            raise ValueError(f"must hold whole numbers of {bounds.bits} bits")
    with np.errstate(over="ignore"):
        return array.astype(dtype)


def _packed(value: Mapping[str, Any]) -> FloatArray:
    if value.keys() != {"shape", "data"}:
        raise ValueError("must have exactly shape and data")
    shape, data = value["shape"], value["data"]
    if not isinstance(shape, list) or not all(type(length) is int and 0 <= length < 2**32 for length in shape):
        raise ValueError("shape must be a list of lengths")
    if isinstance(data, str):
        data = read_base64(data)
    if not isinstance(data, bytes):
        raise ValueError("data must be base64")
    if len(data) != 4 * math.prod(shape):
        raise ValueError(f"shape {shape} wants {4 * math.prod(shape)} bytes of float32, {len(data)} came")
    return np.frombuffer(data, "<f4").reshape(shape).astype(np.float32, copy=False)


def read_base64(text: str) -> bytes:
    """Return the bytes that a JSON field holds.

    Raises: ValueError, in words for the caller.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("must be base64") from None


def tensor_bytes(array: FloatArray) -> bytes:
    """Return the values as little-endian float32, last axis fastest."""
    return np.ascontiguousarray(array, "<f4").tobytes()


def tensor_json(array: FloatArray) -> dict[str, Any]:
    """Return {"shape": [...], "data": base64 text}, which `read_tensor` takes."""
    return {"shape": list(array.shape), "data": base64.b64encode(tensor_bytes(array)).decode("ascii")}
