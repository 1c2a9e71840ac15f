"""A log-mel spectrogram resized to a picture of a fixed size, as the report's GAN wants it, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from trainer.errors import check
from trainer.representations.log_mel import LogMel
from trainer.specs.audio import AudioSpec
from trainer.specs.representations import LogMelSpec

Tensor = Any


def bilinear(source: int, target: int) -> NDArray[np.float32]:
    """Matrix [target, source] that resizes a column of numbers bilinearly.

    Value i of the target stands at (i + 0.5) * source / target - 0.5 of the source, held at the ends, and is the
    weighted mean of its two neighbours there: half-pixel centres, no antialiasing, rows that sum to 1.
    Source: tf.image.resize(method="bilinear"), equal to 3e-5: it rounds the places to single precision.
    """
    places = np.clip((np.arange(target) + 0.5) * source / target - 0.5, 0, source - 1)
    distances = np.abs(places[:, None] - np.arange(source)[None, :])
    matrix: NDArray[np.float32] = np.maximum(0.0, 1.0 - distances).astype("float32")
    return matrix


class ResizedLogMel:
    """Waveform [B, S] to log-mel features resized to [B, frames, bands] in [-1, 1], and back.

    Both ways are two matrix products: the same on any backend, and differentiable. A `size` below that of the features
    throws some of them away.
    Raises: SpecError where LogMel does.
    """

    def __init__(self, spec: LogMelSpec, audio: AudioSpec) -> None:
        check(spec.size is not None, "size is not stated")
        self.log_mel = LogMel(spec, audio)
        self.spec, self.audio = self.log_mel.spec, audio
        rows, columns = spec.size or (0, 0)
        self.size = (rows, columns)
        frames, bands = self.log_mel.shape
        self.enlarge = bilinear(frames, rows), bilinear(bands, columns)
        self.reduce = bilinear(rows, frames), bilinear(columns, bands)

    @property
    def shape(self) -> tuple[int, int]:
        """Frames and bands of the picture."""
        return self.size

    @property
    def free_shape(self) -> tuple[int | None, ...]:
        """The same: a picture has one size."""
        return self.size

    @property
    def silence(self) -> tuple[float, ...]:
        """The lower end of the scale."""
        return self.log_mel.silence

    def encode(self, waveform: Tensor) -> Tensor:
        """Picture [B, frames, bands] of waveform [B, S]."""
        return _resize(self.log_mel.encode(waveform), *self.enlarge)

    def decode(self, features: Tensor) -> Tensor:
        """Waveform [B, S] in [-1, 1] of a picture [B, frames, bands]."""
        return self.log_mel.decode(_resize(features, *self.reduce))

    def pictures(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """The features themselves [N, frames, bands]."""
        return features

    def describe(self) -> dict[str, Any] | None:
        """Entry `features` of the contract: the log-mel's, and how it was resized."""
        frames, bands = self.size
        described = self.log_mel.describe()
        grid = dict(zip(("frames", "bands"), self.log_mel.shape, strict=True))
        method = "bilinear, half-pixel centres, ends held, no antialiasing; back in the same way"
        return described | {"shape": [frames, bands], "frames": frames, "resized": {"from": grid, "method": method}}


def _resize(picture: Tensor, frames: NDArray[np.float32], bands: NDArray[np.float32]) -> Tensor:
    """Resize picture [B, T, M] by the matrices of each axis."""
    return ops.matmul(ops.matmul(ops.convert_to_tensor(frames), picture), ops.convert_to_tensor(bands.T))
