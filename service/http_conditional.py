"""Answers that have a name over HTTP: ETag, If-None-Match, and the cache behind them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import Request, Response

from service.metrics import Call
from service.operations import Operations

# Every answer is asked for again, as the newest version of a model may have changed; with an ETag that costs no work.
REVALIDATED = {"Cache-Control": "private, no-cache", "Vary": "Accept"}
ETAG = re.compile(r'(?:W/)?"([^"]*)"')


@dataclass(frozen=True)
class _Kept:
    """What there is to an answer."""

    body: bytes
    headers: list[tuple[bytes, bytes]]

    @classmethod
    def of(cls, answer: Response) -> _Kept:
        """Return a copy, as headers are added to answers later."""
        return cls(bytes(answer.body), list(answer.raw_headers))

    def answer(self) -> Response:
        """Return it as an answer once more."""
        answer = Response(self.body)
        answer.raw_headers = list(self.headers)
        return answer

    def size(self) -> int:
        """Bytes that it takes."""
        return len(self.body) + sum(len(name) + len(value) for name, value in self.headers)


async def answer(
    operations: Operations, call: Call, request: Request, name: str | None, make: Callable[[], Awaitable[Response]]
) -> Response:
    """Return the answer of that name: that the client has it (304), the one that is kept, or what `make` makes.

    name: None where there is only this one time. POST is treated as GET is: these operations change nothing, and most
    requests do not fit into an address.
    """
    if name is None:
        return await make()
    headers = {"ETag": f'W/"{name}"', **REVALIDATED}
    if name in ETAG.findall(request.headers.get("if-none-match", "")):
        call.metrics.cache_requests.labels("unchanged").inc()
        return Response(status_code=304, headers=headers)

    async def kept() -> _Kept:
        return _Kept.of(await make())

    found = (await operations.cache.get(name, kept, _Kept.size, call.metrics)).answer()
    found.headers.update(headers)
    return found
