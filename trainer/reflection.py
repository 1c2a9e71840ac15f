"""Mirroring at the ends of an axis, in the graph, for any length."""

from __future__ import annotations

from typing import Any

from keras import ops

Tensor = Any


def reflect_pad(x: Tensor, edge: int) -> Tensor:
    """Add `edge` mirrored places on both sides of axis 1 of x [B, S] or [B, S, C]; the ends are not repeated.

    What is shorter than the edge is mirrored as often as it takes, as numpy.pad does; a single place is repeated.
    """
    length = x.shape[1]
    if edge == 0:
        return x
    if length is not None and length > edge:
        return ops.pad(x, [(0, 0), (edge, edge), *[(0, 0)] * (len(x.shape) - 2)], mode="reflect")
    last = ops.shape(x)[1] - 1
    before, after = ops.arange(-edge, 0), last + 1 + ops.arange(edge)
    return ops.concatenate(
        [ops.take(x, _mirrored(before, last), axis=1), x, ops.take(x, _mirrored(after, last), axis=1)], axis=1
    )


def _mirrored(places: Tensor, last: Tensor) -> Tensor:
    """Where places outside 0..last fall."""
    return last - ops.abs(ops.mod(places, ops.maximum(2 * last, 1)) - last)
