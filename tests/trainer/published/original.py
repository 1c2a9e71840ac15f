"""MelGAN's generator as published, written once more: its state dict with weights of our own, and its forward pass.

In NumPy and double precision, from the formulas of torch's layers; nothing of the trainer is used.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

StateDict = dict[str, np.ndarray]


class Sizes(NamedTuple):
    """Of a generator: mel bands, channels of its last stage, factors of its stages, residual blocks in each."""

    bands: int = 80
    last_width: int = 32
    factors: tuple[int, ...] = (8, 8, 2, 2)
    blocks: int = 3


PUBLISHED = Sizes()
SMALL = Sizes(bands=12, last_width=2, factors=(4, 3, 2), blocks=2)  # an odd factor has an output padding


def state_dict(sizes: Sizes, seed: int = 0) -> StateDict:
    """Names and shapes of the original's; lengths that make it neither silent nor clipped."""
    rng, tensors = np.random.default_rng(seed), {}

    def convolution(name: str, *shape: int, outputs: int) -> None:
        tensors[f"{name}.bias"] = rng.normal(0, 0.1, outputs)
        tensors[f"{name}.weight_g"] = rng.uniform(0.5, 1.5, (shape[0], 1, 1))
        tensors[f"{name}.weight_v"] = rng.normal(0, 0.02, shape)

    width = sizes.last_width * 2 ** len(sizes.factors)
    convolution("model.1", width, sizes.bands, 7, outputs=width)
    place = 1
    for factor in sizes.factors:
        place += 2
        convolution(f"model.{place}", width, width // 2, 2 * factor, outputs=width // 2)
        width //= 2
        for _ in range(sizes.blocks):
            place += 1
            for name, taps in (("block.2", 3), ("block.4", 1), ("shortcut", 1)):
                convolution(f"model.{place}.{name}", width, width, taps, outputs=width)
    convolution(f"model.{place + 3}", 1, width, 7, outputs=1)
    return {name: tensor.astype("float32") for name, tensor in tensors.items()}


def features(sizes: Sizes, frames: int) -> np.ndarray:
    """Log10 of mel magnitudes [1, T, bands], as speech has them."""
    return np.random.default_rng(frames).uniform(-4.5, 0.5, (1, frames, sizes.bands)).astype("float32")


def sound(tensors: StateDict, sizes: Sizes, given: np.ndarray) -> np.ndarray:
    """Forward pass of the original: waveform [S] of features [T, bands]."""
    x = _convolve(tensors, "model.1", _mirror(given.T.astype("float64"), 3))
    place = 1
    for factor in sizes.factors:
        place += 2
        x = _upsample(tensors, f"model.{place}", _leaky(x), factor)
        for block in range(sizes.blocks):
            place += 1
            dilation = 3**block
            inner = _convolve(tensors, f"model.{place}.block.2", _mirror(_leaky(x), dilation), dilation)
            inner = _convolve(tensors, f"model.{place}.block.4", _leaky(inner))
            x = _convolve(tensors, f"model.{place}.shortcut", x) + inner
    return np.tanh(_convolve(tensors, f"model.{place + 3}", _mirror(_leaky(x), 3)))[0]


def kernel(tensors: StateDict, name: str) -> np.ndarray:
    """Weight norm of torch: each slice of the first axis is a direction times a length."""
    length, direction = (tensors[f"{name}.{part}"].astype("float64") for part in ("weight_g", "weight_v"))
    return length * direction / np.linalg.norm(direction.reshape(len(direction), -1), axis=1)[:, None, None]


def _convolve(tensors: StateDict, name: str, x: np.ndarray, dilation: int = 1) -> np.ndarray:
    """Conv1d of x [inputs, S] by a kernel [outputs, inputs, taps]."""
    weights = kernel(tensors, name)
    taps = weights.shape[2]
    places = x.shape[1] - dilation * (taps - 1)
    summed = sum(weights[:, :, tap] @ x[:, tap * dilation : tap * dilation + places] for tap in range(taps))
    return summed + tensors[f"{name}.bias"][:, None]


def _upsample(tensors: StateDict, name: str, x: np.ndarray, factor: int) -> np.ndarray:
    """ConvTranspose1d of a kernel [inputs, outputs, 2 * factor], stride `factor`.

    Padding is factor // 2 + factor % 2, output padding factor % 2: the length is S * factor.
    """
    weights, samples = kernel(tensors, name), x.shape[1] * factor
    whole = np.zeros((weights.shape[1], samples + factor + factor % 2))
    for tap in range(2 * factor):
        whole[:, tap : tap + samples : factor] += weights[:, :, tap].T @ x
    padding = factor // 2 + factor % 2
    return whole[:, padding : padding + samples] + tensors[f"{name}.bias"][:, None]


def _mirror(x: np.ndarray, edge: int) -> np.ndarray:
    return np.pad(x, [(0, 0), (edge, edge)], mode="reflect")


def _leaky(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, 0.2 * x)
