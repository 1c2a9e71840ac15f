"""Medians, percentiles, and repeating until time is up."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence

median = statistics.median


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that `percent` of the values do not pass (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100.0))]


def rounds(seconds: float, *, at_least: int = 1) -> Iterator[int]:
    """Count from 0 until `seconds` are over, but `at_least` so many."""
    end = time.monotonic() + seconds
    count = 0
    while count < at_least or time.monotonic() < end:
        yield count
        count += 1
