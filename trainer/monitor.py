"""How training goes, from what it would export now: distance to held-out clips, diversity, copying.

The same measures as an evaluation's, on fewer samples, in the embedding that an evaluation takes by itself: a
classifier of the corpus where its labels are classes, else log-mel statistics.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from trainer.architectures.networks import Generator
from trainer.corpus.store import PreparedCorpus
from trainer.draws import latents
from trainer.evaluation.clips import Clips, Real
from trainer.evaluation.drawing import sample_labels
from trainer.evaluation.embeddings import AUTO, find_embedding
from trainer.evaluation.front import Front, fitted_db_max
from trainer.evaluation.hearing import Ear, Sounds, corpus_sounds
from trainer.evaluation.measure import Unmeasurable
from trainer.evaluation.measures import find
from trainer.evaluation.measures.frechet import frechet_distance
from trainer.randomness import generator_at

SAMPLES = 128  # always the same ones, so that previews compare
BATCH = 32
MEASURES = ("class_diversity", "copying", "nearest_training_clip")
MOST_REAL = 2_048
ENOUGH = 160  # held-out clips; fewer are too uneven to choose by, and training clips join them
SEED = 2**32  # apart from every training step's stream
Floats = NDArray[np.float32]
Make = Callable[[Floats, NDArray[np.int32]], Floats]


class Monitor:
    """Fixed latents and labels, heard again at each call beside the same real clips."""

    def __init__(self, corpus: PreparedCorpus, generator: Generator, say: Callable[[str], None]) -> None:
        """say: told of long work, such as training the classifier."""
        embedding = find_embedding(AUTO, corpus, say)
        self._ear = Ear(Front(corpus.audio, fitted_db_max(corpus)), corpus.audio.sample_rate_hz, embedding, None)
        shape = (SAMPLES, generator.latent_size)
        self.latents = latents(generator.latent_distribution, shape, generator_at(SEED, 0))
        self.labels = sample_labels(corpus, SAMPLES) if generator.label_count else np.full(SAMPLES, -1, np.int32)
        train = corpus.train[:: max(1, -(-len(corpus.train) // MOST_REAL))]
        held_out = corpus.held_out[:MOST_REAL] if len(corpus.held_out) >= 2 else train
        self._real = Real(self._ear(corpus_sounds(corpus, train)), self._ear(corpus_sounds(corpus, held_out)))
        known, unknown = self._real.train.embeddings, self._real.held_out.embeddings
        if len(unknown) < ENOUGH:
            self._reference, self.floor = np.concatenate([known, unknown]), frechet_distance(unknown, known)
        else:
            self._reference, self.floor = unknown, frechet_distance(known, unknown)

    def listen(self, make: Make) -> dict[str, float]:
        """Hear what `make` gives for latents [B, Z] and labels [B]: waveforms [B, S].

        Returns: distance (infinite where a sample is not finite), distance_floor, and as far as they can be computed
        class_diversity, copying and nearest_training_clip.
        """
        candidate = self._ear(self._sounds(make))
        if not np.isfinite(candidate.peaks).all():
            return {"distance": math.inf}
        distance = frechet_distance(candidate.embeddings, self._reference)
        values = {name: self._value(name, candidate) for name in MEASURES}
        known = {name: value for name, value in values.items() if value is not None}
        return {"distance": distance, "distance_floor": self.floor} | known

    def _sounds(self, make: Make) -> list[Sounds]:
        unknown = np.full(BATCH, np.nan, "float32")
        starts = range(0, SAMPLES, BATCH)
        parts = [(self.latents[start : start + BATCH], self.labels[start : start + BATCH]) for start in starts]
        return [Sounds(make(latents, np.maximum(labels, 0)), labels, unknown) for latents, labels in parts]

    def _value(self, name: str, candidate: Clips) -> float | None:
        try:
            return find(name).look(candidate, self._real)(np.arange(SAMPLES))
        except Unmeasurable:
            return None
