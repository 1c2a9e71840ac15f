"""A measured number with its interval, as the scores document holds it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trainer.report.formats import integer, number


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """low and high equal the value where no interval is known; count 0 where none is stated."""

    value: float
    low: float
    high: float
    count: int

    @classmethod
    def read(cls, entry: Mapping[str, Any]) -> Quantity | None:
        """The entry's number; None where it has none, or one that is not finite."""
        value = entry.get("value")
        if value is None or not math.isfinite(value):
            return None
        low, high = sorted(entry.get("interval") or (value, value))
        return cls(value=float(value), low=float(low), high=float(high), count=int(entry.get("count") or 0))

    @property
    def text(self) -> str:
        """The number alone."""
        return number(self.value, spread=self.high - self.low)

    @property
    def interval(self) -> str:
        """Such as "0.961 to 0.985", or nothing."""
        spread = self.high - self.low
        return f"{number(self.low, spread=spread)} to {number(self.high, spread=spread)}" if spread else ""

    @property
    def counted(self) -> str:
        """How many items the number is of, or nothing."""
        return f"from {integer(self.count)} clips" if self.count else ""

    def overlaps(self, other: Quantity) -> bool:
        """Whether the intervals share a point."""
        return self.low <= other.high and other.low <= self.high
