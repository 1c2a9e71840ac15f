"""'Upsample, then convolve' against its definition, written out with other people's layers."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer.architectures import upsampling
from trainer.architectures.polyphase import resize_matrix
from trainer.architectures.striding import StridedConv, in_blocks
from trainer.architectures.upsampling import Axis, UpsampleConv, upsample_convolve
from trainer.errors import SpecError
from trainer.specs.architectures import UPSAMPLINGS, Upsampling

RNG = np.random.default_rng(3)
TF_NAMES = {"nearest": "nearest", "linear": "bilinear", "cubic": "bicubic"}


def numbers(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype("float32")


def resized(x: tf.Tensor, factors: tuple[int, int], mode: str) -> tf.Tensor:
    size = [x.shape[1] * factors[0], x.shape[2] * factors[1]]
    return tf.image.resize(x, size, TF_NAMES[mode])


def plain(x: tf.Tensor, kernel: tf.Tensor, factor: int, mode: str) -> tf.Tensor:
    """The definition: tf.image.resize, or a transposed convolution, and a SAME convolution on the large grid."""
    if len(x.shape) == 3:
        factors, grid, taps = (1, factor), x[:, None], kernel[None]
    else:
        factors, grid, taps = (factor, factor), x, kernel
    if mode == "zeros":
        size = [x.shape[0], grid.shape[1] * factors[0], grid.shape[2] * factors[1], kernel.shape[-1]]
        made = tf.nn.conv2d_transpose(grid, tf.transpose(taps, (0, 1, 3, 2)), size, factors, "SAME")
    else:
        made = tf.nn.conv2d(resized(grid, factors, mode), taps, 1, "SAME")
    return made[:, 0] if len(x.shape) == 3 else made


def close(found: Any, expected: Any, tolerance: float = 1e-5) -> None:
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= tolerance * max(1.0, np.abs(expected).max())


@pytest.mark.parametrize("mode", UPSAMPLINGS)
@pytest.mark.parametrize(
    ("shape", "taps", "factor", "filters"),
    [
        ((2, 40, 3), 25, 4, 5),  # long enough to have an inside
        ((2, 5, 3), 25, 4, 2),  # shorter than its kernel
        ((1, 16, 64), 9, 2, 1),  # mixing first
        ((2, 7, 2), 5, 3, 2),
        ((2, 6, 5, 3), 5, 2, 2),
        ((1, 4, 6, 40), 7, 2, 3),
        ((1, 3, 4, 2), 3, 3, 2),
        ((2, 6, 5, 3), 3, 2, 6),  # channels enough for a transposed convolution
        ((1, 3, 4, 2), 5, 3, 7),
    ],
)
def test_a_layer_equals_its_definition_and_so_do_its_gradients(
    mode: Upsampling, shape: tuple[int, ...], taps: int, factor: int, filters: int
) -> None:
    layer = UpsampleConv(filters, taps, factor=factor, mode=mode)
    x = tf.constant(numbers(*shape))
    layer(x)
    layer.bias.assign(numbers(filters))

    def gradients(function: Any) -> tuple[tf.Tensor, list[tf.Tensor]]:
        with tf.GradientTape() as tape:
            tape.watch(x)
            made = function(x)
            total = tf.reduce_sum(made * tf.sin(tf.reshape(tf.range(tf.size(made), dtype="float32"), made.shape)))
        return made, tape.gradient(total, [x, layer.kernel.value])

    found = gradients(layer)
    expected = gradients(lambda x: plain(x, layer.kernel.value, factor, mode) + layer.bias.value)
    tolerance = 2e-3 if (mode, factor) == ("cubic", 3) else 1e-5  # its weights come from a table of 1024 entries
    close(found[0], expected[0], tolerance)
    for own, other in zip(found[1], expected[1], strict=True):
        close(own, other, tolerance)


@pytest.mark.parametrize("rank", [1, 2])
def test_zeros_is_keras_transposed_convolution_with_as_many_weights(rank: int) -> None:
    taps, factor = (25, 4) if rank == 1 else (5, 2)
    theirs = (keras.layers.Conv1DTranspose if rank == 1 else keras.layers.Conv2DTranspose)(
        3, taps, strides=factor, padding="same"
    )
    ours = UpsampleConv(3, taps, factor=factor, mode="zeros")
    x = numbers(2, *(6, 8)[:rank], 4)
    theirs(x), ours(x)
    assert ours.count_params() == theirs.count_params()
    theirs.kernel.assign(np.moveaxis(np.asarray(ours.kernel), -1, -2))
    close(ours(x), theirs(x))


@pytest.mark.parametrize("mode", UPSAMPLINGS)
@pytest.mark.parametrize(("shape", "filters"), [((1, 40, 3), 5), ((1, 6, 5, 3), 2), ((1, 6, 5, 3), 6)])
def test_a_folded_layer_makes_the_same_from_the_kernel_it_was_folded_with(
    mode: Upsampling, shape: tuple[int, ...], filters: int
) -> None:
    layer, x = UpsampleConv(filters, 5, factor=2, mode=mode), tf.constant(numbers(*shape))
    before = np.asarray(layer(x))
    layer.fold()
    assert np.array_equal(layer(x), before)
    layer.kernel.assign(layer.kernel * 0.0)
    assert np.array_equal(layer(x), before) == (layer.folded is not None)
    assert (layer.folded is not None) == (mode in ("zeros", "nearest"))


def test_a_kernel_that_would_become_far_larger_is_not_folded() -> None:
    layer = UpsampleConv(6, 3, factor=2, mode="nearest")
    layer(numbers(1, 4, 4, 3))
    layer.fold()
    assert layer.folded is None


@pytest.mark.parametrize(("taps", "factor"), [(5, 2), (3, 2), (7, 2), (5, 3)])
def test_phases_of_a_grid_are_a_transposed_convolution(taps: int, factor: int) -> None:
    x, kernel = numbers(2, 4, 6, 3), numbers(taps, taps, 3, 5)
    axes = (Axis(4, factor, taps), Axis(6, factor, taps))
    close(
        upsampling._in_phases(x, upsampling._phases(kernel, axes, "zeros"), axes, "zeros"),
        plain(tf.constant(x), kernel, factor, "zeros"),
    )


@pytest.mark.parametrize("mode", ["linear", "cubic"])
def test_all_ways_of_computing_agree(mode: Upsampling) -> None:
    x, kernel, axes = numbers(2, 6, 7, 3), numbers(5, 5, 3, 2), (Axis(6, 2, 5), Axis(7, 2, 5))
    close(upsampling._mixed_first(x, kernel, axes, mode), upsampling._enlarged_first(x, kernel, axes, mode))
    row, taps, axes = numbers(2, 1, 30, 3), numbers(1, 9, 3, 2), (Axis(1, 1, 1), Axis(30, 4, 9))
    direct = upsampling._enlarged_first(row, taps, axes, mode)
    close(upsampling._with_edges(row, taps, axes, mode), direct)
    close(upsampling._mixed_first(row, taps, axes, mode), direct)
    close(upsample_convolve(row, taps, axes, mode), direct)


@pytest.mark.parametrize("mode", TF_NAMES)
@pytest.mark.parametrize("factor", [2, 3, 4])
def test_a_resize_matrix_is_that_of_tensorflow(mode: Upsampling, factor: int) -> None:
    for places in (1, 2, 3, 9):
        x = numbers(1, places, 1, 1)
        expected = resized(x, (factor, 1), mode)[0, :, 0, 0]
        tolerance = 1e-5 if factor != 3 else 2e-3  # its cubic weights come from a table of 1024 entries
        close(resize_matrix(mode, factor, places) @ x[0, :, 0, 0], expected, tolerance)


def test_a_kernel_that_fits_no_middle_or_leaves_holes_is_refused() -> None:
    with pytest.raises(SpecError, match="odd"):
        UpsampleConv(1, 4, factor=2, mode="nearest")
    with pytest.raises(SpecError, match="holes"):
        UpsampleConv(1, 3, factor=4, mode="zeros")


@pytest.mark.parametrize(
    ("sides", "taps", "stride"),
    [((64,), 25, 4), ((32,), 25, 2), ((12, 8), 5, 2), ((9, 6), 3, 3), ((16, 16), 7, 2), ((8, 8), 3, 2), ((8,), 1, 2)],
)
def test_a_strided_convolution_is_keras_own(sides: tuple[int, ...], taps: int, stride: int) -> None:
    theirs = (keras.layers.Conv1D if len(sides) == 1 else keras.layers.Conv2D)(4, taps, strides=stride, padding="same")
    ours = StridedConv(4, taps, stride=stride)
    x = numbers(2, *sides, 3)
    theirs(x), ours(x)
    theirs.kernel.assign(ours.kernel)
    assert ours.count_params() == theirs.count_params()
    close(ours(x), theirs(x))
    close(in_blocks(x, ours.kernel.value, stride), theirs(x))
