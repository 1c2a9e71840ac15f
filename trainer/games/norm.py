"""The norm of a gradient, which every game reports."""

from __future__ import annotations

from typing import Any

from keras import ops

Tensor = Any


def norm(gradients: list[Tensor]) -> Tensor:
    """Of all gradients of a network together."""
    return ops.sqrt(sum(ops.sum(ops.square(gradient)) for gradient in gradients))
