"""The way back from sound to latent: a network that is trained for a generator whose weights rest.

It sees what a critic sees: features less the corpus' mean, divided by its deviation, and of waveforms their log
spectrogram, because equal sounds differ by phase. No batch deviation: an item must not depend on its batch.
"""

from __future__ import annotations

from math import log2, prod
from typing import Any

import keras
import numpy as np
from keras import ops

from trainer.architectures.layers import conv, halving_conv, leaky, pixel_norm, with_place
from trainer.architectures.spectral import log_spectrogram

Tensor = Any
Standard = tuple[np.ndarray, np.ndarray]  # mean and deviation, a number for each of the features' channels or for all
WIDTHS = (32, 64, 128)  # channels of the halving convolutions; the last repeats on larger grids
LAST_WIDTH = 64  # of the coarsest grid, whose places each have weights of their own
MOST_PLACES = 32  # of that grid
SUMMARY_WIDTH = 256


def fft_of(samples: int) -> int:
    """FFT size whose spectrogram of a clip of a power of two samples is about as many frames as bins."""
    return 1 << int(log2(samples) / 2 + 1)


class Encoder(keras.Model):  # type: ignore[misc]
    """Features [B, *features_shape] to (latent [B, Z], class logits [B, L] or None).

    Latents lie where the generator knows them: normal ones at a root mean square of 1, as nearly all that are drawn
    do, uniform ones in -1 to 1. n_fft: of the spectrogram that stands for features which are waveforms; None for
    pictures [T, F] or [T, F, C].
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        standard: Standard,
        *,
        latent_size: int,
        is_normal: bool = True,
        label_count: int = 0,
        n_fft: int | None = None,
    ) -> None:
        super().__init__(name="encoder")
        self.features_shape, self.label_count = shape, label_count
        self.mean, self.deviation = standard
        self.n_fft, self.is_normal = n_fft, is_normal
        grid = [shape[0], shape[1]] if n_fft is None else [2 * shape[0] // n_fft, n_fft // 2]
        self.convs: list[keras.layers.Conv2D] = []
        while prod(grid) > MOST_PLACES:
            self.convs.append(halving_conv(WIDTHS[min(len(self.convs), len(WIDTHS) - 1)]))
            grid = [-(-side // 2) for side in grid]
        self.last_conv = conv(LAST_WIDTH)
        self.flat_size = prod(grid) * LAST_WIDTH
        self.summary = keras.layers.Dense(SUMMARY_WIDTH, kernel_initializer="he_normal")
        self.latent = keras.layers.Dense(latent_size)
        self.classes = keras.layers.Dense(label_count) if label_count else None
        self.compute_output_spec(keras.KerasTensor((2, *shape)))
        self.built = True

    def picture(self, features: Tensor) -> Tensor:
        """What is looked at: features [B, *features_shape] as [B, T, F, C] of mean 0 and deviation 1."""
        x = (ops.convert_to_tensor(features) - self.mean) / self.deviation
        if self.n_fft is not None:
            return log_spectrogram(x, self.n_fft)
        return ops.expand_dims(x, -1) if len(self.features_shape) == 2 else x

    def call(self, features: Tensor) -> tuple[Tensor, Tensor | None]:
        """Run the network."""
        x = with_place(self.picture(features))
        for convolution in self.convs:
            x = leaky(convolution(x))
        x = leaky(self.last_conv(x))
        x = leaky(self.summary(ops.reshape(x, (-1, self.flat_size))))
        latent = pixel_norm(self.latent(x)) if self.is_normal else ops.tanh(self.latent(x))
        return latent, None if self.classes is None else self.classes(x)

    def found(self, features: Tensor) -> tuple[Tensor, Tensor | None]:
        """What the generator takes to make the like of features: latent [B, Z] and label int32 [B] or None."""
        latent, classes = self(features)
        return latent, None if classes is None else ops.argmax(classes, axis=-1)
