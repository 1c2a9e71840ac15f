"""What a critic ends in: a logit, and where there are labels a projection of them onto it and class logits."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

Tensor = Any


class Heads(keras.layers.Layer):  # type: ignore[misc]
    """Vectors and labels [B] to (logit [B], class logits [B, label_count] or None).

    width: W, of the vectors [B, W] that labels are compared with.

    Sources: Miyato and Koyama 2018 (projection), Odena et al. 2017 (classes).
    """

    def __init__(self, width: int, label_count: int) -> None:
        super().__init__()
        self.logit = keras.layers.Dense(1)
        self.classes = keras.layers.Dense(label_count) if label_count else None
        self.projection = keras.layers.Embedding(label_count, width) if label_count else None

    def call(self, seen: Tensor, label: Tensor | None = None, summary: Tensor | None = None) -> tuple[Tensor, Any]:
        """Run the layer. seen [B, anything]: what the logit is taken from; summary [B, W]: `seen` where not given."""
        summary = seen if summary is None else summary
        logit = self.logit(seen)[:, 0]
        if self.classes is None or self.projection is None:
            return logit, None
        # Not divided by the root of W: the embedding begins small and would take thousands of steps to matter.
        return logit + ops.sum(summary * self.projection(label), axis=-1), self.classes(summary)
