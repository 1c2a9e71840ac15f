"""vocos: features of a mel scale to the spectrum of each frame, and an inverse STFT to sound.

Nothing is computed at the rate of samples but the transform: about a tenth of MelGAN's cost. Where it is causal, no
convolution looks ahead, and a frame is heard when the half window of the transform has passed.
Source: Siuzdak 2023, section 3 (backbone of ConvNeXt blocks, head of magnitude and phase). Of ours: the grid of whole
hops, features counted from the floor, so that zeros beyond the ends are silence; and a head that corrects magnitudes
while Griffin-Lim finds their phase, for which `griffin_lim_iterations` asks.
"""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from trainer.architectures.vocoder import Mel, Reach, Vocoder
from trainer.inversion import with_phase
from trainer.specs.vocoders import VocosSpec
from trainer.stft import Spectrum, hann, istft

Tensor = Any
TAPS = 7
QUIETEST = 1e-4  # magnitude of a bin


def _deviation() -> keras.initializers.Initializer:
    return keras.initializers.TruncatedNormal(stddev=0.02)


class Depthwise(keras.layers.Layer):  # type: ignore[misc]
    """[B, T, C] to the same, each channel convolved by itself with seven taps; zeros stand beyond the ends.

    As seven products: depthwise convolutions have no fast gradient on CPUs.
    """

    def __init__(self, channels: int, *, before: int) -> None:
        super().__init__()
        self.before = before
        self.kernel = self.add_weight(shape=(TAPS, channels), initializer=_deviation(), name="kernel")
        self.bias = self.add_weight(shape=(channels,), initializer="zeros", name="bias")
        self.built = True

    def call(self, x: Tensor) -> Tensor:
        """Run the layer."""
        frames, kernel = ops.shape(x)[1], ops.convert_to_tensor(self.kernel)
        padded = ops.pad(x, [(0, 0), (self.before, TAPS - 1 - self.before), (0, 0)])
        return sum(padded[:, tap : tap + frames] * kernel[tap] for tap in range(TAPS)) + self.bias


class Block(keras.layers.Layer):  # type: ignore[misc]
    """A ConvNeXt block: [B, T, C] to the same. Source: Liu et al. 2022, in one dimension."""

    def __init__(self, spec: VocosSpec, *, before: int) -> None:
        super().__init__()
        self.depthwise = Depthwise(spec.width, before=before)
        self.norm = keras.layers.LayerNormalization(epsilon=1e-6)
        self.wide = keras.layers.Dense(spec.expansion * spec.width, kernel_initializer=_deviation())
        self.narrow = keras.layers.Dense(spec.width, kernel_initializer=_deviation())
        share = keras.initializers.Constant(1.0 / spec.blocks)
        self.scale = self.add_weight(shape=(spec.width,), initializer=share, name="scale")

    def call(self, x: Tensor) -> Tensor:
        """Run the layers."""
        inner = ops.gelu(self.wide(self.norm(self.depthwise(x))), approximate=False)
        return x + self.scale * self.narrow(inner)


class Generator(Vocoder):
    """Features [B, T, bands] to sound [B, T * hop] in [-1, 1]."""

    def __init__(self, spec: VocosSpec, mel: Mel) -> None:
        super().__init__(mel, silence_gate=spec.silence_gate, causal=spec.causal)
        before = TAPS - 1 if spec.causal else TAPS // 2
        padding = "causal" if spec.causal else "same"
        self.first = keras.layers.Conv1D(spec.width, TAPS, padding=padding, kernel_initializer=_deviation())
        self.first_norm = keras.layers.LayerNormalization(epsilon=1e-6)
        self.blocks = [Block(spec, before=before) for _ in range(spec.blocks)]
        self.last_norm = keras.layers.LayerNormalization(epsilon=1e-6)
        self.iterations = spec.griffin_lim_iterations
        if self.iterations:  # it begins as Griffin-Lim is
            self.head = keras.layers.Dense(mel.n_fft // 2 + 1, kernel_initializer="zeros")
        else:
            self.head = keras.layers.Dense(mel.n_fft + 2, kernel_initializer=_deviation())
        self.loudest_level = math.log(mel.n_fft / 2)  # the sum of the window: no bin of samples in [-1, 1] has more
        self.before = before
        self.build_weights()

    @property
    def network_reach(self) -> Reach:
        """Of the convolutions, of the iterations, and of the windows that overlap a frame."""
        layers, overlap = len(self.blocks) + 1, self.mel.n_fft // self.mel.hop_samples
        found = self.iterations * (overlap - 1) + overlap // 2
        return Reach(layers * self.before + found, layers * (TAPS - 1 - self.before) + found)

    def sound(self, features: Tensor) -> Tensor:
        """Sound [B, T * hop] of features."""
        x = self.first_norm(self.first(features - self.mel.floor))
        for block in self.blocks:
            x = block(x)
        made = self.head(self.last_norm(x))
        spectrum = self._corrected(features, made) if self.iterations else self._polar(*ops.split(made, 2, axis=-1))
        return ops.clip(istft(spectrum, hann(self.mel.n_fft), self.mel.hop_samples), -1.0, 1.0)

    def _corrected(self, features: Tensor, corrections: Tensor) -> Spectrum:
        """The magnitudes of features times exp(corrections), and their phase, which is taken as given by gradients."""
        levels = ops.log(ops.maximum(self.mel.magnitudes(features), QUIETEST)) + corrections
        levels = ops.minimum(levels, self.loudest_level)
        held = ops.stop_gradient(levels)
        real, imaginary = with_phase(ops.exp(held), self.mel.n_fft, self.mel.hop_samples, self.iterations)
        change = ops.exp(levels - held)  # 1, with the gradient of levels
        return ops.stop_gradient(real) * change, ops.stop_gradient(imaginary) * change

    def _polar(self, levels: Tensor, phase: Tensor) -> Spectrum:
        magnitude = ops.exp(ops.minimum(levels, self.loudest_level))
        return magnitude * ops.cos(phase), magnitude * ops.sin(phase)
