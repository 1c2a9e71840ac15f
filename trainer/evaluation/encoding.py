"""Scores of an encoder: what is left of held-out clips after encode and generate, as a user would hear it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from trainer.autodiff import compiled
from trainer.corpus.store import PreparedCorpus
from trainer.evaluation.decoders import held_out
from trainer.evaluation.embeddings import has_classes
from trainer.evaluation.embeddings.classifier import classifier_of
from trainer.evaluation.front import Front, fitted_db_max, mono
from trainer.evaluation.scores import Entry, entry, statistic_entry
from trainer.sampler import Sampler

CLIPS = 1_000
BATCH = 32
KEPT, DISTANCE = "Class kept after encode and generate", "Distance of the picture after encode and generate"
RANDOM, CLIPS_THEMSELVES = "a random latent and the clip's own label", "held-out clips themselves"
Floats = NDArray[np.float32]
Found = tuple[Floats, NDArray[np.int32]]
Encode = Callable[[Floats], Found]
"""Waveforms [B, S] to latents [B, Z] and labels int32 [B], 0 where the model has none."""


def scores(
    encode: Encode, sampler: Sampler, corpus: PreparedCorpus, *, seed: int, say: Callable[[str], None]
) -> list[Entry]:
    """Two scores of the sounds that held-out clips become: whether the corpus' classifier hears the class of the clip,
    and the mean absolute difference of the pictures that the evaluation looks at, of a scale from -1 to 1.

    say: told of long work.
    """
    chosen = held_out(corpus, CLIPS)
    wanted, labels = corpus.waveforms(chosen), np.maximum(corpus.labels[chosen], 0)
    made = _batched(lambda part: sampler(*encode(part)), wanted)
    shape = (len(chosen), sampler.latent_size)
    drawn = np.stack([sampler.latent(seed, item) for item in range(shape[0])])
    random = _batched(sampler, drawn, labels.astype("int32"))
    return [_kept(wanted, made, corpus, seed, say), _distance(wanted, made, random, corpus, seed)]


def _kept(wanted: Floats, made: Floats, corpus: PreparedCorpus, seed: int, say: Callable[[str], None]) -> Entry:
    if not has_classes(corpus):
        return entry("class_kept", KEPT, family="encoder", better="higher", reason="the corpus' labels are no classes")
    classifier = classifier_of(corpus, say)
    labels = corpus.labels[held_out(corpus, CLIPS)]
    heard, original = (
        _batched(classifier.probabilities, mono(sounds)).argmax(axis=1)[labels >= 0] == labels[labels >= 0]
        for sounds in (made, wanted)
    )
    return statistic_entry(
        lambda items: float(heard[items].mean()),
        len(heard),
        "class_kept",
        KEPT,
        seed=seed,
        family="encoder",
        better="higher",
        floors=[{"title": CLIPS_THEMSELVES, "value": float(original.mean()), "count": len(original)}],
        explanation="Share of held-out clips whose class is heard in what is made of them.",
    )


def _distance(wanted: Floats, made: Floats, random: Floats, corpus: PreparedCorpus, seed: int) -> Entry:
    picture = compiled(Front(corpus.audio, fitted_db_max(corpus)))
    real, again, other = (
        _batched(lambda part: np.asarray(picture(part)), mono(each)) for each in (wanted, made, random)
    )
    near, far = (np.abs(each - real).mean(axis=(1, 2)) for each in (again, other))
    return statistic_entry(
        lambda items: float(near[items].mean()),
        len(near),
        "encoding_distance",
        DISTANCE,
        seed=seed,
        family="encoder",
        better="lower",
        floors=[{"title": RANDOM, "value": float(far.mean()), "count": len(far)}],
        explanation="Mean absolute difference between the pictures of held-out clips and of what is made of them.",
    )


def _batched(function: Callable[..., Floats], *arrays: np.ndarray) -> Floats:
    starts = range(0, len(arrays[0]), BATCH)
    return np.concatenate([function(*(array[start : start + BATCH] for array in arrays)) for start in starts])
