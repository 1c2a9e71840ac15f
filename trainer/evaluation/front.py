"""The picture of sound that evaluation looks at: a log-mel spectrogram of its own, the same for every model."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from trainer.corpus.store import PreparedCorpus
from trainer.errors import SpecError
from trainer.representations.log_mel import LogMel, fit_db_max
from trainer.specs.audio import AudioSpec
from trainer.specs.representations import LogMelSpec

Tensor = Any
FRAMES = 64
BANDS = 64
DB_RANGE = 70.0
FITTING_CLIPS = 512


class Front:
    """Waveforms [B, S] to pictures [B, T, M] in [-1, 1], about `frames` x `bands`; S may be any length.

    Stereo is heard as the mean of its channels: see `mono`.
    """

    def __init__(self, audio: AudioSpec, db_max: float, *, frames: int = FRAMES, bands: int = BANDS) -> None:
        hop = max(4, 2 ** round(np.log2(audio.clip_samples / frames)))
        self.missing = -audio.clip_samples % hop
        self.db_max = db_max
        padded = audio.replace(clip_samples=audio.clip_samples + self.missing, channels=1)
        self.log_mel = _finest(padded, hop, bands, db_max)

    @property
    def shape(self) -> tuple[int, int]:
        """Frames and bands of a picture."""
        return self.log_mel.shape

    def __call__(self, waveforms: Tensor) -> Tensor:
        """Draw."""
        return self.log_mel.encode(ops.pad(waveforms, [[0, 0], [0, self.missing]]))


def mono(waveforms: NDArray[np.float32]) -> NDArray[np.float32]:
    """Waveforms [B, S] or [B, S, 2] as [B, S]."""
    return waveforms if waveforms.ndim == 2 else waveforms.mean(axis=-1)


def _finest(audio: AudioSpec, hop: int, bands: int, db_max: float) -> LogMel:
    """Longer windows and, where even those do not help, fewer bands, until every band holds a bin of the FFT."""
    for n_mels in (bands, bands // 2, bands // 4):
        for overlap in (4, 8, 16):
            spec = LogMelSpec(n_fft=overlap * hop, hop_samples=hop, n_mels=n_mels, db_range=DB_RANGE, db_max=db_max)
            with contextlib.suppress(SpecError):
                return LogMel(spec, audio)
    raise SpecError(f"clips of {audio.clip_samples} samples are too short to be evaluated")


def fitted_db_max(corpus: PreparedCorpus) -> float:
    """Upper end of the scale, from the corpus' training clips."""
    every = max(1, len(corpus.train) // FITTING_CLIPS)
    sample = corpus.waveforms(corpus.train[::every])
    front = Front(corpus.audio, 0.0)
    padded = np.pad(mono(sample), [(0, 0), (0, front.missing)])
    spec = fit_db_max(front.log_mel.spec.replace(db_max=None), front.log_mel.audio, padded)
    return float(spec.db_max or 0.0)
