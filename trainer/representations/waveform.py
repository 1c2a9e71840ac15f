"""waveform: the samples themselves, for networks that make sound directly."""

from __future__ import annotations

import contextlib
import math
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from trainer.errors import SpecError
from trainer.representations.grid import chunks
from trainer.representations.log_mel import LogMel
from trainer.specs.audio import AudioSpec
from trainer.specs.representations import LogMelSpec, WaveformSpec

Tensor = Any
DB_RANGE = 80.0
FEWEST_FRAMES = 64  # of a picture; at most twice as many, up to clips of 2^18 samples
LONGEST_HOP = 4_096


class Waveform:
    """Waveform [B, S] or [B, S, 2] in [-1, 1] to features [B, S, C], the same numbers, and back."""

    def __init__(self, spec: WaveformSpec, audio: AudioSpec) -> None:
        self.spec, self.audio = spec, audio

    @property
    def shape(self) -> tuple[int, int]:
        """Samples of one clip and channels."""
        return self.audio.clip_samples, self.audio.channels

    @property
    def free_shape(self) -> tuple[int | None, ...]:
        """Any number of samples."""
        return None, self.audio.channels

    @property
    def silence(self) -> tuple[float, ...]:
        """Zero in each channel."""
        return (0.0,) * self.audio.channels

    def encode(self, waveform: Tensor) -> Tensor:
        """Features [B, S, C] of waveform [B, S] or [B, S, 2]."""
        waveform = ops.convert_to_tensor(waveform)
        return waveform if len(waveform.shape) == 3 else waveform[..., None]

    def decode(self, features: Tensor) -> Tensor:
        """Waveform [B, S], or [B, S, 2] where it is stereo, clipped to [-1, 1]."""
        clipped = ops.clip(features, -1.0, 1.0)
        return clipped[..., 0] if self.audio.channels == 1 else clipped

    def pictures(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Log-mel pictures [N, T, M] of the sounds [N, S, C], each from 80 dB below its own loudest value to it.

        Stereo is drawn as the mean of its channels.
        """
        mono = np.asarray(features, np.float32).mean(axis=-1)
        log_mel = picture_of(self.audio.replace(channels=1, clip_samples=max(256, mono.shape[1])))
        mono = np.pad(mono, [(0, 0), (0, log_mel.audio.clip_samples - mono.shape[1])])
        power = np.concatenate([np.asarray(log_mel.mel_power(chunk)) for chunk in chunks(mono)])
        decibels = 10.0 * np.log10(np.maximum(power, 1e-12))
        loudest = decibels.max(axis=(1, 2), keepdims=True)
        drawn: NDArray[np.float32] = np.clip(2.0 * (decibels - loudest) / DB_RANGE + 1.0, -1.0, 1.0).astype("float32")
        return drawn

    def describe(self) -> dict[str, Any] | None:
        """None: there is no feature stage."""
        return None


def picture_of(audio: AudioSpec) -> LogMel:
    """A log-mel front of 64 to 128 frames for clips of any rate and length, which it rounds up to whole hops.

    64 bands, or as many as still hold a bin of the FFT each.
    """
    hop = min(LONGEST_HOP, 2 ** int(math.log2(audio.clip_samples / FEWEST_FRAMES)))
    padded = audio.replace(clip_samples=audio.clip_samples + -audio.clip_samples % hop)
    for n_mels in (64, 48, 32, 16, 8, 4):
        for overlap in (4, 8, 16):
            if overlap * hop < 16:
                continue
            spec = LogMelSpec(n_fft=overlap * hop, hop_samples=hop, n_mels=n_mels, db_range=DB_RANGE, db_max=0.0)
            with contextlib.suppress(SpecError):
                return LogMel(spec, padded)
    raise SpecError(f"clips of {audio.clip_samples} samples are too short for a picture")
