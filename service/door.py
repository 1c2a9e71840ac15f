"""Who may come in: a request's key, its rate, and what an admin key is needed for. Knows no transport."""

from __future__ import annotations

import math
from contextvars import ContextVar

from service import access, keys
from service.errors import Forbidden, RateLimited, Unauthenticated
from service.keys import Key, KeyRing
from service.rates import TokenBucket
from service.settings import Settings

HEADER = "authorization"
OPERATIONS = "operations"  # the room of what always needs a key; the others are health, metrics and docs
HOW = "send it as `Authorization: Bearer KEY`"
NO_ADMIN = "admin calls are off: this service has no admin key"

caller: ContextVar[Key | None] = ContextVar("caller", default=None)  # of the request in hand


class Door:
    """One for a worker, whose buckets count what this worker is asked."""

    def __init__(self, settings: Settings) -> None:
        """Raises: SettingsError where keys are wanted and there are none to be had."""
        self._ring = KeyRing(settings) if keys.wanted(settings) else None
        self._open = settings.open_without_key.split(",")
        self._buckets: dict[str, TokenBucket] = {}

    def admit(self, given: list[str], room: str) -> None:
        """Let a request in, and note whose it is.

        given: the values of its header `authorization`. room: health, metrics, docs or OPERATIONS, for which it needs
        a key always. Raises: Unauthenticated, RateLimited.
        """
        caller.set(None)
        if self._ring is None or room in self._open:
            return
        key = self._ring.find(_bearer(given))
        if key is None:
            raise Unauthenticated("the API key is not known here, or no longer")
        caller.set(key)
        request = access.current.get()
        if request:
            request.key = key.name
        self._take(key)

    def require_admin(self) -> None:
        """Raise Forbidden where the request in hand has no admin key."""
        if self._ring is None or not any(key.admin for key in self._ring.current()):
            raise Forbidden(NO_ADMIN)
        key = caller.get()
        if key is None or not key.admin:
            raise Forbidden("an admin key is needed for this")

    def _take(self, key: Key) -> None:
        if not key.rate:
            return
        bucket = self._buckets.get(key.name)
        if bucket is None or (bucket.rate, bucket.burst) != (key.rate, key.burst):
            bucket = self._buckets[key.name] = TokenBucket(key.rate, key.burst)
        wait_s = bucket.take()
        if wait_s:
            words = f"this key may ask {key.rate:g} times a second, {key.burst} times at once"
            raise RateLimited(words, retry_after_s=math.ceil(wait_s))


def _bearer(given: list[str]) -> str:
    """Return the key in a header's values. Raises: Unauthenticated."""
    scheme, _, text = given[0].strip().partition(" ") if len(given) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not text.strip():
        raise Unauthenticated(f"an API key is needed: {HOW}")
    return text.strip()
