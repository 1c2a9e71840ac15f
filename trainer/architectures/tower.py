"""The critic of a grid that four architectures share: halving convolutions, batch deviation, a summary, heads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from trainer.architectures.heads import Heads
from trainer.architectures.layers import batch_deviation, conv, halving_conv, leaky

Tensor = Any


class Tower(keras.layers.Layer):  # type: ignore[misc]
    """[B, T, F, C] and labels [B] to (logit [B], class logits [B, label_count] or None).

    widths: channels of each halving convolution. last_width: of the convolution that keeps the coarsest grid.
    summary_width: of the vector that the heads see.
    """

    def __init__(self, widths: Sequence[int], last_width: int, summary_width: int, label_count: int) -> None:
        super().__init__()
        self.convs = [halving_conv(width) for width in widths]
        self.last_conv = conv(last_width)
        self.summary = keras.layers.Dense(summary_width, kernel_initializer="he_normal")
        self.heads = Heads(summary_width, label_count)

    def call(self, x: Tensor, label: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Run the layers."""
        for convolution in self.convs:
            x = leaky(convolution(x))
        x = leaky(self.last_conv(batch_deviation(x)))
        x = leaky(self.summary(ops.reshape(x, (ops.shape(x)[0], -1))))
        heads: tuple[Tensor, Tensor | None] = self.heads(x, label)
        return heads
