"""Scores: a measure's value with its interval and its floors, as plain values for documents."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any, Literal

import numpy as np

from trainer.evaluation.bootstrap import interval
from trainer.evaluation.clips import Clips, Real
from trainer.evaluation.measure import Better, Measure, Statistic, Unmeasurable

Entry = dict[str, Any]
Family = Literal["generator", "labels", "pitch", "decoder", "speed", "encoder"]
HELD_OUT = "held-out clips"
ITSELF = "one half of the training clips against the other"
LABELLED = ("class_accuracy", "inception_score")
MOST_OF_A_HALF = 2_500  # clips; more would tell no more


def scores_of(measures: Iterable[Measure], candidate: Clips, real: Real, *, seed: int) -> list[Entry]:
    """Score a candidate by every measure, beside its floors.

    Each entry holds name, title, family, unit, better, value (None with a reason where it can't be computed), interval
    (95 %), count and floors. A floor whose set has another size than the candidate also says what the candidate
    reaches with so many items (`own`): distances depend on the number of items.
    """
    return [_score(measure, candidate, real, seed) for measure in measures]


def entry(
    name: str,
    title: str,
    *,
    family: Family,
    better: Better,
    unit: str = "",
    value: float | None = None,
    limits: tuple[float, float] | None = None,
    count: int = 0,
    floors: list[Entry] | None = None,
    explanation: str = "",
    reason: str = "",
) -> Entry:
    """One score as a document holds it; a value that is not finite is none."""
    finite = value is not None and np.isfinite(value)
    return {
        "name": name,
        "title": title,
        "family": family,
        "unit": unit,
        "better": better,
        "value": value if finite else None,
        "interval": list(limits) if finite and limits is not None else None,
        "count": count,
        "floors": floors or [],
        "explanation": explanation,
        "reason": reason or ("" if finite else "the result is not a number"),
    }


def explanation_of(function: Callable[..., object]) -> str:
    """What a function's docstring says first, for people."""
    return " ".join((inspect.getdoc(function) or "").split("\n\n")[0].split())


def statistic_entry(statistic: Statistic, count: int, name: str, title: str, *, seed: int, **facts: Any) -> Entry:
    """The score that is a statistic of `count` items, with its interval."""
    value, limits = statistic(np.arange(count)), interval(statistic, count, seed=seed)
    return entry(name, title, value=value, limits=limits, count=count, **facts)


def _score(measure: Measure, candidate: Clips, real: Real, seed: int) -> Entry:
    facts: dict[str, Any] = {
        "family": "labels" if measure.name in LABELLED else "generator",
        "better": measure.better,
        "explanation": explanation_of(measure.look),
    }
    try:
        statistic = measure.look(candidate, real)
    except Unmeasurable as reason:
        return entry(measure.name, measure.title, reason=str(reason), **facts)
    facts["floors"] = list(_floors(measure, candidate, real, statistic, seed))
    return statistic_entry(statistic, len(candidate), measure.name, measure.title, seed=seed, **facts)


def _floors(measure: Measure, candidate: Clips, real: Real, statistic: Statistic, seed: int) -> Iterable[Entry]:
    odd, even = (real.train.take(np.arange(start, len(real.train), 2)[:MOST_OF_A_HALF]) for start in (1, 0))
    for title, clips, against in (
        (HELD_OUT, real.held_out, real),
        (ITSELF, odd, Real(even, real.held_out)),
    ):
        try:
            floor = measure.look(clips, against)
        except Unmeasurable:
            continue
        count = len(clips)
        facts: dict[str, Any] = {"title": title, "value": floor(np.arange(count)), "count": count}
        if title == HELD_OUT:
            facts["interval"] = list(interval(floor, count, seed=seed))
            if count < len(candidate):
                facts["own"] = statistic(np.arange(count))
        yield facts
