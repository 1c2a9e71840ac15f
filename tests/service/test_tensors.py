"""Arrays in requests."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from service.tensors import read_tensor, tensor_bytes, tensor_json

ARRAYS = hnp.arrays(np.float32, hnp.array_shapes(max_dims=4), elements={"allow_nan": False, "allow_infinity": False})


@given(ARRAYS)
def test_every_form_of_an_array_is_read_back(array: np.ndarray) -> None:
    forms = (
        array,
        array.tolist(),
        tensor_json(array),
        {"shape": list(array.shape), "data": tensor_bytes(array)},
    )
    for form in forms:
        read = read_tensor(form)
        assert read.dtype == np.float32
        np.testing.assert_array_equal(read, array)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "nested lists"),
        ("1", "nested lists"),
        (3, "nested lists"),
        ([[1, 2], [3]], "equal lengths"),
        ([["a"]], "numbers only"),
        ([None], "numbers only"),
        ([True], "numbers only"),
        ([float("nan")], "finite"),
        ([1e300], "finite"),
        ({"shape": [1]}, "exactly shape and data"),
        ({"shape": [1], "data": "AAAAAA==", "more": 1}, "exactly shape and data"),
        ({"shape": [1], "data": "!"}, "base64"),
        ({"shape": [1], "data": 1}, "base64"),
        ({"shape": [2], "data": "AAAAAA=="}, "wants 8 bytes"),
        ({"shape": [-1], "data": ""}, "list of lengths"),
        ({"shape": "1", "data": ""}, "list of lengths"),
        ({"shape": [2**31, 2**31], "data": ""}, "bytes of float32"),
        ({"shape": [1], "data": b"\x00\x00\xc0\x7f"}, "finite"),
    ],
)
def test_what_is_no_array_is_refused_in_words(value: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_tensor(value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["shape", "data"]), inner),
    max_leaves=12,
)


@given(JSON)
def test_no_json_raises_anything_else(value: Any) -> None:
    with contextlib.suppress(ValueError):
        read_tensor(json.loads(json.dumps(value)))
