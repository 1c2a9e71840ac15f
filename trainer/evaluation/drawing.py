"""Draws samples as a user would get them: labels as often as in the corpus, latents from seeds as the service does."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from trainer.corpus.store import PreparedCorpus
from trainer.evaluation.hearing import Floats, Sounds
from trainer.sampler import Sampler

BATCH = 50


class Draw:
    """`count` samples of a seed: in batches once, with the time that they took; the first waveforms are kept."""

    def __init__(self, sampler: Sampler, corpus: PreparedCorpus, pitches: Floats | None, *, count: int, seed: int):
        """pitches: MIDI pitch of each label [L], where labels stand for pitches."""
        self._sampler, self._seed = sampler, seed
        self.labels = sample_labels(corpus, count) if sampler.label_names else np.full(count, -1, np.int32)
        self._pitches = np.full(max(1, len(corpus.label_names)), np.nan, "float32") if pitches is None else pitches
        self.seconds = 0.0
        self.kept: list[Floats] = []

    def batches(self, keep: int) -> Iterator[Sounds]:
        """Make the samples; `keep` waveforms stay in `kept`."""
        for start in range(0, len(self.labels), BATCH):
            labels = self.labels[start : start + BATCH]
            latents = np.stack([self._sampler.latent(self._seed, start + item) for item in range(len(labels))])
            begin = time.perf_counter()
            waveforms = self._sampler(latents, np.maximum(labels, 0))
            self.seconds += time.perf_counter() - begin if start else 0.0  # the first batch compiles
            self.kept += list(waveforms[: max(0, keep - len(self.kept))])
            yield Sounds(waveforms, labels, self._pitches[np.maximum(labels, 0)])

    @property
    def real_time_factor(self) -> float | None:
        """Seconds of sound made in a second; None where one batch was all."""
        timed = max(0, len(self.labels) - BATCH)
        return timed * self._sampler.audio.clip_seconds / self.seconds if timed else None


def sample_labels(corpus: PreparedCorpus, count: int) -> NDArray[np.int32]:
    """Labels [count] in the proportions of the training clips, evenly mixed from the first on; -1 without labels."""
    labels = corpus.labels[corpus.train]
    known = labels[labels >= 0]
    if not len(known) or not corpus.label_names:
        return np.full(count, -1, np.int32)
    shares = np.bincount(known, minlength=len(corpus.label_names)) / len(known)
    given = np.zeros(len(shares))
    chosen = []
    for number in range(1, count + 1):
        behind = shares * number - given  # whoever is furthest behind its share is next
        label = int(np.argmax(behind))
        given[label] += 1
        chosen.append(label)
    return np.array(chosen, np.int32)
