"""The door of HTTP: a request without a key that counts is refused before its body is read."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from service.door import HEADER, OPERATIONS, Door
from service.errors import Failure

HEALTH, METRICS = ("/livez", "/readyz", "/healthz", "/v2/health/live", "/v2/health/ready"), ("/metrics",)
DOCS, DOCS_FILES = ("/", "/docs.json"), "/static_content/"


class HttpDoor:
    """ASGI middleware inside the boundary, which answers what is raised here."""

    def __init__(self, app: ASGIApp, *, door: Door, state: Any) -> None:
        """state: whose `metrics` count refusals, once a worker has begun."""
        self._app, self._door, self._state = app, door, state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in. Raises: Unauthenticated, RateLimited."""
        if scope["type"] in ("http", "websocket"):
            given = [value.decode("latin-1") for name, value in scope["headers"] if name == HEADER.encode()]
            try:
                self._door.admit(given, room(scope["path"]))
            except Failure as failure:
                self._state.metrics.rejected.labels(failure.kind).inc()
                raise
        await self._app(scope, receive, send)


def room(path: str) -> str:
    """Return what a path belongs to: health, metrics, docs or operations."""
    if path in HEALTH:
        return "health"
    if path in METRICS:
        return "metrics"
    return "docs" if path in DOCS or path.startswith(DOCS_FILES) else OPERATIONS
