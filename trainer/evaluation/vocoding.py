"""Evaluation of a vocoder: what is left of held-out clips, beside what Griffin-Lim leaves of the same features."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainer.corpus.store import PreparedCorpus
from trainer.decoder import Decoder
from trainer.evaluation import decoders
from trainer.evaluation.clips import Indices
from trainer.evaluation.documents import FORMAT, circumstances, corpus_facts, subject_facts
from trainer.evaluation.evaluate import Plan
from trainer.evaluation.fitting import check_fit
from trainer.evaluation.front import Front, fitted_db_max
from trainer.evaluation.hearing import Floats
from trainer.evaluation.progress import Phases
from trainer.evaluation.scores import Entry, entry
from trainer.versions import is_installed

GRIFFIN_LIM = "Griffin-Lim of the same features"
SPEED = "Real-time factor, seconds of sound decoded in a second"


@dataclass(frozen=True, eq=False)
class Vocoding:
    """document: what scores.json holds. The rest is for a report: decoded clips [N, S] and which they are."""

    document: dict[str, Any]
    front: Front
    waveforms: Floats
    indices: Indices


def evaluate_vocoder(name: str, decoder: Decoder, corpus: PreparedCorpus, plan: Plan, *, phases: Phases) -> Vocoding:
    """Score a vocoder on at most plan.samples held-out clips by every measure of reconstruction.

    name: of the model, for the document. phases: shows progress.
    Raises: LatentoneError where model and corpus do not fit.
    """
    check_fit(decoder, corpus, name)
    began = time.perf_counter()
    indices = decoders.held_out(corpus, plan.samples)
    wanted = corpus.waveforms(indices)
    features = [decoder.analyse(clip[None]) for clip in phases.each("analysing held-out clips", wanted)]
    got, seconds = _decoded(decoder.decode, features, phases, "decoding them")
    beside, other_seconds = _decoded(decoder.griffin_lim, features, phases, "decoding them by Griffin-Lim")
    decoded = time.perf_counter()
    rate_hz = corpus.audio.sample_rate_hz
    scores = _scores(wanted, (got, beside), rate_hz, plan.seed, phases)
    silence = decoder.analyse(np.zeros((1, corpus.audio.clip_samples), "float32"))
    scores.append(decoders.of_silence(decoder.decode(silence)[0]))
    clip_seconds = corpus.audio.clip_seconds
    scores.append(_speed(clip_seconds / seconds, clip_seconds / other_seconds, len(wanted)))
    done = time.perf_counter()
    document = {
        "format": FORMAT,
        "subject": subject_facts(name, decoder),
        "corpus": corpus_facts(corpus),
        "samples": len(wanted),
        "seed": plan.seed,
        "measures": scores,
        "warnings": [],
        **circumstances(),
        "seconds": {"decoding": decoded - began, "measures": done - decoded},
    }
    return Vocoding(document, Front(corpus.audio, fitted_db_max(corpus)), got, indices)


def _decoded(decode: Any, features: list[Floats], phases: Phases, title: str) -> tuple[Floats, float]:
    """Sounds [N, S], and the median seconds of one clip: the first one compiles."""
    sounds, taken = [], []
    for clip in phases.each(title, features):
        begin = time.perf_counter()
        sounds.append(decode(clip)[0])
        taken.append(time.perf_counter() - begin)
    return np.stack(sounds), float(np.median(taken[1:]))


def _scores(wanted: Floats, decoded: tuple[Floats, Floats], rate_hz: int, seed: int, phases: Phases) -> list[Entry]:
    """Entries of what the vocoder decoded, with those of Griffin-Lim as floors."""
    if not is_installed("librosa"):
        return decoders.unmeasured("librosa is not installed")
    own, others = (decoders.reconstructions(wanted, got, rate_hz, seed=seed, phases=phases) for got in decoded)
    return [score | {"floors": _floor(other)} for score, other in zip(own, others, strict=True)]


def _floor(other: Entry) -> list[dict[str, Any]]:
    known = {name: other[name] for name in ("value", "interval", "count")}
    return [] if other["value"] is None else [{"title": GRIFFIN_LIM} | known]


def _speed(factor: float, beside: float, count: int) -> Entry:
    floor = {"title": GRIFFIN_LIM, "value": beside, "interval": None, "count": count}
    return entry("real_time_factor", SPEED, family="speed", better="higher", value=factor, count=count, floors=[floor])
