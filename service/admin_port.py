"""Metrics and health on a port of their own, which every worker shares and answers for all, behind the same layers."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from service.door import Door
from service.http_api import metrics_page
from service.http_layers import layers
from service.intake import Intake
from service.readiness import Readiness
from service.settings import Settings
from service.tracing import Tracing

BACKLOG = 128


class AdminPort:
    """Of one worker, on its event loop, so that /livez says that the loop turns."""

    def __init__(self, readiness: Readiness, settings: Settings, door: Door, intake: Intake, state: Any) -> None:
        """state: whose `metrics` count what the door refuses."""
        self._readiness, self._settings = readiness, settings
        routes = [
            Route("/livez", self._live),
            Route("/readyz", self._ready),
            Route("/metrics", metrics_page),
        ]
        around = list(layers(settings, door, Tracing(), intake, state))  # nothing is traced
        app = Starlette(routes=routes, middleware=around)
        self._server = _Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen, where the settings name a port."""
        settings = self._settings
        if settings.admin_port:
            family = socket.AF_INET6 if ":" in settings.admin_address else socket.AF_INET
            place = (settings.admin_address, settings.admin_port)
            listener = socket.create_server(place, family=family, backlog=BACKLOG, reuse_port=True)
            self._serving = asyncio.create_task(self._server.serve([listener]))

    async def stop(self) -> None:
        """Close."""
        if self._serving is not None:
            self._server.should_exit = True
            await self._serving

    async def _live(self, _request: Request) -> Response:
        return PlainTextResponse("\n")

    async def _ready(self, _request: Request) -> Response:
        self._readiness.require_ready()
        return PlainTextResponse("\n")


class _Server(uvicorn.Server):  # type: ignore[misc] # uvicorn is not looked into
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the process' signals to the worker."""
        yield
