"""Kinds of failure: the same from both transports, whatever code each has for them."""

from __future__ import annotations

from typing import ClassVar


class Failure(Exception):  # noqa: N818 - as the service calls them
    """A call that gave no answer. `detail` is one line for a person, `kind` one word for a program.

    `retry_after_s` says, where the service did, when to ask again. `safe_to_retry`: the service did no work for it.
    """

    kind: ClassVar[str]
    safe_to_retry: bool = False

    def __init__(self, detail: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after_s = retry_after_s


class Invalid(Failure):
    """The request contradicts itself, the limits or the model; another one may do."""

    kind = "invalid"


class Unauthenticated(Failure):
    """The service, or what stands before it, wants to know who asks."""

    kind = "unauthenticated"


class NotFound(Failure):
    """No such model or version, or no such service at this address."""

    kind = "not_found"


class TooLarge(Failure):
    """The request is over a limit of the service."""

    kind = "too_large"


class Busy(Failure):
    """The queue is full."""

    kind = "busy"
    safe_to_retry = True


class NotReady(Failure):
    """The model, or the whole service, can't answer now."""

    kind = "not_ready"
    safe_to_retry = True


class DeadlineExceeded(Failure):
    """Time ran out, here or in the service."""

    kind = "deadline"


class Unavailable(Failure):
    """Nobody answers at the address, or the connection broke. Safe to retry only where nothing had been sent."""

    kind = "unavailable"

    def __init__(self, detail: str, *, sent: bool, retry_after_s: float | None = None) -> None:
        super().__init__(detail, retry_after_s=retry_after_s)
        self.safe_to_retry = not sent


class Internal(Failure):
    """A defect of the service; its log has the details."""

    kind = "internal"


KINDS: dict[str, type[Failure]] = {
    kind.kind: kind
    for kind in (Invalid, Unauthenticated, NotFound, TooLarge, Busy, NotReady, DeadlineExceeded, Unavailable, Internal)
}
