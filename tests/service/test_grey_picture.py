"""Greyscale pictures from strangers."""

from __future__ import annotations

import contextlib
import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from service.errors import Failure, Invalid, TooLarge, Unsupported
from service.grey_picture import MAGIC, read_grey, write_grey


def png(array: np.ndarray, **options: object) -> bytes:
    """Return a picture as Pillow writes it."""
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG", **options)
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def made(
    width: int,
    height: int,
    *,
    depth: int = 8,
    colour: int = 0,
    interlaced: int = 0,
    data: bytes = b"",
    extra: bytes = b"",
) -> bytes:
    """Return a PNG that says of itself what it is told to."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    return MAGIC + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


GREY = np.arange(12, dtype=np.uint8).reshape(3, 4)


@pytest.mark.parametrize(("dtype", "most"), [(np.uint8, 255), (np.uint16, 65_535)])
def test_black_is_0_and_white_1_and_the_top_row_first(dtype: type, most: int) -> None:
    array = np.array([[0, most], [most // 5, 0], [0, 0]], dtype)
    grey = read_grey(png(array))
    np.testing.assert_allclose(grey.levels, [[0, 1], [0.2, 0], [0, 0]], atol=1e-6)
    assert grey.levels.dtype == np.float32
    assert grey.scale is None


@given(
    hnp.arrays(
        np.float32, hnp.array_shapes(min_dims=2, max_dims=2), elements=st.floats(-2.0, 1.0, width=32, allow_nan=False)
    )
)
def test_what_is_written_is_read_with_its_scale(features: np.ndarray) -> None:
    grey = read_grey(write_grey(features, -2.0, 1.0))
    assert grey.scale == (-2.0, 1.0)
    np.testing.assert_allclose(grey.levels[::-1].T * 3.0 - 2.0, features, atol=3.0 / 65_535)


TEXT_BOMB = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(80_000_000)))
REFUSED = {
    "no picture": (b"\xff\xd8\xff\xe0 a photograph", Unsupported, "no PNG"),
    "only a magic": (MAGIC, Unsupported, "no PNG"),
    "colours": (png(np.zeros((2, 2, 3), np.uint8)), Unsupported, r"in colour \(RGB\)"),
    "alpha": (png(np.zeros((2, 2, 4), np.uint8)), Unsupported, "with alpha"),
    "a palette": (made(4, 4, colour=3, extra=chunk(b"PLTE", bytes(6)), data=bytes(20)), Unsupported, "of a palette"),
    "one bit": (png(np.zeros((8, 8), bool)), Unsupported, "1 bits a pixel"),
    "transparent": (png(GREY, transparency=3), Unsupported, "transparent"),
    "interlaced": (made(4, 3, interlaced=1, data=bytes(40)), Unsupported, "interlaced"),
    "a bomb": (made(100_000, 100_000, data=bytes(10_000_000)), TooLarge, "100000 x 100000 pixels"),
    "no pixels": (made(0, 5), Failure, "picture"),
    "cut short": (png(GREY)[:-30], Invalid, "cut short"),
    "a bad sum": (png(GREY)[:-20] + bytes(20), Invalid, "damaged"),
    "a bomb of text": (made(4, 3, data=bytes(15), extra=TEXT_BOMB), Invalid, "damaged"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_picture_is_refused_with_the_reason_and_little_memory(name: str) -> None:
    body, kind, words = REFUSED[name]
    tracemalloc.start()
    try:
        with pytest.raises(kind, match=words) as refused:
            read_grey(body)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
    assert refused.value.field == "picture"


@given(st.binary(max_size=60), st.integers(0, 70))
def test_bytes_that_are_wrong_are_refused_and_nothing_else(noise: bytes, place: int) -> None:
    body = png(GREY)
    with contextlib.suppress(Failure):
        read_grey(body[:place] + noise + body[place + len(noise) :])
