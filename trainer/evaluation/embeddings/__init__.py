"""Embeddings: ways to turn sounds into vectors, of which Frechet and other distances are taken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from trainer.corpus.store import PreparedCorpus
from trainer.errors import LatentoneError, unknown
from trainer.evaluation.embeddings.embedding import Embedding
from trainer.evaluation.pitch import pitch_of_labels

Report = Callable[[str], None]
NAMES = ("labels", "log-mel", "inception")
AUTO = "auto"


def has_classes(corpus: PreparedCorpus) -> bool:
    """Whether a classifier can tell labels apart: two or more, and not pitches, which a tracker hears better."""
    return len(corpus.label_names) >= 2 and pitch_of_labels(corpus.label_names, corpus.labels, corpus.pitches) is None


def find_embedding(name: str, corpus: PreparedCorpus, report: Report) -> Embedding:
    """Return an embedding for clips of a corpus.

    name: "labels" (a classifier of the corpus' labels), "log-mel" (statistics, no labels needed), "inception"
    (InceptionV3 on pictures, as in the seed's report), the path of a SavedModel, or "auto": labels where
    they are classes.
    report: told of long work, such as training the classifier.
    Raises: LatentoneError for an unknown name, or what the corpus or this machine lacks for it.
    """
    if name == AUTO:
        name = "labels" if has_classes(corpus) else "log-mel"
    if name == "labels":
        from trainer.evaluation.embeddings.classifier import classifier_of

        return classifier_of(corpus, report)
    if name == "log-mel":
        from trainer.evaluation.embeddings.statistics import Statistics

        return Statistics(corpus)
    if name == "inception":
        from trainer.evaluation.embeddings.inception import Inception

        return Inception(corpus, report)
    if (Path(name) / "saved_model.pb").is_file():
        from trainer.evaluation.embeddings.saved_model import SavedModelEmbedding

        return SavedModelEmbedding(Path(name), corpus.audio.clip_samples)
    hint = unknown("embedding", name, NAMES)
    raise LatentoneError(f"--embedding: {hint}, or the folder of a SavedModel (with saved_model.pb in it)")
