"""Convolutions of sequences whose kernels are learnt as a direction and a length.

Source: Salimans and Kingma 2016, and torch.nn.utils.weight_norm, whose lengths and first weights these are.
"""

from __future__ import annotations

import math
import random
from typing import Any

import keras
import numpy as np
from keras import ops

from trainer.architectures.equalised import Built
from trainer.architectures.grouped import grouped_conv
from trainer.architectures.upsampling import Folded

Tensor = Any


class _Normed(Built):
    """A kernel of three axes with a length for each place of `axis`, and a bias for each output.

    fan_in: as torch counts it: weights begin in +-1 / sqrt(fan_in). NumPy draws them: both backends begin alike.
    """

    def __init__(self, shape: tuple[int, int, int], outputs: int, *, axis: int, fan_in: int) -> None:
        super().__init__()
        self.others = tuple(other for other in range(3) if other != axis)
        bound = 1.0 / math.sqrt(fan_in)
        rng = np.random.default_rng(random.getrandbits(64))
        begin = rng.uniform(-bound, bound, shape).astype("float32")
        self.direction = self._weight("direction", begin)
        self.length = self._weight("length", np.sqrt(np.sum(np.square(begin), self.others, keepdims=True)))
        self.bias = self._weight("bias", rng.uniform(-bound, bound, outputs).astype("float32"))
        self.folded: Folded | None = None

    def _weight(self, name: str, begin: np.ndarray) -> Any:
        return self.add_weight(shape=begin.shape, initializer=lambda *_, **__: ops.convert_to_tensor(begin), name=name)

    def kernel(self) -> Tensor:
        """The kernel as it is convolved."""
        if self.folded is not None:
            return ops.convert_to_tensor(self.folded.kernel)
        direction = ops.convert_to_tensor(self.direction)
        norm = ops.sqrt(ops.sum(ops.square(direction), axis=self.others, keepdims=True))
        return self.laid_out(direction * (self.length / norm))

    def laid_out(self, kernel: Tensor) -> Tensor:
        """The kernel in the form that the layer convolves with."""
        return kernel

    def fold(self) -> None:
        """Compute the kernel for good, for a network that is not trained any more."""
        self.folded = Folded(keras.Variable(self.kernel(), trainable=False))


class NormedConv(_Normed):
    """[B, S, inputs] to [B, S - (taps - 1) * dilation, outputs], or 1 in `stride` of them: nothing is padded.

    groups: inputs and outputs in so many parts that do not see each other; they are not dilated.
    """

    def __init__(
        self, inputs: int, outputs: int, taps: int, *, dilation: int = 1, stride: int = 1, groups: int = 1
    ) -> None:
        shape = (taps, inputs // groups, outputs)
        super().__init__(shape, outputs, axis=2, fan_in=taps * inputs // groups)
        self.taps, self.dilation, self.stride, self.groups = taps, dilation, stride, groups

    def call(self, x: Tensor) -> Tensor:
        """Run the layer."""
        if self.groups > 1:
            return grouped_conv(x, self.kernel(), self.stride) + self.bias
        convolved = ops.conv(x, self.kernel(), strides=self.stride, padding="valid", dilation_rate=self.dilation)
        return convolved + self.bias


class NormedUpsampling(_Normed):
    """[B, S, inputs] to [B, S * factor, outputs]: a transposed convolution of 2 * factor taps, a stride of `factor`.

    What stands beyond the ends is zero, as published, or held: the first and the last place again.
    Computed as a convolution of two places that makes `factor` samples at once: the same sums, and its gradients are
    plain convolutions too. Lengths are those of the inputs, as torch has them for transposed convolutions.
    """

    def __init__(self, inputs: int, outputs: int, factor: int, *, held: bool) -> None:
        super().__init__((2 * factor, inputs, outputs), outputs, axis=1, fan_in=2 * factor * outputs)
        self.inputs, self.outputs, self.factor, self.held = inputs, outputs, factor, held

    @property
    def cut(self) -> int:
        """Samples that are cut in front of the whole result, which is `factor` longer than wanted."""
        return -(-self.factor // 2)

    def laid_out(self, kernel: Tensor) -> Tensor:
        """[2 * factor, inputs, outputs] to [2, inputs, factor * outputs]: the place before, then the place itself."""
        halves = ops.reshape(kernel, (2, self.factor, self.inputs, self.outputs))
        here_last = ops.transpose(ops.flip(halves, axis=0), (0, 2, 1, 3))
        return ops.reshape(here_last, (2, self.inputs, self.factor * self.outputs))

    def call(self, x: Tensor) -> Tensor:
        """Run the layer."""
        first, last = (x[:, :1], x[:, -1:]) if self.held else (ops.zeros_like(x[:, :1]),) * 2
        blocks = ops.conv(ops.concatenate([first, x, last], axis=1), self.kernel(), padding="valid")
        samples = ops.shape(x)[1] * self.factor
        whole = ops.reshape(blocks, (ops.shape(x)[0], samples + self.factor, self.outputs))
        return whole[:, self.cut : self.cut + samples] + self.bias
