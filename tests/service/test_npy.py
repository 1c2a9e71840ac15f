""".npy from strangers."""

from __future__ import annotations

import contextlib
import io
import struct
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from service.npy import NpyError, read_npy, write_npy


def saved(array: np.ndarray, **options: bool) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def headed(text: str, data: bytes = b"", version: int = 1) -> bytes:
    width = "<H" if version == 1 else "<I"
    encoded = text.encode()
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack(width, len(encoded)) + encoded + data


@given(
    hnp.arrays(
        st.sampled_from([np.float32, np.float64, np.float16, np.int16, np.uint8, np.bool_, np.dtype(">f4")]),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5),
        elements={"allow_nan": False, "allow_infinity": False, "min_value": 0, "max_value": 1},
    ),
    st.booleans(),
)
def test_what_numpy_saves_is_read(array: np.ndarray, fortran: bool) -> None:
    ordered = np.asfortranarray(array) if fortran else array
    read = read_npy(saved(ordered))
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, array.astype(np.float32))


@given(hnp.arrays(np.float32, hnp.array_shapes(max_dims=4)))
def test_what_is_written_is_read_by_numpy_and_here(array: np.ndarray) -> None:
    np.testing.assert_array_equal(np.load(io.BytesIO(write_npy(array))), array)
    np.testing.assert_array_equal(read_npy(write_npy(array)), array)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not an .npy"),
        (b"RIFF....", "not an .npy"),
        (b"PK\x03\x04....", "npz"),
        (saved(np.array([{}], dtype=object), allow_pickle=True), "pickled"),
        (saved(np.array(["text"])), "can't be taken"),
        (saved(np.zeros(3, np.complex64)), "can't be taken"),
        (saved(np.zeros(3, [("a", "f4")])), "records"),
        (saved(np.zeros(4, np.float32))[:-1], "promises 16 bytes of data, 15 came"),
        (saved(np.zeros(4, np.float32)) + b"x", "promises 16 bytes of data, 17 came"),
        (
            headed("{'descr': '<f4', 'fortran_order': False, 'shape': (4000000000,)}"),
            "has 4000000000 numbers; at most 8388608 can be taken",
        ),
        (headed("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}"), "shape"),
        (headed("{'descr': '<f4', 'fortran_order': False, 'shape': (True,)}", b"1234"), "shape"),
        (headed("{'descr': '<f4', 'fortran_order': False, 'shape': 4}"), "shape"),
        (headed("{'descr': 'nonsense', 'fortran_order': False, 'shape': ()}"), "unknown"),
        (headed("__import__('os').system('true')"), "header"),
        (headed("[1]"), "header"),
        (headed("{}"), "records"),
        (headed(" " * 5000), "too long"),
        (b"\x93NUMPY\x01\x00\xff\xff{}", "cut short"),
        (b"\x93NUMPY\x09\x00\x02\x00{}", "version"),
        (b"\x93NUMPY", "version"),
    ],
)
def test_what_lies_or_is_no_array_is_refused_in_words(body: bytes, words: str) -> None:
    with pytest.raises(NpyError, match=words):
        read_npy(body)


@settings(max_examples=300)
@given(st.binary(max_size=200), st.sampled_from([1, 2, 3]))
def test_no_bytes_raise_anything_else(noise: bytes, version: int) -> None:
    honest = saved(np.zeros((2, 3), np.float32))
    for body in (
        noise,
        honest[:8] + noise,
        headed("", b"", version)[:8] + noise,
        honest[: len(noise)] + noise,
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with contextlib.suppress(NpyError):
                read_npy(body)


@given(st.text(max_size=80), st.text(max_size=20))
def test_no_header_raises_anything_else(description: str, shape: str) -> None:
    for text in (description, f"{{'descr': {description!r}, 'fortran_order': False, 'shape': (1,)}}",
                 f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}"):  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with contextlib.suppress(NpyError):
                read_npy(headed(text, b"1234"))
