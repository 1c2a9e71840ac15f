"""Phase shuffle: a critic that cannot rely on where exactly a period begins, because its layers are moved at random.

Source: Donahue, McAuley and Puckette 2019, section 3.3.
"""

from __future__ import annotations

from typing import Any

from keras import ops

Tensor = Any


def phase_shuffle(x: Tensor, shift: Tensor, most: int) -> Tensor:
    """Move [B, S, C] to the right by `shift`, an int32 in -most..most; at the edge it is mirrored into the gap."""
    samples, channels = x.shape[1:]
    padded = ops.pad(x, [(0, 0), (most, most), (0, 0)], mode="reflect")
    moved = ops.slice(padded, [0, most - shift, 0], [ops.shape(x)[0], samples, channels])
    return ops.reshape(moved, (-1, samples, channels))
