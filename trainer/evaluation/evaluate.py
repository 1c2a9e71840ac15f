"""Scores of a sampler against a corpus."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from trainer.config import LatentoneError
from trainer.corpus.store import PreparedCorpus
from trainer.evaluation.classifier import Classifier
from trainer.evaluation.frechet import frechet_distance
from trainer.evaluation.measures import accuracy, class_accuracies, within_class_diversity
from trainer.games import generator_at

Sampler = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(latents [B, Z], labels int32 [B]) to waveforms [B, S]."""

BATCH = 50


def samples(
    sampler: Sampler, latent_size: int, label_count: int, count: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw `count` waveforms [count, S] with labels [count] in equal numbers."""
    latents = generator_at(seed, 0).standard_normal((count, latent_size), dtype="float32")
    labels = (np.arange(count) % label_count).astype("int32")
    parts = [sampler(latents[i : i + BATCH], labels[i : i + BATCH]) for i in range(0, count, BATCH)]
    return np.concatenate(parts), labels


def evaluate(
    sampler: Sampler,
    latent_size: int,
    corpus: PreparedCorpus,
    classifier: Classifier,
    *,
    count: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Class accuracy, Frechet distance and diversity of samples, each beside what real held-out clips reach.

    Raises: LatentoneError where nothing is held out.
    """
    if len(corpus.held_out) < 2:
        raise LatentoneError(f"corpus {corpus.name} holds no clips out: prepare it with held_out_fraction above 0")
    waveforms, labels = samples(sampler, latent_size, len(corpus.label_names), count, seed)
    embeddings, probabilities = classifier(waveforms)
    train_embeddings, _ = classifier(corpus.waveforms(corpus.train))
    test_embeddings, test_probabilities = classifier(corpus.waveforms(corpus.held_out))
    train_labels, test_labels = corpus.labels[corpus.train], corpus.labels[corpus.held_out]
    return {
        "samples": count,
        "seed": seed,
        "class_accuracy": accuracy(probabilities, labels),
        "class_accuracy_of_held_out": accuracy(test_probabilities, test_labels),
        "frechet_distance": frechet_distance(embeddings, train_embeddings),
        "frechet_distance_of_held_out": frechet_distance(test_embeddings, train_embeddings),
        "class_diversity": within_class_diversity(embeddings, labels, train_embeddings, train_labels),
        "class_accuracies": {corpus.label_names[k]: v for k, v in class_accuracies(probabilities, labels).items()},
        "classifier": classifier.digest,
        "corpus": corpus.fingerprint,
    }
