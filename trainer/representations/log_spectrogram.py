"""log_spectrogram: the log-magnitude spectrogram, each bin standardised over the corpus, as SpecGAN has it."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from trainer.errors import check
from trainer.inversion import griffin_lim, phase_of_gradient
from trainer.representations.grid import chunks, frames_of
from trainer.specs.audio import AudioSpec
from trainer.specs.representations import LogSpectrogramSpec
from trainer.stft import hann, stft

Tensor = Any
SMALLEST_DEVIATION = 0.1  # nepers: a bin that varies by less than 1 dB says nothing, its noise is not to be enlarged


class LogSpectrogram:
    """Waveform [B, S] in [-1, 1] to features [B, T, n_fft / 2] in [-1, 1], and back.

    The original pads its clips at the end; here (n_fft - hop) / 2 zeros stand on each side, which gives as many
    frames, each (n_fft - hop) / 2 samples earlier. Griffin-Lim starts at a guess of the phase, the original's at a
    random one: with two frames over each sample that is the difference between a note and noise.
    Raises: SpecError where the clip is stereo or no whole number of hops, or a constant is missing.
    Source: Donahue, McAuley and Puckette 2019, section 3.3 and its public code.
    """

    def __init__(self, spec: LogSpectrogramSpec, audio: AudioSpec) -> None:
        self.frames = frames_of("log_spectrogram", audio, spec.hop_samples)
        check(
            spec.means is not None and spec.deviations is not None,
            "means and deviations are not resolved; fit_bins takes them from the corpus",
        )
        self.spec, self.audio = spec, audio
        self.bands = spec.n_fft // 2
        self.means = np.array(spec.means, "float32")
        self.reach = np.array(spec.deviations, "float32") * spec.clip_deviations  # what 1 stands for, nepers

    @property
    def shape(self) -> tuple[int, int]:
        """Frames and bins of one clip."""
        return self.frames, self.bands

    @property
    def free_shape(self) -> tuple[int | None, ...]:
        """Any number of frames is decoded."""
        return None, self.bands

    @property
    def silence(self) -> tuple[float, ...]:
        """Mean over the bins: each has a silence of its own."""
        level = (np.log(self.spec.epsilon) - self.means) / self.reach
        return (float(np.clip(level, -1.0, 1.0).mean()),)

    def levels(self, waveform: Tensor) -> Tensor:
        """Natural logarithm of the magnitudes [B, T, n_fft / 2] of waveform [B, S]."""
        real, imaginary = stft(waveform, hann(self.spec.n_fft), self.spec.hop_samples)
        power = ops.square(real[..., :-1]) + ops.square(imaginary[..., :-1])
        return ops.log(ops.sqrt(power) + self.spec.epsilon)

    def encode(self, waveform: Tensor) -> Tensor:
        """Features [B, T, n_fft / 2] of waveform [B, S], S a whole number of hops."""
        return ops.clip((self.levels(waveform) - self.means) / self.reach, -1.0, 1.0)

    def magnitude(self, features: Tensor) -> Tensor:
        """Magnitudes [B, T, n_fft / 2 + 1] that features stand for, the Nyquist bin 0."""
        levels = ops.clip(features, -1.0, 1.0) * self.reach + self.means
        magnitude = ops.relu(ops.exp(levels) - self.spec.epsilon)
        return ops.pad(magnitude, [[0, 0], [0, 0], [0, 1]])

    def decode(self, features: Tensor) -> Tensor:
        """Waveform [B, T * hop] in [-1, 1] of features [B, T, n_fft / 2]."""
        magnitude, n_fft, hop = self.magnitude(features), self.spec.n_fft, self.spec.hop_samples
        start = phase_of_gradient(magnitude, n_fft, hop)
        waveform = griffin_lim(magnitude, n_fft, hop, self.spec.griffin_lim_iterations, phase=start)
        return ops.clip(waveform, -1.0, 1.0)

    def pictures(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """The features themselves [N, T, n_fft / 2]."""
        return features

    def describe(self) -> dict[str, Any] | None:
        """Entry `features` of the contract: the exact definition, for people and other programs."""
        spec = self.spec
        return {
            "kind": "log_spectrogram",
            "shape": [None, self.bands],
            "frames": self.frames,
            "n_fft": spec.n_fft,
            "hop_samples": spec.hop_samples,
            "window": "hann",
            "padding": "(n_fft - hop_samples) / 2 zeros on each side",
            "bands": self.bands,
            "bins": "0 to n_fft / 2 - 1; the Nyquist bin is left out and taken for 0",
            "fmin_hz": 0.0,
            "fmax_hz": self.audio.sample_rate_hz / 2,
            "scale": "linear",
            "quantity": "magnitude",
            "log": "ln(magnitude + epsilon)",
            "epsilon": spec.epsilon,
            "means": list(spec.means or ()),
            "deviations": list(spec.deviations or ()),
            "clip_deviations": spec.clip_deviations,
            "scaling": "(ln - mean of the bin) / (clip_deviations * deviation of the bin), clipped to [-1, 1]",
            "range": [-1.0, 1.0],
            "inversion": {
                "start": "phase integrated in time from the slope of the log magnitudes",
                "griffin_lim_iterations": spec.griffin_lim_iterations,
            },
        }


def fit_bins(spec: LogSpectrogramSpec, audio: AudioSpec, waveforms: np.ndarray) -> LogSpectrogramSpec:
    """Return `spec` with mean and deviation of each bin's log magnitude over all frames of waveforms [N, S].

    What is stated stays. Deviations are 0.1 nepers or more.
    """
    if spec.means is not None and spec.deviations is not None:
        return spec
    bands = spec.n_fft // 2
    unfitted = LogSpectrogram(spec.replace(means=(0.0,) * bands, deviations=(1.0,) * bands), audio)
    count, total, squares = 0, np.zeros(bands), np.zeros(bands)
    for chunk in chunks(waveforms):
        levels = np.asarray(unfitted.levels(chunk), np.float64).reshape(-1, bands)
        count, total, squares = count + len(levels), total + levels.sum(0), squares + np.square(levels).sum(0)
    means = total / count
    deviations = np.maximum(np.sqrt(np.maximum(squares / count - means**2, 0.0)), SMALLEST_DEVIATION)
    return spec.replace(
        means=_numbers(means) if spec.means is None else spec.means,
        deviations=_numbers(deviations) if spec.deviations is None else spec.deviations,
    )


def _numbers(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(round(float(value), 4) for value in values)
