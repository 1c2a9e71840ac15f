"""log_mel: mel power in decibels on [-1, 1], and its inverse in the graph."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from trainer.errors import check
from trainer.inversion import griffin_lim, invert_mel
from trainer.representations.grid import chunks, frames_of
from trainer.representations.mel_filters import filters_of
from trainer.specs.audio import AudioSpec
from trainer.specs.representations import LogMelSpec
from trainer.stft import hann, stft

Tensor = Any


class LogMel:
    """Waveform [B, S] in [-1, 1] to features [B, T, M] in [-1, 1], and back.

    Raises: SpecError where the clip is no whole number of hops, fmax passes the Nyquist frequency, or a mel band is
    narrower than the FFT resolves.
    """

    def __init__(self, spec: LogMelSpec, audio: AudioSpec) -> None:
        fmax_hz, self.filters = filters_of(audio.sample_rate_hz, spec.n_fft, spec.n_mels, spec.fmin_hz, spec.fmax_hz)
        self.frames = frames_of("log_mel", audio, spec.hop_samples)
        check(spec.db_max is not None, "db_max is not resolved; fit_db_max takes it from the corpus")
        self.spec = spec.replace(fmax_hz=fmax_hz)
        self.audio = audio
        self.db_max = float(spec.db_max or 0.0)
        self.db_min = self.db_max - spec.db_range

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
        """The lower end of the scale."""
        return (-1.0,)

    def mel_power(self, waveform: Tensor) -> Tensor:
        """Mel power spectrogram [B, T, M] of waveform [B, S].

        Source: librosa.feature.melspectrogram(center=False) of the padded signal, equal to 1e-4.
        """
        real, imaginary = stft(waveform, hann(self.spec.n_fft), self.spec.hop_samples)
        return ops.matmul(ops.square(real) + ops.square(imaginary), self.filters.T)

    def encode(self, waveform: Tensor) -> Tensor:
        """Features [B, T, M] of waveform [B, S], S a whole number of hops."""
        floor = 10.0 ** (self.db_min / 10.0)
        decibels = ops.log(ops.maximum(self.mel_power(waveform), floor)) * (10.0 / math.log(10.0))
        return ops.clip(2.0 * (decibels - self.db_min) / self.spec.db_range - 1.0, -1.0, 1.0)

    def power(self, features: Tensor) -> Tensor:
        """Mel power [B, T, M] that features [B, T, M] stand for; exactly 0 where they are -1."""
        decibels = (ops.clip(features, -1.0, 1.0) + 1.0) * (self.spec.db_range / 2.0) + self.db_min
        floor = 1.001 * 10.0 ** (self.db_min / 10.0)  # above float rounding
        return ops.relu(ops.exp(decibels * (math.log(10.0) / 10.0)) - floor)

    def magnitudes(self, features: Tensor) -> Tensor:
        """Magnitudes [B, T, n_fft // 2 + 1] whose mel is nearest to features [B, T, M]."""
        return ops.sqrt(invert_mel(self.power(features), self.filters, self.spec.inversion_steps))

    def decode(self, features: Tensor) -> Tensor:
        """Waveform [B, T * hop] in [-1, 1] of features [B, T, M]; features of -1 everywhere give exact silence."""
        magnitude, spec = self.magnitudes(features), self.spec
        return ops.clip(griffin_lim(magnitude, spec.n_fft, spec.hop_samples, spec.griffin_lim_iterations), -1.0, 1.0)

    def pictures(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """The features themselves [N, T, M]."""
        return features

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
            "padding": "(n_fft - hop_samples) / 2 zeros on each side",
            "n_mels": n_mels,
            "fmin_hz": self.spec.fmin_hz,
            "fmax_hz": self.spec.fmax_hz,
            "mel_scale": "slaney",
            "mel_norm": "slaney",
            "quantity": "power",
            "log": "10 log10",
            "db_min": self.db_min,
            "db_max": self.db_max,
            "scaling": "2 (dB - db_min) / (db_max - db_min) - 1, clipped to [-1, 1]",
            "range": [-1.0, 1.0],
            "inversion": {
                "mel_steps": self.spec.inversion_steps,
                "griffin_lim_iterations": self.spec.griffin_lim_iterations,
            },
        }


def fit_db_max(spec: LogMelSpec, audio: AudioSpec, waveforms: np.ndarray) -> LogMelSpec:
    """Return `spec` with db_max taken from waveforms [N, S]: the level that 1 in 10 000 mel values passes.

    A spec that states db_max is returned as it is.
    """
    if spec.db_max is not None:
        return spec
    unfitted = LogMel(spec.replace(db_max=0.0), audio)
    mel = np.concatenate([np.asarray(unfitted.mel_power(chunk)) for chunk in chunks(waveforms)])
    loudest = float(10.0 * np.log10(max(float(np.quantile(mel, 0.9999)), 1e-12)))
    return spec.replace(db_max=round(loudest, 1))
