"""How fast a worker computes, as measured: seconds a number that goes in, for each kind of work."""

from __future__ import annotations

from collections.abc import Hashable

NEWEST = 0.2  # the weight of the newest batch in the average
MOST_KINDS = 1024  # remembered: definitions of mel, each of which is a kind, come in any number


class Pace:
    """A moving average for each kind of work, which is a signature of an engine. Keeps no engine alive."""

    def __init__(self) -> None:
        self._seconds: dict[int, float] = {}

    def note(self, kind: Hashable, *, size: int, seconds: float) -> None:
        """Take in a batch that was computed. size: how many numbers went in."""
        key = hash(kind)
        before = self._seconds.pop(key, None)
        weight = NEWEST if before else 1.0
        # The first batch compiles, and tells nothing.
        self._seconds[key] = 0.0 if before is None else before + weight * (seconds / size - before)
        if len(self._seconds) > MOST_KINDS:
            del self._seconds[next(iter(self._seconds))]

    def seconds(self, kind: Hashable, size: int) -> float:
        """Return how long so many numbers take; 0 where it is not known yet."""
        return size * self._seconds.get(hash(kind), 0.0)
