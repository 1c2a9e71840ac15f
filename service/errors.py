"""Kinds of failure. An operation raises one; each transport maps the kind to its own code.

Whatever is raised that is not a Failure is a defect of ours: its text goes to the log and never to a client.
"""

from __future__ import annotations

from typing import ClassVar

MOST_LETTERS = 1000  # of a text, which may quote the request


class Failure(Exception):  # noqa: N818 - it has kinds, and they are no errors of ours
    """What the caller, or the one who runs the service, can mend.

    `kind` is a short name of the kind, bounded so that it can label a metric; `field` the request's field at
    fault.
    """

    kind: ClassVar[str]

    def __init__(self, detail: str, *, field: str | None = None, retry_after_s: int | None = None) -> None:
        detail = detail if len(detail) <= MOST_LETTERS else f"{detail[:MOST_LETTERS]} ..."
        super().__init__(detail)
        self.detail = detail
        self.field = field
        self.retry_after_s = retry_after_s


class Invalid(Failure):
    """The request contradicts itself, the limits or the model."""

    kind = "invalid"


class NotFound(Failure):
    """No such model, version or route."""

    kind = "not_found"


class TooLarge(Failure):
    """The body, or the sound in it, is over a limit."""

    kind = "too_large"


class Unsupported(Failure):
    """The body is of a type that can't be read."""

    kind = "unsupported"


class NotAcceptable(Failure):
    """None of the media types that the client accepts can be given."""

    kind = "not_acceptable"


class Busy(Failure):
    """The queue is full; `retry_after_s` says when there may be room."""

    kind = "busy"


class RateLimited(Failure):
    """The caller asks more often than its key may; `retry_after_s` says when it may again."""

    kind = "rate_limited"


class NotReady(Failure):
    """The model, or the whole service, can't answer now."""

    kind = "not_ready"


class DeadlineExceeded(Failure):
    """Time ran out before the answer was made."""

    kind = "deadline"


class NoSignature(Failure):
    """The model lacks the signature that was asked for."""

    kind = "no_signature"


class Unauthenticated(Failure):
    """No key, or one that is not known."""

    kind = "unauthenticated"


class Forbidden(Failure):
    """Not for this caller."""

    kind = "forbidden"


class Unimplemented(Failure):
    """A part of someone else's protocol that these models have no use for."""

    kind = "unimplemented"


class BadAnswer(Failure):
    """A fleet failed, or answered what can't be used."""

    kind = "bad_answer"


class BrokenModel(Failure):
    """A version folder, or several, that can't be served; the detail says what is wrong."""

    kind = "broken_model"
