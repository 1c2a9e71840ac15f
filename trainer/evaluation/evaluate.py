"""Evaluation of a model against a corpus, from the waveforms that a user would get."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trainer.corpus.store import PreparedCorpus
from trainer.errors import check
from trainer.evaluation import decoders, measures, pitched
from trainer.evaluation.clips import Clips, Indices, Real
from trainer.evaluation.documents import FORMAT, circumstances, corpus_facts, subject_facts
from trainer.evaluation.drawing import Draw
from trainer.evaluation.embeddings import AUTO, find_embedding, has_classes
from trainer.evaluation.embeddings.classifier import Classifier, classifier_of
from trainer.evaluation.embeddings.embedding import Embedding
from trainer.evaluation.fitting import check_fit
from trainer.evaluation.front import Front, fitted_db_max
from trainer.evaluation.hearing import Ear, Floats, corpus_sounds
from trainer.evaluation.measures.classes import class_accuracies, confusion
from trainer.evaluation.progress import Phases
from trainer.evaluation.scores import HELD_OUT, entry, scores_of
from trainer.evaluation.warnings import warnings
from trainer.sampler import Sampler

MOST_REAL = 5_000  # training clips that are heard; evenly taken from more
MOST_SHOWN = 64  # samples kept for ears, eyes and the pitch tracker


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to do. embedding: see trainer.evaluation.embeddings."""

    samples: int = 1000
    seed: int = 0
    embedding: str = AUTO

    def __post_init__(self) -> None:
        check(2 <= self.samples <= 100_000, f"--samples {self.samples} is not in 2..100000")
        check(0 <= self.seed < 2**64, f"--seed {self.seed} is not in 0..2^64-1")


@dataclass(frozen=True, eq=False)
class Evaluation:
    """document: what scores.json holds. The rest is for a report: the first waveforms with their labels, and what
    was heard of samples and of the training clips at `train_indices`.
    """

    document: dict[str, Any]
    front: Front
    waveforms: list[Floats]
    candidate: Clips
    real: Real
    train_indices: Indices


def evaluate(
    name: str, sampler: Sampler, corpus: PreparedCorpus, plan: Plan, *, say: Callable[[str], None], phases: Phases
) -> Evaluation:
    """Score samples beside held-out clips by every measure that fits the corpus.

    name: of the model, for the document. say: told of long work. phases: shows progress.
    Raises: LatentoneError where model and corpus do not fit or the embedding can't be had.
    """
    check_fit(sampler, corpus, name)
    began = time.perf_counter()
    embedding = find_embedding(plan.embedding, corpus, say)
    classifier = _classifier(corpus, embedding, say)
    front = Front(corpus.audio, fitted_db_max(corpus))
    ear = Ear(front, corpus.audio.sample_rate_hz, embedding, classifier.probabilities if classifier else None)
    train_indices = corpus.train[:: max(1, -(-len(corpus.train) // MOST_REAL))]
    real = Real(
        ear(phases.track("hearing training clips", corpus_sounds(corpus, train_indices), len(train_indices))),
        ear(phases.track("hearing held-out clips", corpus_sounds(corpus, corpus.held_out), len(corpus.held_out))),
    )
    heard = time.perf_counter()
    pitches = pitched.of_labels(corpus) if sampler.label_names else None
    draw = Draw(sampler, corpus, pitches, count=plan.samples, seed=plan.seed)
    candidate = ear(phases.track("sampling", draw.batches(MOST_SHOWN), plan.samples))
    sampled = time.perf_counter()
    scores = scores_of(phases.each("measuring", measures.MEASURES), candidate, real, seed=plan.seed)
    scores += pitched.scores(draw, corpus, pitches, seed=plan.seed, phases=phases)
    scores += decoders.scores(sampler, corpus, seed=plan.seed, phases=phases)
    scores.append(_speed(draw))
    done = time.perf_counter()
    document = {
        "format": FORMAT,
        "subject": subject_facts(name, sampler),
        "corpus": corpus_facts(corpus),
        "embedding": {"name": embedding.name, "digest": embedding.digest, "size": embedding.size},
        "classifier": classifier.digest if classifier else None,
        "samples": plan.samples,
        "seed": plan.seed,
        "measures": scores,
        "classes": _classes(candidate, corpus),
        "warnings": _warnings(scores),
        **circumstances(),
        "seconds": {"hearing": heard - began, "sampling": sampled - heard, "measures": done - sampled},
    }
    return Evaluation(document, front, draw.kept, candidate, real, train_indices)


def _classifier(corpus: PreparedCorpus, embedding: Embedding, say: Callable[[str], None]) -> Classifier | None:
    if isinstance(embedding, Classifier):
        return embedding
    return classifier_of(corpus, say) if has_classes(corpus) else None


def _classes(candidate: Clips, corpus: PreparedCorpus) -> dict[str, Any] | None:
    if candidate.probabilities is None or not (candidate.labels >= 0).any():
        return None
    names = list(corpus.label_names)
    right = class_accuracies(candidate.probabilities, candidate.labels)
    table = confusion(candidate.probabilities, candidate.labels, len(names))
    return {
        "names": names,
        "accuracy": [right.get(label) for label in range(len(names))],
        "confusion": table.tolist(),
    }


def _speed(draw: Draw) -> dict[str, Any]:
    """Of the sampler alone, after its first batch."""
    factor = draw.real_time_factor
    reason = "" if factor else "one batch of samples is too few to time"
    title = "Real-time factor, seconds of sound made in a second"
    return entry(
        "real_time_factor", title, family="speed", better="higher", value=factor, count=len(draw.labels), reason=reason
    )


def _warnings(scores: list[dict[str, Any]]) -> list[str]:
    values = {score["name"]: score["value"] for score in scores if score["value"] is not None}
    floors = {
        score["name"]: floor["value"] for score in scores for floor in score["floors"] if floor["title"] == HELD_OUT
    }
    return warnings(values, floors)
