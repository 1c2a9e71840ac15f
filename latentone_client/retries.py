"""When to ask again, and how long to wait before."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from latentone_client.errors import DeadlineExceeded, Failure

Watch = Callable[[Failure, float], object]  # what failed, seconds until the next try


def nobody(_failure: Failure, _wait_s: float) -> None:
    """Watch nothing."""


@dataclass(frozen=True, kw_only=True)
class Retries:
    """How often a call that is safe to repeat is repeated, with pauses that double.

    Safe is what the service refused before it did any work (busy, not ready) and what never reached it.
    """

    most: int = 4  # after the first try; 0: never
    first_s: float = 0.1
    longest_s: float = 5.0

    def pause_s(self, failures: int, retry_after_s: float | None) -> float:
        """Return how long to wait after so many failures: what the service asks for and, so that its clients do
        not all come back at once, a random part of the back-off.
        """
        back_off: float = min(self.longest_s, self.first_s * 2 ** (failures - 1))
        return (retry_after_s or 0.0) + back_off * random.uniform(0.5, 1.0)  # noqa: S311 - spreads clients, hides nothing


class Patience:
    """One call's retries, within its deadline."""

    def __init__(self, retries: Retries, *, seconds: float, watch: Watch = nobody) -> None:
        """seconds: for all tries and the pauses between them. watch: told of every pause."""
        self._retries, self._watch = retries, watch
        self._ends = time.monotonic() + seconds
        self._failures = 0

    def remaining_s(self) -> float:
        """Return how long a try may take.

        Raises: DeadlineExceeded where no time is left.
        """
        left = self._ends - time.monotonic()
        if left <= 0:
            raise DeadlineExceeded("no time left")
        return left

    def pause_s(self, failure: Failure) -> float:
        """Return how long to wait before the next try.

        Raises: the failure where another try is not safe, not allowed, or would come too late.
        """
        self._failures += 1
        pause_s = self._retries.pause_s(self._failures, failure.retry_after_s)
        if not failure.safe_to_retry or self._failures > self._retries.most:
            raise failure
        if time.monotonic() + pause_s >= self._ends:
            raise failure
        self._watch(failure, pause_s)
        return pause_s
