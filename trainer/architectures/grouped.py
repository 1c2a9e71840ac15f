"""Convolutions of sequences in groups that do not see each other, with a stride, as fast as each backend has them.

TensorFlow convolves in groups on a CPU, but Keras sends it through XLA there, 100 times slower, as JAX always is. For
JAX they are products of small matrices: blocks of `stride` places side by side as channels, a product a group.
"""

from __future__ import annotations

from typing import Any

from keras import ops

from trainer.autodiff import BACKEND

if BACKEND == "tensorflow":
    import tensorflow as tf

Tensor = Any


def grouped_conv(x: Tensor, kernel: Tensor, stride: int) -> Tensor:
    """Sequences [B, S, C] with kernel [taps, C / groups, O] to [B, (S - taps) // stride + 1, O]; nothing is padded."""
    if BACKEND == "tensorflow":
        return tf.nn.conv1d(x, kernel, stride, "VALID")
    return in_matrices(x, kernel, stride)


def in_matrices(x: Tensor, kernel: Tensor, stride: int) -> Tensor:
    """The same on any backend."""
    (samples, channels), (taps, inputs, outputs) = x.shape[1:], kernel.shape
    groups, blocks = channels // inputs, -(-taps // stride)
    places = (samples - taps) // stride + 1
    kernel = ops.pad(kernel, [(0, blocks * stride - taps), (0, 0), (0, 0)])
    kernel = ops.reshape(kernel, (blocks, stride, inputs, groups, outputs // groups))
    kernel = ops.reshape(ops.transpose(kernel, (3, 0, 1, 2, 4)), (groups, blocks * stride * inputs, outputs // groups))
    wanted = (places + blocks - 1) * stride
    x = ops.pad(x, [(0, 0), (0, max(wanted - samples, 0)), (0, 0)])[:, :wanted]
    x = ops.reshape(x, (-1, places + blocks - 1, stride, groups, inputs))
    x = ops.reshape(ops.transpose(x, (3, 0, 1, 2, 4)), (groups, -1, places + blocks - 1, stride * inputs))
    windows = ops.concatenate([x[:, :, block : block + places] for block in range(blocks)], axis=-1)
    made = ops.matmul(ops.reshape(windows, (groups, -1, windows.shape[-1])), kernel)
    made = ops.reshape(made, (groups, -1, places, outputs // groups))
    return ops.reshape(ops.transpose(made, (1, 2, 0, 3)), (-1, places, outputs))
