"""From a mel power spectrogram back to a waveform, in the graph: no librosa at the place of use."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from keras import ops

from trainer.representations.stft import Spectrum, istft, stft

Tensor = Any


def invert_mel(mel: Tensor, filters: np.ndarray, steps: int) -> Tensor:
    """Find the non-negative power spectrum whose mel is nearest.

    Accelerated projected gradient on |power . filters^T - mel|^2, begun at the clipped pseudo-inverse. Filters are
    brought to unit norm first: bands weigh alike and the same accuracy takes a third of the steps.

    Args: mel [B, T, M] (power), filters [M, F].
    Returns: power [B, T, F].
    Source: Beck and Teboulle 2009 (FISTA), with the projection on non-negative numbers.
    """
    norms = np.linalg.norm(filters, axis=1, keepdims=True)
    filters, mel = filters / norms, mel / norms[:, 0]
    step = 1.0 / float(np.linalg.norm(filters @ filters.T, 2))
    target = ops.matmul(mel, filters)
    power = ops.relu(ops.matmul(mel, np.linalg.pinv(filters).T.astype("float32")))
    look_ahead, t = power, 1.0
    for _ in range(steps):
        residual = ops.matmul(ops.matmul(look_ahead, filters.T), filters) - target
        following = ops.relu(look_ahead - step * residual)
        t_next = (1.0 + math.sqrt(1.0 + 4.0 * t * t)) / 2.0
        look_ahead = following + ((t - 1.0) / t_next) * (following - power)
        power, t = following, t_next
    return power


def griffin_lim(magnitude: Tensor, n_fft: int, hop: int, iterations: int, momentum: float = 0.99) -> Tensor:
    """Find a waveform whose spectrogram has the given magnitude: fast Griffin-Lim from zero phase.

    Zero phase makes the result deterministic and, measured, no worse than random phase.

    Args: magnitude [B, T, F].
    Returns: waveform [B, T * hop].
    Source: Perraudin, Balazs and Sondergaard 2013; momentum as librosa.griffinlim takes it.
    """
    pull = momentum / (1.0 + momentum)
    estimate: Spectrum = (magnitude, ops.zeros_like(magnitude))
    previous: Spectrum | None = None
    for _ in range(iterations):
        rebuilt = stft(istft(estimate, n_fft, hop), n_fft, hop)
        if previous is None:
            direction = rebuilt
        else:
            direction = (rebuilt[0] - pull * previous[0], rebuilt[1] - pull * previous[1])
        scale = magnitude * ops.rsqrt(ops.square(direction[0]) + ops.square(direction[1]) + 1e-16)
        estimate, previous = (direction[0] * scale, direction[1] * scale), rebuilt
    return istft(estimate, n_fft, hop)
