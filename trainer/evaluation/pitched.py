"""Scores of pitch, where the corpus' labels stand for pitches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from trainer.corpus.store import PreparedCorpus
from trainer.evaluation.clips import Indices
from trainer.evaluation.drawing import Draw
from trainer.evaluation.front import mono
from trainer.evaluation.hearing import Floats
from trainer.evaluation.pitch import pitch_accuracy, pitch_error_cents, pitch_of_labels, track
from trainer.evaluation.progress import Phases
from trainer.evaluation.scores import HELD_OUT, Entry, entry, statistic_entry
from trainer.versions import is_installed

CLIPS = 48  # that are tracked: a quarter of a second each
FACTS: dict[str, dict[str, Any]] = {
    "pitch_accuracy": {"title": "Pitch accuracy by a tracker, within 50 cents", "better": "higher", "family": "pitch"},
    "pitch_error_cents": {
        "title": "Pitch error, median of the voiced clips",
        "better": "lower",
        "family": "pitch",
        "unit": "cents",
    },
}
Pair = tuple[Floats, Floats]
Compare = Callable[[Floats, Floats], float]


def of_labels(corpus: PreparedCorpus) -> Floats | None:
    """MIDI pitch of each label [L]; None where labels do not stand for pitches."""
    return pitch_of_labels(corpus.label_names, corpus.labels, corpus.pitches)


def scores(draw: Draw, corpus: PreparedCorpus, pitches: Floats | None, *, seed: int, phases: Phases) -> list[Entry]:
    """Accuracy and error of the first samples' pitch by pYIN, beside held-out clips'."""
    if pitches is None:
        reason = "labels do not stand for pitches, so none was asked for"
        return [entry(name, reason=reason, **facts) for name, facts in FACTS.items()]
    rate = corpus.audio.sample_rate_hz
    if not is_installed("librosa"):
        return [entry(name, reason="librosa is not installed", **facts) for name, facts in FACTS.items()]
    wanted = pitches[draw.labels[:CLIPS]]
    real = corpus.held_out[:: max(1, len(corpus.held_out) // CLIPS)][:CLIPS]
    made, real_clips = mono(np.stack(draw.kept[:CLIPS])), mono(corpus.waveforms(real))
    tracked = np.array([track(waveform, rate) for waveform in phases.each("tracking pitch", made)])
    heard = np.array([track(waveform, rate) for waveform in phases.each("tracking real clips", real_clips)])
    return [
        _score("pitch_accuracy", pitch_accuracy, (tracked, wanted), (heard, corpus.pitches[real]), seed),
        _score("pitch_error_cents", _cents, (tracked, wanted), (heard, corpus.pitches[real]), seed),
    ]


def _score(name: str, measure: Compare, own: Pair, real: Pair, seed: int) -> Entry:
    """A score of (tracked [N], wanted [N]) pitches; its floor that of real clips."""
    value = measure(*real)
    floors = [{"title": HELD_OUT, "value": value, "count": len(real[0])}] if np.isfinite(value) else []

    def statistic(chosen: Indices) -> float:
        return measure(own[0][chosen], own[1][chosen])

    return statistic_entry(statistic, len(own[0]), name, seed=seed, floors=floors, **FACTS[name])


def _cents(tracked: Floats, wanted: Floats) -> float:
    return pitch_error_cents(tracked, wanted).cents
