"""A critic of waveforms that sees their log spectrogram instead: not published, for generators of raw sound.

Equal sounds differ by phase, which a critic of raw samples must learn to overlook before it tells a vowel from
another. The transform is a product with a fixed matrix and has second derivatives on every backend.
Source of the idea: Jang et al. 2021, UnivNet, section 2.2 (critics of spectrograms beside a generator of waveforms).
"""

from __future__ import annotations

from math import log2
from typing import Any

import numpy as np
from keras import ops

from trainer.architectures import networks
from trainer.architectures.growth import Growth
from trainer.architectures.layers import with_place
from trainer.architectures.tower import Tower
from trainer.errors import check

Tensor = Any
COARSEST = 4  # shorter side of the last grid
MOST_WIDTHS = 8  # times the first layer's
FLOOR = 1e-3  # power of a bin, where noise of deviation 1 has 1: what is weaker counts as silence


def log_spectrogram(waveform: Tensor, n_fft: int) -> Tensor:
    """Waveforms [B, S, C] of deviation 1 to log power [B, 2 S / n_fft, n_fft / 2, C] from -1, silence, to about 3."""
    hop, (samples, channels) = n_fft // 2, waveform.shape[1:]
    padded = ops.pad(ops.transpose(waveform, (0, 2, 1)), [(0, 0), (0, 0), (hop // 2, hop // 2)])
    halves = ops.reshape(padded, (-1, channels, samples // hop + 1, hop))
    frames = ops.concatenate([halves[:, :, :-1], halves[:, :, 1:]], axis=-1)
    parts = ops.square(ops.matmul(frames, _transform(n_fft)))
    power = parts[..., :hop] + parts[..., hop:]
    return ops.transpose(0.3 * ops.log(power + FLOOR) + 1.0, (0, 2, 3, 1))


def _transform(n_fft: int) -> np.ndarray:
    """Windowed cosines and sines of bins 1 to n_fft / 2, float32 [n_fft, n_fft]: noise of deviation 1 has power 1."""
    place = np.arange(n_fft)
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * place / n_fft)
    turns = 2.0 * np.pi / n_fft * np.outer(place, np.arange(1, n_fft // 2 + 1))
    waves = np.concatenate([np.cos(turns), np.sin(turns)], axis=1)
    matrix: np.ndarray = (waves * (window / np.linalg.norm(window))[:, None]).astype("float32")
    return matrix


class SpectralCritic(networks.Critic):
    """Waveforms [B, S, C] of deviation 1 and label to (logit [B], class logits [B, L] or None).

    Deviation 1 is what game.standardise brings: quieter, all is near the floor. width: channels of the first layer.
    Raises: SpecError where the spectrogram of n_fft is too small a grid.
    """

    def __init__(self, n_fft: int, width: int, shape: tuple[int, ...], label_count: int) -> None:
        super().__init__(shape, label_count)
        self.n_fft = n_fft
        grid = (2 * shape[0] // n_fft, n_fft // 2)
        check(min(grid) >= 2 * COARSEST, f"critic_fft={n_fft} makes a grid of {grid[0]} x {grid[1]}: too small a side")
        halvings = int(log2(min(grid) // COARSEST))
        widths = [min(2**layer, MOST_WIDTHS) * width for layer in range(halvings)]
        self.tower = Tower(widths, widths[-1], MOST_WIDTHS * width, label_count)
        self.build_weights()

    def call(
        self,
        features: Tensor,
        label: Tensor | None = None,
        noise: dict[str, Tensor] | None = None,
        training: bool = False,
        growth: Growth | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """Run the network."""
        x = with_place(log_spectrogram(ops.convert_to_tensor(features), self.n_fft))
        judged: tuple[Tensor, Tensor | None] = self.tower(x, label)
        return judged
