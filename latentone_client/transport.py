"""What a client needs of a transport: a request's fields out, an answer's fields in, failures by kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

A = TypeVar("A", covariant=True)  # noqa: PLC0105 - an answer, called so as in client.py
Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Reply:
    """The fields of an answer, alike from every transport: arrays are NumPy's, files are bytes."""

    fields: Fields
    timing: str  # as a Server-Timing header


@dataclass(frozen=True)
class Request(Generic[A]):
    """An operation by its name, its fields, and how its answer is read.

    Fields are named as in the service's requests; arrays are NumPy's, files are bytes, what is absent is left out.
    """

    operation: str
    fields: Fields
    read: Callable[[Reply], A]


class Transport(Protocol):
    """A connection to a service."""

    def send(self, request: Request[object], *, seconds: float) -> Reply:
        """Return the answer, within so many seconds.

        Raises: Failure.
        """
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class AsyncTransport(Protocol):
    """The same on an event loop."""

    async def send(self, request: Request[object], *, seconds: float) -> Reply:
        """Return the answer, within so many seconds.

        Raises: Failure.
        """
        ...

    async def close(self) -> None:
        """Close the connection."""
        ...
