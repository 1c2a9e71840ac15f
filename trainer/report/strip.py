"""A strip: one measure's score and floors as marks on one line, to see at a glance what numbers say slowly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trainer.report.quantity import Quantity
from trainer.report.theme import series_index

MARGIN = 6.0  # percent of the width free at each end, so that a mark is never cut
SUBJECT_HEIGHT = 12  # pixels
FLOOR_HEIGHT = 10


@dataclass(frozen=True)
class Mark:
    """at, low and high: percent of the strip's width. top: the middle of the mark, pixels from above."""

    at: float
    low: float
    high: float
    top: int
    colour: int

    @property
    def width(self) -> float:
        """Percent of the strip's width between low and high."""
        return round(self.high - self.low, 2)


@dataclass(frozen=True)
class Strip:
    """Scores above, each in its subject's colour, and the floors below."""

    scores: tuple[Mark, ...]
    floors: tuple[Mark, ...]
    height: int


def strip_of(scores: Sequence[Quantity | None], floors: Sequence[Quantity]) -> Strip:
    """Place the scores of all subjects, None where one has no score, and the floors on one scale."""
    known = [quantity for quantity in (*scores, *floors) if quantity is not None]
    # A bootstrap's interval need not hold the value itself.
    values = [value for quantity in known for value in (quantity.value, quantity.low, quantity.high)] or [0.0]
    low, span = min(values), max(values) - min(values)

    def place(value: float) -> float:
        return round(MARGIN + (100.0 - 2 * MARGIN) * ((value - low) / span if span else 0.5), 2)

    def mark(quantity: Quantity, top: int, colour: int) -> Mark:
        return Mark(place(quantity.value), place(quantity.low), place(quantity.high), top, colour)

    floors_top = 2 + SUBJECT_HEIGHT * len(scores)
    return Strip(
        tuple(
            mark(quantity, 2 + SUBJECT_HEIGHT * index + SUBJECT_HEIGHT // 2, series_index(index))
            for index, quantity in enumerate(scores)
            if quantity is not None
        ),
        tuple(
            mark(quantity, floors_top + FLOOR_HEIGHT * index + FLOOR_HEIGHT // 2, index)
            for index, quantity in enumerate(floors)
        ),
        floors_top + FLOOR_HEIGHT * len(floors) + 2,
    )
