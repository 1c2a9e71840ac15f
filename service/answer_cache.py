"""Answers that were made, kept for whoever asks for the same again. Knows no transport.

An answer is named by the digest of the model, of what went in and of its form: the same name, the same answer.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

import numpy as np
from pydantic import BaseModel

from service.contract import Contract
from service.requests import ModelRequest

T = TypeVar("T")
OF_THE_MODEL = ("model", "version", "version_label")  # fields whose place its digest takes


class Counts(Protocol):
    """Whom the cache tells how it goes."""

    def cached(self, result: str, held: int) -> None:
        """Note that an answer was a `hit` or a `miss`, and how many bytes are kept now."""


def size_of(request: ModelRequest) -> int:
    """Return about how many bytes the naming of a request goes through."""
    values = [getattr(request, field) for field in type(request).model_fields]
    parts = [part for value in values for part in (value if isinstance(value, list) else [value])]
    return sum(
        part.nbytes if isinstance(part, np.ndarray) else len(part)
        for part in parts
        if isinstance(part, np.ndarray | bytes)
    )


def name_of(operation: str, contract: Contract, request: ModelRequest, form: str) -> str | None:
    """Return the name of the answer to a request; None where it draws a seed, so that it has none.

    form: how the transport wraps it. Slow for requests of a large size.
    """
    if not request.settled:
        return None
    digest = hashlib.sha256()
    for part in (operation, form, contract.digest):
        _add(digest, part)
    for field in sorted(type(request).model_fields.keys() - set(OF_THE_MODEL)):
        _add(digest, field)
        _add(digest, getattr(request, field))
    return digest.hexdigest()


def _add(digest: Any, value: object) -> None:
    """Add a value with its type and length, so that no two rows of values are the same bytes."""
    if isinstance(value, np.ndarray):
        kind, data = f"{value.dtype}{value.shape}", np.ascontiguousarray(value).tobytes()
    elif isinstance(value, bytes):
        kind, data = "bytes", value
    elif isinstance(value, list) and all(isinstance(entry, bytes) for entry in value):
        kind, data = f"bytes{[len(entry) for entry in value]}", b"".join(value)
    else:
        kind, data = "", repr(value.model_dump() if isinstance(value, BaseModel) else value).encode()
    digest.update(f"{kind} {len(data)} ".encode())
    digest.update(data)


class AnswerCache:
    """The answers used last, of so many bytes. Lives on one event loop."""

    def __init__(self, *, most: int) -> None:
        """most: bytes of all answers; 0 keeps none."""
        self._most = most
        self._answers: OrderedDict[str, tuple[Any, int]] = OrderedDict()
        self._held = 0

    @property
    def on(self) -> bool:
        """Whether it keeps anything."""
        return self._most > 0

    async def get(
        self, name: str | None, make: Callable[[], Awaitable[T]], size: Callable[[T], int], counts: Counts
    ) -> T:
        """Return the answer of that name, kept or made. size: bytes of one."""
        if name is None or not self.on:
            return await make()
        if name in self._answers:
            self._answers.move_to_end(name)
            counts.cached("hit", self._held)
            kept: T = self._answers[name][0]
            return kept
        answer = await make()
        self._keep(name, answer, size(answer))
        counts.cached("miss", self._held)
        return answer

    def _keep(self, name: str, answer: Any, size: int) -> None:
        if size > self._most or name in self._answers:
            return
        self._answers[name] = (answer, size)
        self._held += size
        while self._held > self._most:
            _, (_, gone) = self._answers.popitem(last=False)
            self._held -= gone
