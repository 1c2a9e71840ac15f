"""What stands around the routes of HTTP, outermost first; the same on the main port and on the admin port."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from service import access, inference_http
from service.boundary import Boundary
from service.door import HEADER, Door
from service.http_access import HttpAccess
from service.http_door import HttpDoor
from service.intake import Intake
from service.settings import Settings
from service.tracing import Tracing

# What a page of an allowed origin may send, beside what every page may.
SENT = (HEADER, access.REQUEST_ID, inference_http.HEADER, "traceparent", "tracestate", "if-none-match")


def layers(settings: Settings, door: Door, tracing: Tracing, intake: Intake, state: Any) -> Iterator[Middleware]:
    """Yield them. state: whose `metrics` count what the door refuses."""
    yield Middleware(HttpAccess, tracing=tracing)
    if settings.cors_origins:  # outside the door: browsers send no key before they may send a request
        yield Middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins.split(","),
            allow_methods=("GET", "POST"),
            allow_headers=SENT,
            expose_headers=("*",),  # every header, as no cookies are taken
        )
    yield Middleware(Boundary, body_limit=settings.body_limit, intake=intake)
    yield Middleware(HttpDoor, door=door, state=state)
