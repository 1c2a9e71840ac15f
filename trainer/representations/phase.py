"""phase: log magnitude and instantaneous frequency, as GANSynth has it, and the waveform of both."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from trainer.errors import check
from trainer.representations.grid import chunks, frames_of
from trainer.representations.mel_phase import PowerMap, angle, mel_map, principal
from trainer.specs.audio import AudioSpec
from trainer.specs.representations import PhaseSpec
from trainer.stft import hann, istft, stft

Tensor = Any
MAPPED = {"none": "", "sum": "the filter's sum over the bins, ", "power": "that of the band's power, "}
BACK = {
    "none": None,
    "sum": "as power",
    "power": "transposed filters, each bin divided by its sum of filters",
    "power_relative": "angle of the sum of the bands' power * exp(i movement), weighted by the filters",
}
GATE_WIDTH_DB = 20.0  # over which the frequency fades in
REACH = 0.8  # silence and the loudest value of the corpus stand this far from 0: GANSynth's margin


class Phase:
    """Waveform [B, S] in [-1, 1] to features [B, T, bands, 2] in [-1, 1], level first, frequency second, and back.

    Frequency is how far the phase moves from frame to frame, in half turns from -1 to 1; the first frame moves from 0.
    Raises: SpecError where the clip is stereo, no whole number of hops or longer than the grid, there are more mel
    bands than bins, or a constant is missing.
    Source: Engel et al. 2019, section 2.1, and magenta's public code, but for the places of the bins (htk_mel_filters),
    the first frame (taken to its principal value, too) and epsilon (subtracted again: silence is silent).
    """

    def __init__(self, spec: PhaseSpec, audio: AudioSpec) -> None:
        self.frames = frames_of("phase", audio, spec.hop_samples)
        check(
            spec.frames is None or spec.frames >= self.frames,
            f"frames={spec.frames} are fewer than the {self.frames} of a clip; the nearest that fits is {self.frames}",
        )
        bins = spec.n_fft // 2
        check(
            spec.n_mels is None or spec.n_mels <= bins,
            f"n_mels={spec.n_mels} are more than the bins of n_fft={spec.n_fft}; the nearest that fits is {bins}",
        )
        check(
            spec.level_gain is not None and spec.level_offset is not None,
            "level_gain and level_offset are not resolved; fit_level takes them from the corpus",
        )
        self.spec, self.audio = spec, audio
        self.bands = spec.n_mels or bins
        self.missing = (spec.frames or self.frames) - self.frames  # frames of silence before the clip
        self.gains = np.array([spec.level_gain, spec.frequency_gain], "float32")
        self.offsets = np.array([spec.level_offset, spec.frequency_offset], "float32")
        self.mel = None if spec.n_mels is None else mel_map(spec, audio)
        middles = self.mel.middles if isinstance(self.mel, PowerMap) else np.arange(1.0, self.bands + 1.0)
        # How far the middle of each band moves from frame to frame, in half turns; a bin has n_fft samples a turn.
        self.middles = (2.0 * spec.hop_samples / spec.n_fft * middles).astype("float32")
        self.is_relative = spec.frequency_origin == "band"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Frames, bands and the two channels."""
        return self.frames + self.missing, self.bands, 2

    @property
    def free_shape(self) -> tuple[int | None, ...]:
        """Any number of frames is decoded, unless the grid has a stated one."""
        return self.spec.frames, self.bands, 2

    @property
    def silence(self) -> tuple[float, float]:
        """The lowest level, and no movement."""
        level, frequency = np.clip(self.gains * [math.log(self.spec.epsilon), 0.0] + self.offsets, -1.0, 1.0)
        return float(level), float(frequency)

    def levels_and_frequencies(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        """Log magnitude (mel: log power) and frequency [B, T, bands] of waveform [B, S], not scaled."""
        padded = ops.pad(waveform, [[0, 0], [self.missing * self.spec.hop_samples, 0]])
        real, imaginary = (part[..., 1:] for part in stft(padded, hann(self.spec.n_fft), self.spec.hop_samples))
        power = ops.square(real) + ops.square(imaginary)
        phase = angle(real, imaginary)
        before = ops.pad(phase[:, :-1], [[0, 0], [1, 0], [0, 0]])
        movement = principal(phase - before)
        if self.mel is None:
            return ops.log(ops.sqrt(power) + self.spec.epsilon), self._from_origin(movement)
        levels = ops.log(ops.matmul(power, self.mel.filters) + self.spec.epsilon)
        return levels, self._from_origin(self.mel.frequency(power, movement))

    def _from_origin(self, movement: Tensor) -> Tensor:
        if self.is_relative:
            movement = principal(movement - self.middles * math.pi)
        return movement / math.pi

    def _gated(self, frequencies: Tensor, levels: Tensor) -> Tensor:
        """Frequencies [B, T, bands], faded to 0 where levels are gate_db below the clip's loudest, or silent."""
        if self.spec.gate_db is None:
            return frequencies
        scale = (20.0 if self.mel is None else 10.0) / math.log(10.0)
        lowest = ops.max(levels, axis=(1, 2), keepdims=True) * scale - self.spec.gate_db
        lowest = ops.maximum(lowest, math.log(self.spec.epsilon) * scale)
        return frequencies * ops.clip((levels * scale - lowest) / GATE_WIDTH_DB, 0.0, 1.0)

    def encode(self, waveform: Tensor) -> Tensor:
        """Features [B, T, bands, 2] of waveform [B, S]: a clip, or any whole number of hops where T is free."""
        levels, frequencies = self.levels_and_frequencies(waveform)
        values = ops.stack([levels, self._gated(frequencies, levels)], axis=-1)
        return ops.clip(values * self.gains + self.offsets, -1.0, 1.0)

    def spectrum(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Magnitude and phase [B, T, n_fft / 2] that features [B, T, bands, 2] stand for; 0 where they are silent."""
        values = (ops.clip(features, -1.0, 1.0) - self.offsets) / self.gains
        floor = 1.0001 * self.spec.epsilon  # above float rounding
        magnitude = ops.relu(ops.exp(values[..., 0]) - floor)
        if self.is_relative:
            return self._relative_spectrum(magnitude, values[..., 1])
        phase = ops.cumsum(values[..., 1], axis=1) * math.pi
        if self.mel is None:
            return magnitude, phase
        return ops.sqrt(ops.matmul(magnitude, self.mel.power_back)), ops.matmul(phase, self.mel.phase_back)

    def _relative_spectrum(self, magnitude: Tensor, frequency: Tensor) -> tuple[Tensor, Tensor]:
        movement = (frequency + self.middles) * math.pi
        if not isinstance(self.mel, PowerMap):
            return magnitude, ops.cumsum(movement, axis=1)
        phase = ops.cumsum(self.mel.back(magnitude, movement), axis=1)
        return ops.sqrt(ops.matmul(magnitude, self.mel.power_back)), phase

    def decode(self, features: Tensor) -> Tensor:
        """Waveform [B, S] in [-1, 1] of features [B, T, bands, 2], without the silence that filled the grid."""
        magnitude, phase = self.spectrum(features)
        without_dc = [[0, 0], [0, 0], [1, 0]]
        spectrum = tuple(ops.pad(magnitude * turn(phase), without_dc) for turn in (ops.cos, ops.sin))
        waveform = istft(spectrum, ops.convert_to_tensor(hann(self.spec.n_fft)), self.spec.hop_samples)
        return ops.clip(waveform[:, self.missing * self.spec.hop_samples :], -1.0, 1.0)

    def pictures(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """The levels [N, T, bands]: frequencies are noise to the eye where it is quiet."""
        return np.asarray(features)[..., 0]

    def describe(self) -> dict[str, Any] | None:
        """Entry `features` of the contract: the exact definition, for people and other programs."""
        spec, is_mel = self.spec, self.mel is not None
        key = (spec.mel_frequency if is_mel else "none") + ("_relative" if is_mel and self.is_relative else "")
        moved = "frequency * pi and the movement of the middle" if self.is_relative else "frequency * pi"
        return {
            "kind": "phase",
            "shape": [spec.frames, self.bands, 2],
            "frames": self.frames + self.missing,
            "n_fft": spec.n_fft,
            "hop_samples": spec.hop_samples,
            "window": "hann",
            "padding": "(n_fft - hop_samples) / 2 zeros on each side, silent_frames * hop_samples more before the clip",
            "silent_frames": self.missing,
            "bands": self.bands,
            "bins": "1 to n_fft / 2; DC is left out and taken for 0",
            "n_mels": spec.n_mels,
            "fmin_hz": 0.0,
            "fmax_hz": self.audio.sample_rate_hz / 2,
            "scale": "htk mel, triangles with peaks of 1, at least 1.5 bins wide" if is_mel else "linear",
            "channels": ["level", "frequency"],
            "level": "ln(mel power + epsilon)" if is_mel else "ln(magnitude + epsilon)",
            "frequency": "phase minus the phase of the frame before (0 before the first), "
            + MAPPED[spec.mel_frequency if is_mel else "none"]
            + ("less that of the band's middle, " if self.is_relative else "")
            + "its principal value divided by pi",
            "gate_db": spec.gate_db,
            "epsilon": spec.epsilon,
            "gains": [spec.level_gain, spec.frequency_gain],
            "offsets": [spec.level_offset, spec.frequency_offset],
            "scaling": "gain * value + offset of the channel, clipped to [-1, 1]",
            "range": [-1.0, 1.0],
            "inversion": {
                "phase": f"cumulative sum of {moved}, then the inverse short-time Fourier transform",
                "power": "transposed filters, each bin divided by its column sum of M M^T" if is_mel else None,
                "frequency": BACK[key],
            },
        }


def fit_level(spec: PhaseSpec, audio: AudioSpec, waveforms: np.ndarray) -> PhaseSpec:
    """Return `spec` with level_gain and level_offset that bring silence to -0.8 and the loudest of [N, S] to 0.8.

    As GANSynth's range normaliser, whose published constants put ln(1e-6) at -0.8. The loudest value and no quantile:
    levels are logarithms, a single click moves the scale by little, and no clip of the corpus is clipped. What is
    stated stays.
    """
    if spec.level_gain is not None:
        return spec
    unfitted = Phase(spec.replace(level_gain=1.0, level_offset=0.0), audio)
    lowest = math.log(spec.epsilon)
    loudest = max(float(np.max(unfitted.levels_and_frequencies(chunk)[0])) for chunk in chunks(waveforms))
    gain = 2.0 * REACH / max(loudest - lowest, 1.0)
    return spec.replace(level_gain=round(gain, 6), level_offset=round(-REACH - round(gain, 6) * lowest, 6))
