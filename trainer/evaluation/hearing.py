"""From waveforms to what measures see of them, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainer.autodiff import compiled
from trainer.corpus.store import PreparedCorpus
from trainer.evaluation.clips import Clips, Indices
from trainer.evaluation.embeddings.embedding import Embedding
from trainer.evaluation.front import Front, mono

THUMBNAIL = 32
FRAME_SECONDS = 0.02
SILENT_DBFS = -60.0
QUIETEST_DBFS = -120.0
BATCH = 64
Floats = NDArray[np.float32]
Probabilities = Callable[[Floats], Floats]


class Sounds(NamedTuple):
    """A batch.

    waveforms: float32 [B, S] or [B, S, 2]. labels: int32 [B], -1 for none. pitches: float32 [B], MIDI, NaN for none.
    """

    waveforms: Floats
    labels: NDArray[np.int32]
    pitches: Floats


class Ear:
    """Hears batches of sounds.

    embedding: of the evaluation. probabilities: waveforms [B, S] to [B, L], where the corpus has labels.
    """

    def __init__(self, front: Front, sample_rate_hz: int, embedding: Embedding, probabilities: Probabilities | None):
        self._picture = compiled(front)
        self._frame = max(1, round(FRAME_SECONDS * sample_rate_hz))
        self._embedding, self._probabilities = embedding, probabilities

    def __call__(self, batches: Iterable[Sounds]) -> Clips:
        """Hear everything; no more than a batch of waveforms is held at a time."""
        parts = [self._hear(batch) for batch in batches]
        names = [field.name for field in fields(Clips)]
        return Clips(**{name: _joined([getattr(part, name) for part in parts]) for name in names})

    def _hear(self, batch: Sounds) -> Clips:
        waveforms = mono(batch.waveforms)
        return Clips(
            labels=batch.labels,
            embeddings=self._embedding(waveforms),
            probabilities=None if self._probabilities is None else self._probabilities(waveforms),
            thumbnails=_thumbnails(np.asarray(self._picture(waveforms))),
            levels_dbfs=_decibels(np.sqrt(np.mean(np.square(waveforms), axis=1))),
            peaks=np.abs(waveforms).max(axis=1),
            silences=self._silences(waveforms),
            pitches=batch.pitches,
        )

    def _silences(self, waveforms: Floats) -> Floats:
        frames = max(1, waveforms.shape[1] // self._frame)
        framed = waveforms[:, : frames * self._frame].reshape(len(waveforms), frames, -1)
        levels = _decibels(np.sqrt(np.mean(np.square(framed), axis=2)))
        return np.asarray(np.mean(levels < SILENT_DBFS, axis=1, dtype="float32"))


def corpus_sounds(corpus: PreparedCorpus, indices: Indices) -> Iterator[Sounds]:
    """The clips of a corpus at `indices`, in batches."""
    for start in range(0, len(indices), BATCH):
        chosen = indices[start : start + BATCH]
        yield Sounds(corpus.waveforms(chosen), corpus.labels[chosen], corpus.pitches[chosen])


def _thumbnails(pictures: Floats) -> Floats:
    """Average pictures [B, T, M] down to at most 32 x 32; a rest that does not fill a cell is left out."""
    frames, bands = (max(1, side // THUMBNAIL) for side in pictures.shape[1:])
    rows, columns = pictures.shape[1] // frames, pictures.shape[2] // bands
    cut = pictures[:, : rows * frames, : columns * bands]
    return np.asarray(cut.reshape(len(cut), rows, frames, columns, bands).mean(axis=(2, 4)))


def _decibels(rms: Floats) -> Floats:
    return np.asarray(20.0 * np.log10(np.maximum(rms, 10.0 ** (QUIETEST_DBFS / 20.0))), "float32")


def _joined(parts: list[Any]) -> Any:
    return None if parts[0] is None else np.concatenate(parts)
