"""NumPy's .npy format from strangers: the header is not believed, and nothing is ever unpickled."""

from __future__ import annotations

import ast
import io
import math

import numpy as np
from numpy.typing import NDArray

MAGIC = b"\x93NUMPY"
LONGEST_HEADER = 4096  # bytes; an honest one has about 120
MOST_AXES = 8
MOST_VALUES = 2**23  # 32 MiB of float32, whatever the type on the wire
KINDS = "fiub"  # float, signed, unsigned, bool


class NpyError(ValueError):
    """The bytes are not an .npy array that can be taken; the text says why."""


def read_npy(body: bytes) -> NDArray[np.float32]:
    """Return the array as float32, in C order.

    Raises: NpyError for bytes that are not .npy, archives, pickles, headers that do not match the body, types that are
    not numbers, and arrays of more than 8 million of them.
    """
    if body[:2] == b"PK":
        raise NpyError("this is an .npz archive; send one array as .npy")
    if body[:6] != MAGIC:
        raise NpyError("this is not an .npy file")
    header, start = _header(body)
    dtype, shape = _dtype(header.get("descr")), _shape(header.get("shape"))
    if math.prod(shape) > MOST_VALUES:
        raise NpyError(f"the array has {math.prod(shape)} numbers; at most {MOST_VALUES} can be taken")
    wanted = math.prod(shape) * dtype.itemsize
    if wanted != len(body) - start:
        raise NpyError(f"the header promises {wanted} bytes of data, {len(body) - start} came")
    order = "F" if header.get("fortran_order") is True else "C"
    array = np.frombuffer(body, dtype, offset=start).reshape(shape, order=order)  # type: ignore[call-overload]
    with np.errstate(over="ignore"):  # what overflows float32 becomes infinite, and is refused as that
        return np.ascontiguousarray(array, np.float32)


def _header(body: bytes) -> tuple[dict[str, object], int]:
    width = {1: 2, 2: 4, 3: 4}.get(body[6] if len(body) > 6 else 0)
    if width is None:
        raise NpyError("unknown version of .npy")
    start = 8 + width
    length = int.from_bytes(body[8:start], "little")
    if length > LONGEST_HEADER or start + length > len(body):
        raise NpyError("the .npy header is cut short or too long")
    try:
        header = ast.literal_eval(body[start : start + length].decode("utf-8").strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        raise NpyError("the .npy header can't be read") from None
    if not isinstance(header, dict):
        raise NpyError("the .npy header can't be read")
    return header, start + length


def _dtype(description: object) -> np.dtype[np.generic]:
    if not isinstance(description, str):
        raise NpyError("arrays of records can't be taken")
    try:
        dtype = np.dtype(description)
    except (TypeError, ValueError, SyntaxError):
        raise NpyError("the type in the .npy header is unknown") from None
    if dtype.hasobject:
        raise NpyError("pickled objects can't be taken; send numbers")
    if dtype.kind not in KINDS or dtype.subdtype is not None:
        raise NpyError(f"arrays of {dtype} can't be taken; send float32")
    return dtype


def _shape(shape: object) -> tuple[int, ...]:
    if not isinstance(shape, tuple) or len(shape) > MOST_AXES:
        raise NpyError("the shape in the .npy header can't be read")
    if not all(type(length) is int and 0 <= length < 2**40 for length in shape):
        raise NpyError("the shape in the .npy header can't be read")
    return shape


def write_npy(array: NDArray[np.float32]) -> bytes:
    """Return the array as an .npy file."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getvalue()
