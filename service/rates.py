"""How many requests a second are taken: a token bucket."""

from __future__ import annotations

import time
from collections.abc import Callable


class TokenBucket:
    """`rate` tokens a second flow in, up to `burst`; a request takes one."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Full. rate: above 0. burst: at least 1."""
        self.rate, self.burst = rate, burst
        self._clock = clock
        self._tokens, self._seen = float(burst), clock()

    def take(self) -> float:
        """Take a token. Returns: 0, or the seconds until there is one where there is none."""
        now = self._clock()
        self._tokens = min(self.burst, self._tokens + (now - self._seen) * self.rate)
        self._seen = now
        if self._tokens < 1:
            return (1 - self._tokens) / self.rate
        self._tokens -= 1
        return 0.0
