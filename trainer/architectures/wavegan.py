"""wavegan: raw sound by convolutions of 25 taps and stride 4, mono or stereo.

Source: Donahue, McAuley and Puckette 2019, tables 3 and 4, and the code published with it. Defects of that code that
are not copied: one layer normalised twice, a post filter that joins channels.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from trainer.architectures import dcgan, networks
from trainer.architectures.growth import Growth
from trainer.architectures.spectral import SpectralCritic
from trainer.errors import check
from trainer.specs.architectures import WaveganSpec

Tensor = Any
START = 16  # samples of the coarsest grid
SHORTEST, LONGEST = 256, 2**20


def strides_of(samples: int) -> tuple[int, ...]:
    """Strides from 16 samples to a clip: as many fours as fit, then a two where one is left.

    Raises: SpecError with the nearest lengths that fit.
    """
    fitting = SHORTEST <= samples <= LONGEST and samples & (samples - 1) == 0
    check(fitting, f"wavegan makes clips of 16 x 4^a samples, or twice that, not of {samples}: {_nearest(samples)}")
    doublings = (samples // START).bit_length() - 1
    return (4,) * (doublings // 2) + (2,) * (doublings % 2)


def _nearest(samples: int) -> str:
    below = min(max(1 << (max(samples, 1).bit_length() - 1), SHORTEST), LONGEST)
    lengths = [below] if below > samples or below == LONGEST else [below, 2 * below]
    return f"set clip_samples to {' or '.join(map(str, lengths))}"


def _plan(shape: tuple[int, ...]) -> dcgan.Plan:
    check(len(shape) == 2, f"wavegan needs waveforms of samples x channels, not features of shape {shape}")
    return dcgan.Plan((START,), strides_of(shape[0]), shape[1])


class PostFilter(keras.layers.Layer):  # type: ignore[misc]
    """A learned filter over [B, S, C], one for each channel. Its result may pass [-1, 1] a little."""

    def __init__(self, taps: int, channels: int) -> None:
        super().__init__()
        self.kernel = self.add_weight(shape=(taps, channels), initializer="glorot_uniform", name="kernel")
        self.built = True

    def call(self, x: Tensor) -> Tensor:
        """Run the layer."""
        # One by one: there are one or two, and depthwise convolutions have no fast gradient on CPUs.
        filtered = [
            ops.conv(x[..., channel : channel + 1], self.kernel[:, channel, None, None], padding="same")
            for channel in range(x.shape[-1])
        ]
        return ops.concatenate(filtered, axis=-1)


class Generator(dcgan.Generator):
    """Latent [B, Z] and label to waveforms [B, S, C]; in [-1, 1] where there is no post filter."""

    def __init__(self, spec: WaveganSpec, shape: tuple[int, ...], label_count: int) -> None:
        plan = _plan(shape)
        super().__init__(spec, shape, label_count, plan)
        self.post_filter = PostFilter(spec.post_filter_taps, plan.channels) if spec.post_filter_taps else None
        self.build_weights()

    def call(
        self, latent: Tensor, label: Tensor | None = None, training: bool = False, growth: Growth | None = None
    ) -> Tensor:
        """Run the network."""
        waveform = super().call(latent, label, training=training, growth=growth)
        return waveform if self.post_filter is None else self.post_filter(waveform)


class Critic(dcgan.Critic):
    """Waveforms [B, S, C] and label to (logit [B], class logits [B, L] or None), its phase shuffled by `noise`."""

    def __init__(self, spec: WaveganSpec, shape: tuple[int, ...], label_count: int) -> None:
        super().__init__(spec, shape, label_count, _plan(shape), shuffle=spec.phase_shuffle)
        self.build_weights()

    def draw(self, count: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """One shift for each layer but the last, the same for all items."""
        if not self.shuffle:
            return {}
        layers = len(self.convs) - 1
        return {"shift": rng.integers(-self.shuffle, self.shuffle, layers, dtype="int32", endpoint=True)}


def make_critic(spec: WaveganSpec, shape: tuple[int, ...], label_count: int) -> networks.Critic:
    """The published critic, or the one of log spectrograms."""
    if spec.critic_fft is None:
        return Critic(spec, shape, label_count)
    _plan(shape)  # says what does not fit
    return SpectralCritic(spec.critic_fft, spec.width, shape, label_count)
