"""Short-time Fourier transform and its inverse, exact partners, in keras.ops.

Frames stand on a grid of whole hops: with (n_fft - hop) / 2 zeros on each side, S samples give exactly S / hop frames
and those frames give exactly S samples back. Spectra are pairs (real, imaginary) because that is what keras.ops
offers on every backend.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from trainer.reflection import reflect_pad

Tensor = Any
Spectrum = tuple[Tensor, Tensor]  # real and imaginary part, each [B, T, n_fft // 2 + 1]


def hann(n_fft: int) -> np.ndarray:
    """Periodic Hann window, float32 [n_fft]. Source: scipy.signal.get_window("hann", n_fft)."""
    return (0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(n_fft) / n_fft)).astype("float32")


def stft(waveform: Tensor, window: Tensor, hop: int, *, mirrored: bool = False) -> Spectrum:
    """Transform waveform [B, S] with window [n_fft] to a spectrum of S / hop frames; S is a whole number of hops.

    mirrored: the waveform goes on beyond its ends as its mirror image, in place of zeros.
    """
    n_fft = window.shape[0]
    edge = (n_fft - hop) // 2
    padded = reflect_pad(waveform, edge) if mirrored else ops.pad(waveform, [[0, 0], [edge, edge]])
    overlap = n_fft // hop
    blocks = ops.reshape(padded, (ops.shape(padded)[0], ops.shape(padded)[1] // hop, hop))
    frames = ops.shape(blocks)[1] - (overlap - 1)
    windows = ops.concatenate([blocks[:, i : i + frames] for i in range(overlap)], axis=-1)
    real, imaginary = ops.rfft(windows * window)
    return real, imaginary


def istft(spectrum: Spectrum, window: Tensor, hop: int) -> Tensor:
    """Least-squares inverse of `stft`: T frames to waveform [B, T * hop].

    Source: Griffin and Lim 1984, equation 6 (overlap-add divided by the sum of squared windows).
    """
    frames = ops.irfft(spectrum, fft_length=window.shape[0]) * window
    weight = _overlap_add(ops.ones_like(frames[:1]) * ops.square(window), hop)
    # Not a division: optimisers turn one by a constant into this product, and T fixed and T free must round alike.
    return _overlap_add(frames, hop) * ops.reciprocal(weight)


def _overlap_add(frames: Tensor, hop: int) -> Tensor:
    """Sum frames [B, T, n_fft] placed a hop apart and cut the padding of `stft`: [B, T * hop]."""
    n_fft = frames.shape[-1]
    overlap = n_fft // hop
    total = sum(
        ops.pad(frames[..., i * hop : (i + 1) * hop], [[0, 0], [i, overlap - 1 - i], [0, 0]]) for i in range(overlap)
    )
    flat = ops.reshape(total, (ops.shape(total)[0], ops.shape(total)[1] * hop))
    edge = (n_fft - hop) // 2
    return flat[:, edge : ops.shape(flat)[1] - edge]
