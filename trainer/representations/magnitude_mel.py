"""magnitude_mel: the logarithm of mel magnitudes as MelGAN defines it, and its inverse in the graph."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from trainer.inversion import griffin_lim, invert_mel
from trainer.representations.grid import frames_of
from trainer.representations.mel_filters import filters_of
from trainer.specs.audio import AudioSpec
from trainer.specs.representations import MagnitudeMelSpec
from trainer.stft import hann, stft

Tensor = Any
BRIGHTEST = 1.0  # of a picture: mel magnitudes of 10, as loud speech has them
DB_MAX = 60.0


class MagnitudeMel:
    """Waveform [B, S] in [-1, 1] to features [B, T, M], from log10(floor) to about 2, and back.

    Raises: SpecError where the clip is no whole number of hops, fmax passes the Nyquist frequency, or a mel band is
    narrower than the FFT resolves.
    """

    def __init__(self, spec: MagnitudeMelSpec, audio: AudioSpec) -> None:
        self.frames = frames_of("magnitude_mel", audio, spec.hop_samples)
        fmax_hz, self.filters = filters_of(audio.sample_rate_hz, spec.n_fft, spec.n_mels, spec.fmin_hz, spec.fmax_hz)
        self.spec, self.audio = spec.replace(fmax_hz=fmax_hz), audio
        self.floor = math.log10(spec.floor)
        self.loudest = math.log10(float(hann(spec.n_fft).sum() * self.filters.sum(axis=1).max()))  # of sound in [-1, 1]

    @property
    def shape(self) -> tuple[int, int]:
        """Frames and mel bands of one clip."""
        return self.frames, self.spec.n_mels

    @property
    def free_shape(self) -> tuple[int | None, ...]:
        """Any number of frames is decoded."""
        return None, self.spec.n_mels

    @property
    def silence(self) -> tuple[float, ...]:
        """The floor."""
        return (self.floor,)

    def encode(self, waveform: Tensor) -> Tensor:
        """Features [B, T, M] of waveform [B, S], S a whole number of hops.

        Source: Audio2Mel of the code published with Kumar et al. 2019; equal to librosa.filters.mel times the
        magnitudes of librosa.stft(center=False) of the mirrored signal, to 1e-5.
        """
        real, imaginary = stft(waveform, hann(self.spec.n_fft), self.spec.hop_samples, mirrored=True)
        magnitude = ops.sqrt(ops.square(real) + ops.square(imaginary))
        mel = ops.maximum(ops.matmul(magnitude, self.filters.T), self.spec.floor)
        return ops.log(mel) * (1.0 / math.log(10.0))

    def magnitudes(self, features: Tensor) -> Tensor:
        """Magnitudes [B, T, n_fft // 2 + 1] whose mel is nearest to features [B, T, M]."""
        mel = ops.relu(ops.exp(features * math.log(10.0)) - 1.001 * self.spec.floor)  # above float rounding
        return invert_mel(mel, self.filters, self.spec.inversion_steps)

    def decode(self, features: Tensor) -> Tensor:
        """Waveform [B, T * hop] in [-1, 1] of features [B, T, M] without a network; the floor gives exact silence."""
        magnitude, spec = self.magnitudes(features), self.spec
        return ops.clip(griffin_lim(magnitude, spec.n_fft, spec.hop_samples, spec.griffin_lim_iterations), -1.0, 1.0)

    def pictures(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Features [N, T, M] on one scale: the floor is dark."""
        drawn: NDArray[np.float32] = 2.0 * (features - self.floor) / (BRIGHTEST - self.floor) - 1.0
        return np.clip(drawn, -1.0, 1.0)

    def describe(self) -> dict[str, Any]:
        """Entry `features` of the contract: the exact definition, for people and other programs."""
        frames, n_mels = self.shape
        return {
            "kind": "log_mel",
            "shape": [None, n_mels],
            "frames": frames,
            "n_fft": self.spec.n_fft,
            "hop_samples": self.spec.hop_samples,
            "window": "hann",
            "padding": "(n_fft - hop_samples) / 2 mirrored samples on each side, the ends not repeated",
            "n_mels": n_mels,
            "fmin_hz": self.spec.fmin_hz,
            "fmax_hz": self.spec.fmax_hz,
            "mel_scale": "slaney",
            "mel_norm": "slaney",
            "quantity": "magnitude",
            "log": "log10",
            "floor": self.spec.floor,
            "db_min": 20.0 * self.floor,
            "db_max": DB_MAX,
            "scaling": "log10(max(mel, floor)), not scaled: dB / 20",
            "range": [self.floor, self.loudest],
            "inversion": {
                "mel_steps": self.spec.inversion_steps,
                "griffin_lim_iterations": self.spec.griffin_lim_iterations,
            },
        }
