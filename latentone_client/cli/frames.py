"""Frames of features as they come: of an .npy file a few at a time, or raw from standard input."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from math import prod

import numpy as np

from latentone_client.cli.console import STANDARD
from latentone_client.errors import Invalid
from latentone_client.sound_files import FloatArray

AT_ONCE = 64  # frames of a file; the service decodes what lies within its reach again with each part
MOST_BYTES = 65_536  # of standard input that are waited for


def read_frames(name: str, shape: tuple[int, ...]) -> Iterator[FloatArray]:
    """Yield frames [T, *shape]; from standard input little-endian float32, one frame after another.

    Raises: OSError, Invalid.
    """
    return _piped(shape) if name == STANDARD else _saved(name, shape)


def _saved(name: str, shape: tuple[int, ...]) -> Iterator[FloatArray]:
    try:
        array = np.load(name, mmap_mode="r")
    except (ValueError, EOFError):
        raise Invalid(f"{name}: this is no .npy file of numbers") from None
    if array.ndim == len(shape) + 2 and len(array) == 1:  # as `sample` and `analyse` write them
        array = array[0]
    if array.shape[1:] != shape:
        wanted = ", ".join(map(str, ["frames", *shape]))
        raise Invalid(f"{name}: the model wants [{wanted}], not {list(array.shape)}")
    for start in range(0, len(array), AT_ONCE):
        yield np.asarray(array[start : start + AT_ONCE], np.float32)


def _piped(shape: tuple[int, ...]) -> Iterator[FloatArray]:
    if sys.stdin.isatty():
        raise Invalid("-: standard input is a terminal; name a file, or pipe frames in")
    size, waiting = 4 * prod(shape), b""
    while part := os.read(sys.stdin.fileno(), MOST_BYTES):
        waiting += part
        whole = len(waiting) - len(waiting) % size
        if whole:
            yield np.frombuffer(waiting[:whole], "<f4").reshape(-1, *shape)
        waiting = waiting[whole:]
    if waiting:
        raise Invalid(f"-: standard input ends with {len(waiting)} bytes of a frame, which has {size}")
