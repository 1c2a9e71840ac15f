"""Scores of the decoder: what is left of held-out clips after analyse and decode."""

from __future__ import annotations

from typing import Any

import numpy as np

from trainer.corpus.store import PreparedCorpus
from trainer.evaluation.bootstrap import interval
from trainer.evaluation.clips import Indices
from trainer.evaluation.measure import Unmeasurable
from trainer.evaluation.progress import Phases
from trainer.evaluation.reconstruction import MEASURES
from trainer.evaluation.reconstruction.ends import silence_noise
from trainer.evaluation.reconstruction.measure import Reconstruction
from trainer.evaluation.scores import Entry, entry, explanation_of
from trainer.sampler import Sampler
from trainer.versions import is_installed

CLIPS = 50
BATCH = 10


def scores(sampler: Sampler, corpus: PreparedCorpus, *, seed: int, phases: Phases) -> list[Entry]:
    """Every measure of reconstruction over held-out clips, evenly taken; noise where silence goes in."""
    if sampler.reconstruct is None:
        return unmeasured("the model makes waveforms and decodes nothing")
    if not is_installed("librosa"):
        return unmeasured("librosa is not installed")
    wanted = corpus.waveforms(held_out(corpus, CLIPS))
    starts = phases.each("decoding held-out clips", range(0, len(wanted), BATCH))
    got = np.concatenate([sampler.reconstruct(wanted[start : start + BATCH]) for start in starts])
    found = reconstructions(wanted, got, corpus.audio.sample_rate_hz, seed=seed, phases=phases)
    silence = sampler.reconstruct(np.zeros((1, corpus.audio.clip_samples), "float32"))[0]
    return [*found, of_silence(silence)]


def held_out(corpus: PreparedCorpus, most: int) -> Indices:
    """Indices of held-out clips, evenly taken."""
    indices: Indices = corpus.held_out[:: max(1, len(corpus.held_out) // most)][:most]
    return indices


def unmeasured(reason: str) -> list[Entry]:
    """An entry a measure, that says why it has no value."""
    return [_entry(measure, reason=reason) for measure in MEASURES.values()]


def reconstructions(wanted: np.ndarray, got: np.ndarray, rate_hz: int, *, seed: int, phases: Phases) -> list[Entry]:
    """Every measure of sounds [N, S] that were decoded beside those that they should be."""
    measures = phases.each("measuring the decoder", MEASURES.values())
    return [_score(measure, wanted, got, rate_hz, seed) for measure in measures]


def of_silence(decoded: np.ndarray) -> Entry:
    """What is left of digital silence: samples [S]."""
    title, noise = "Decoder: noise where silence goes in, peak", silence_noise(decoded)
    return entry("silence_noise", title, family="decoder", better="lower", unit="dBFS", value=noise, count=1)


def _score(measure: Reconstruction, wanted: np.ndarray, got: np.ndarray, rate_hz: int, seed: int) -> Entry:
    """Mean over the clips that can be measured."""
    values, reason = [], ""
    for original, decoded in zip(wanted, got, strict=True):
        try:
            values.append(measure.of(original, decoded, rate_hz))
        except Unmeasurable as why:
            reason = str(why)
    if len(values) < 2:
        return _entry(measure, reason=reason)
    known = np.array(values)
    limits = interval(lambda chosen: float(known[chosen].mean()), len(known), seed=seed)
    return _entry(measure, value=float(known.mean()), limits=limits, count=len(known))


def _entry(measure: Reconstruction, **score: Any) -> Entry:
    return entry(
        measure.name,
        f"Decoder: {measure.title}",
        family="decoder",
        better=measure.better,
        unit=measure.unit,
        explanation=explanation_of(measure.function),
        **score,
    )
