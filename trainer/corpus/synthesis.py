"""The small synthesiser behind the built-in notes: additive, FM and plucked string, in NumPy.

A family is a function (frequency_hz, strength in 0..1, number of samples, generator) -> float64 [S]. The
generator stands for the instrument: it draws the timbre, and strength brightens it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from trainer.corpus.recording import Samples

RATE_HZ = 32_000
HIGHEST_HZ = 0.45 * RATE_HZ  # nothing is made above, so nothing folds back
FADE_SECONDS = 0.03

Wave = NDArray[np.float64]


def additive(frequency_hz: float, strength: float, samples: int, random: np.random.Generator) -> Wave:
    """Sum of decaying harmonics, the higher ones weaker and shorter."""
    time = np.arange(samples) / RATE_HZ
    harmonics = np.arange(1, min(24, int(HIGHEST_HZ / frequency_hz)) + 1)
    slope = random.uniform(1.2, 2.4) - 0.6 * strength
    even = random.uniform(0.1, 1.0)
    decay = random.uniform(0.6, 3.0)
    phases = random.uniform(0, 2 * np.pi, 24)[: len(harmonics)]
    attack = 1 - np.exp(-time / random.uniform(0.002, 0.03))
    weights = harmonics**-slope * np.where(harmonics % 2, 1.0, even)
    wave = np.zeros(samples)
    for harmonic, weight, phase in zip(harmonics, weights, phases, strict=True):
        envelope = np.exp(-decay * (1 + 0.2 * (harmonic - 1)) * time)
        wave += weight * envelope * np.sin(2 * np.pi * frequency_hz * harmonic * time + phase)
    return attack * wave


def fm(frequency_hz: float, strength: float, samples: int, random: np.random.Generator) -> Wave:
    """Two-operator frequency modulation with a whole-number ratio, so that the carrier stays the fundamental.

    Source: Chowning, "The Synthesis of Complex Audio Spectra by Means of Frequency Modulation", 1973.
    """
    time = np.arange(samples) / RATE_HZ
    ratio = int(random.integers(1, 4))
    # Carson's rule: the widest index whose sidebands stay below HIGHEST_HZ.
    room = (HIGHEST_HZ / frequency_hz - 1) / ratio - 1
    index = min(random.uniform(1.0, 4.0) * (0.3 + 0.7 * strength), room)
    depth = index * np.exp(-random.uniform(1.0, 6.0) * time)
    envelope = np.exp(-random.uniform(0.6, 3.0) * time) * (1 - np.exp(-time / random.uniform(0.002, 0.02)))
    angle = 2 * np.pi * frequency_hz * time
    return np.asarray(envelope * np.sin(angle + depth * np.sin(ratio * angle)))


def pluck(frequency_hz: float, strength: float, samples: int, random: np.random.Generator) -> Wave:
    """Plucked string: noise in a delay line with a damping filter and a fractional delay in its loop.

    The loop's delay at the fundamental is one period, so that the pitch is right to a few cents.
    Source: Karplus and Strong, "Digital Synthesis of Plucked-String and Drum Timbres", 1983; tuned by
    Lagrange interpolation (Laakso et al., "Splitting the Unit Delay", 1996).
    """
    damping = random.uniform(0.1, 0.45) * (1.3 - strength)
    sustain_seconds = random.uniform(1.0, 4.0) * (220 / frequency_hz) ** 0.5
    pick = random.uniform(0.08, 0.45)
    period = RATE_HZ / frequency_hz
    delay = int(period) - 2
    fraction = period - delay - 1  # in 1..2, best for four points; the damping filter delays by the other 1
    loop = np.convolve([damping / 2, 1 - damping, damping / 2], _lagrange(fraction))
    loop *= 10 ** (-3 * period / (sustain_seconds * RATE_HZ))  # -60 dB after sustain_seconds
    wave = np.zeros(samples + delay + len(loop))  # begins with silence, so that the loop can look back
    start = delay + len(loop)
    wave[start : start + int(period)] = _excitation(int(period), pick, strength, random)
    for block in range(start + int(period), len(wave), delay):
        size = min(delay, len(wave) - block)
        past = wave[block - delay - len(loop) + 1 : block - delay + size]
        wave[block : block + size] += np.convolve(past, loop, "valid")
    return wave[start:]


FAMILIES: dict[str, Callable[[float, float, int, np.random.Generator], Wave]] = {
    "additive": additive,
    "fm": fm,
    "pluck": pluck,
}


def shape(wave: Wave, peak: float) -> Samples:
    """Fade the end out and scale to a peak. Returns: float32 [S]."""
    fade = min(len(wave), round(FADE_SECONDS * RATE_HZ))
    wave = wave.copy()
    wave[len(wave) - fade :] *= np.linspace(1, 0, fade)
    return np.asarray(wave * (peak / np.abs(wave).max()), dtype=np.float32)


def _lagrange(delay: float) -> Wave:
    """Four-point Lagrange interpolator that delays by `delay` samples, 1..2."""
    taps = np.arange(4)
    return np.array([np.prod([(delay - j) / (k - j) for j in taps if j != k]) for k in taps])


def _excitation(samples: int, pick: float, strength: float, random: np.random.Generator) -> Wave:
    """One period of noise: darker when plucked softly, hollow at the harmonics with a node under the pick."""
    spectrum = np.fft.rfft(random.uniform(-1, 1, samples))
    harmonics = np.arange(len(spectrum))
    spectrum *= np.sin(np.pi * pick * harmonics) * np.exp(-harmonics * 0.15 * (1 - strength))
    spectrum[0] = 0  # a constant would circle in the loop for long
    return np.fft.irfft(spectrum, samples)
