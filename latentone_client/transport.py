"""What a client needs of a transport: a request's fields out, an answer's fields in, failures by kind."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

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


Frames = Iterable[NDArray[np.float32]]
AsyncFrames = AsyncIterable[NDArray[np.float32]]
Opened = tuple[Reply, Generator[bytes, None, None]]
AsyncOpened = tuple[Reply, AsyncGenerator[bytes, None]]
"""What is known of a stream when it begins, and its bytes as they come, which may raise Failure."""


class Transport(Protocol):
    """A connection to a service."""

    def send(self, request: Request[object], *, seconds: float) -> Reply:
        """Return the answer, within so many seconds.

        Raises: Failure.
        """
        ...

    def open(self, request: Request[object], *, seconds: float, frames: Frames | None = None) -> Opened:
        """Return a stream once its first piece is there. seconds: for each piece. frames: to be decoded.

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

    async def open(self, request: Request[object], *, seconds: float, frames: AsyncFrames | None = None) -> AsyncOpened:
        """Return a stream once its first piece is there. seconds: for each piece. frames: to be decoded.

        Raises: Failure.
        """
        ...

    async def close(self) -> None:
        """Close the connection."""
        ...
