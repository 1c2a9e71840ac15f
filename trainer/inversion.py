"""From a mel power spectrogram back to a waveform, in the graph: no librosa at the place of use."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from trainer.stft import Spectrum, hann, istft, stft

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
    inverse = np.linalg.pinv(filters).T.astype("float32")
    return nearest_power(mel, ops.convert_to_tensor(filters), inverse, step, steps)


def nearest_power(mel: Tensor, filters: Tensor, inverse: Tensor, step: Any, steps: int) -> Tensor:
    """The steps of `invert_mel`, for filters [M, F] of unit norm and mel [B, T, M] divided by their norms.

    inverse: transposed pseudo-inverse [M, F]. step: 1 / the largest eigenvalue of filters . filters^T.
    """
    transposed = ops.transpose(filters)
    target = ops.matmul(mel, filters)
    power = ops.relu(ops.matmul(mel, inverse))
    momenta = ops.convert_to_tensor(_momenta(steps))

    def improve(index: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        power, look_ahead = state
        residual = ops.matmul(ops.matmul(look_ahead, transposed), filters) - target
        following = ops.relu(look_ahead - step * residual)
        return following, following + momenta[index] * (following - power)

    power, _ = ops.fori_loop(0, steps, improve, (power, power))
    return power


def _momenta(steps: int) -> np.ndarray:
    """Momentum of each step: (t_k - 1) / t_(k+1) with t_(k+1) = (1 + sqrt(1 + 4 t_k^2)) / 2. At least one entry."""
    momenta, t = [], 1.0
    for _ in range(max(1, steps)):
        following = (1.0 + math.sqrt(1.0 + 4.0 * t * t)) / 2.0
        momenta.append((t - 1.0) / following)
        t = following
    return np.array(momenta, "float32")


HANN_GAMMA = 0.25645  # of the Gaussian nearest to a Hann window of n samples: exp(-pi x^2 / (gamma n^2))
QUIETEST = 1e-6


def phase_of_gradient(magnitude: Tensor, n_fft: int, hop: int) -> Tensor:
    """Guess the phase of magnitudes [B, T, F] from the slope of their logarithms over the bins.

    Under a Gaussian window the slope says how far the loudest frequency near a bin lies from it, so how fast its phase
    turns; turns are summed over time (trapezoids), from a pulse in the first frame's middle. Nothing is iterated.
    Source: Prusa, Balazs and Sondergaard, "A Noniterative Method for Reconstruction of Phase From STFT Magnitude",
    2017, without its integration over frequency.
    """
    bins = np.arange(n_fft // 2 + 1, dtype="float32")
    levels = ops.log(ops.maximum(magnitude, QUIETEST))
    held = ops.concatenate([levels[..., :1], levels, levels[..., -1:]], axis=-1)
    slope = (held[..., 2:] - held[..., :-2]) / 2.0
    turns = slope * (hop / (HANN_GAMMA * n_fft)) + 2.0 * math.pi * (bins % (n_fft // hop)) * (hop / n_fft)
    between = (turns[:, 1:] + turns[:, :-1]) / 2.0
    first = ops.zeros_like(turns[:, :1]) + math.pi * (bins % 2.0)
    return ops.cumsum(ops.concatenate([first, between], axis=1), axis=1)


def griffin_lim(
    magnitude: Tensor, n_fft: int, hop: int, iterations: int, *, momentum: float = 0.99, phase: Tensor | None = None
) -> Tensor:
    """Find a waveform whose spectrogram has the given magnitude: fast Griffin-Lim from a phase.

    Without one it starts from a pulse in each frame's middle. A fixed start makes the result deterministic. Zero phase
    would put the pulse where the window is zero: from the middle, 8 iterations come nearer on recordings than 16 from
    there. From `phase_of_gradient`, exact magnitudes of notes come 4 to 10 times nearer still, of speech 1.1 to 1.5.

    Args: magnitude and phase [B, T, F].
    Returns: waveform [B, T * hop].
    """
    return istft(with_phase(magnitude, n_fft, hop, iterations, momentum=momentum, phase=phase), hann(n_fft), hop)


def with_phase(
    magnitude: Tensor, n_fft: int, hop: int, iterations: int, *, momentum: float = 0.99, phase: Tensor | None = None
) -> Spectrum:
    """Find the spectrum that `griffin_lim` makes its waveform of: the given magnitude, and a phase that fits it.

    Each iteration carries what a frame knows to the n_fft / hop - 1 frames on each side.
    Source: Perraudin, Balazs and Sondergaard 2013; momentum as librosa.griffinlim takes it.
    """
    window = ops.convert_to_tensor(hann(n_fft))
    if phase is None:
        start = pulse(magnitude, np.arange(n_fft // 2 + 1, dtype="float32"))
    else:
        start = magnitude * ops.cos(phase), magnitude * ops.sin(phase)
    return consistent(
        magnitude,
        start,
        lambda spectrum: stft(istft(spectrum, window, hop), window, hop),
        iterations=iterations,
        momentum=momentum,
    )


def pulse(magnitude: Tensor, bins: Tensor) -> Spectrum:
    """The spectrum whose frames are pulses in their middle. bins: their numbers from 0 on, [F]."""
    return magnitude * (1.0 - 2.0 * (bins % 2.0)), ops.zeros_like(magnitude)


def consistent(
    magnitude: Tensor,
    start: Spectrum,
    project: Callable[[Spectrum], Spectrum],
    *,
    iterations: Tensor | int,
    momentum: float = 0.99,
) -> Spectrum:
    """The iterations of `griffin_lim`. project: to a waveform and back, whatever the transform."""
    pull = momentum / (1.0 + momentum)

    def improve(_: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        estimate_real, estimate_imaginary, previous_real, previous_imaginary = state
        rebuilt_real, rebuilt_imaginary = project((estimate_real, estimate_imaginary))
        real = rebuilt_real - pull * previous_real
        imaginary = rebuilt_imaginary - pull * previous_imaginary
        scale = magnitude * ops.rsqrt(ops.square(real) + ops.square(imaginary) + 1e-16)
        return real * scale, imaginary * scale, rebuilt_real, rebuilt_imaginary

    nothing = ops.zeros_like(magnitude)
    real, imaginary, *_ = ops.fori_loop(0, iterations, improve, (*start, nothing, nothing))
    return real, imaginary
