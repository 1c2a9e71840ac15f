"""Which of several scores of one measure is best, and which the intervals can't tell from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from trainer.report.quantity import Quantity

Rank = Literal["best", "close", ""]


def ranks(better: str, scores: Sequence[Quantity | None], floors: Sequence[Quantity | None]) -> tuple[Rank, ...]:
    """Rank of each subject's score; all "" where fewer than two can be compared.

    better: "lower", "higher", or "floor": as near to the subject's own first floor as can be.
    """
    costs = [_cost(better, score, floor) for score, floor in zip(scores, floors, strict=True)]
    known = [cost for cost in costs if cost is not None]
    if len(known) < 2:
        return unranked(scores)
    best = next(score for score, cost in zip(scores, costs, strict=True) if cost == min(known))
    return tuple(_rank(score, cost, best, min(known)) for score, cost in zip(scores, costs, strict=True))


def unranked(scores: Sequence[Quantity | None]) -> tuple[Rank, ...]:
    """No rank for anyone."""
    return tuple("" for _ in scores)


def _cost(better: str, score: Quantity | None, floor: Quantity | None) -> float | None:
    if score is None:
        return None
    if better == "floor":
        return abs(score.value - floor.value) if floor else None
    return -score.value if better == "higher" else score.value


def _rank(score: Quantity | None, cost: float | None, best: Quantity | None, lowest: float) -> Rank:
    if score is None or cost is None or best is None:
        return ""
    if cost == lowest:
        return "best"
    return "close" if score.overlaps(best) else ""
