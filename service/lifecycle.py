"""The life of a worker: load, warm up, open, follow its fleet, and on SIGTERM drain both transports and end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

from service.fleet import Fleet
from service.folder_watch import FolderWatch
from service.grpc_server import GrpcServer
from service.metrics import Metrics
from service.operations import Operations
from service.settings import DRAIN_SPARE_S, Settings

logger = logging.getLogger("bentoml.latentone")

FLEET_POLL_S, FLEET_RETRY_S = 0.1, 1.0  # to look whether it is there; to ask again for models that it lacks
NO_FLEET = "no server of the fleet can be reached"


class Lifecycle:
    """Brings a worker up and down.

    HTTP itself is the web server's; it drains when its own signal handler is called.
    """

    def __init__(
        self,
        operations: Operations,
        watch: FolderWatch,
        grpc_server: GrpcServer,
        metrics: Metrics,
        settings: Settings,
        *,
        fleet: Fleet | None = None,
        is_first: bool = True,
    ) -> None:
        """is_first: of the service's workers; it is the one that answers while they load."""
        self._operations = operations
        self._watch = watch
        self._grpc_server = grpc_server
        self._metrics = metrics
        self._settings = settings
        self._fleet = fleet
        self._is_first = is_first
        self._tasks: list[asyncio.Task[None]] = []
        self._draining: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen at once, and load in the background; beside another worker, or in place of one, load first.

        The ports are shared: what a worker takes that can't answer yet, another could have answered.
        """
        await self._grpc_server.prepare()
        opening = asyncio.create_task(self._open() if self._fleet is None else self._follow(self._fleet))
        self._tasks = [opening, asyncio.create_task(self._look_again())]
        for number in (signal.SIGTERM, signal.SIGINT):
            self._take_over(number)
        listens_at_once = self._is_first and not self._metrics.has_served()
        if self._fleet is None and not listens_at_once:
            await asyncio.wait([opening])
        await self._grpc_server.start()

    async def stop(self) -> None:
        """Wait for the drain, which the web server's own end begins where no signal did."""
        self._begin()
        assert self._draining is not None
        await self._draining

    async def _open(self) -> None:
        await self._watch.look()
        await self._serve_what_there_is()

    async def _look_again(self) -> None:
        """Follow the folder of models; the first look is not ours."""
        while self._settings.models_poll_seconds:
            await asyncio.sleep(self._settings.models_poll_seconds)
            if self._fleet is not None and not self._operations.readiness.ready:
                continue  # it would wait for a fleet that is not there
            try:
                await self._watch.look()
            except Exception:
                logger.exception("the folder of models could not be followed")
            if self._fleet is None:
                await self._serve_what_there_is()

    async def _serve_what_there_is(self) -> None:
        library = self._operations.library
        if self._operations.readiness.serving:
            return
        if not library.can_serve():
            self._stay_closed()
            return
        await self._begin_to_serve()
        self._metrics.serves()
        loaded = [entry.title for entry in library.entries() if entry.state == "ready"]
        logger.info("ready: %s", ", ".join(loaded) or "models are loaded when they are asked for")

    async def _follow(self, fleet: Fleet) -> None:
        """Be ready while the fleet is: there is a server of it, and it serves a model of ours."""
        readiness, library = self._operations.readiness, self._operations.library
        while True:
            if not fleet.reachable:
                await self._pause(NO_FLEET)
            elif not readiness.ready:
                await self._watch.look(again=True)
                if library.can_serve():
                    await self._begin_to_serve()
                    logger.info("ready: the fleet can be reached")
                else:
                    self._stay_closed()
                    await asyncio.sleep(FLEET_RETRY_S)
            await asyncio.sleep(FLEET_POLL_S)

    async def _begin_to_serve(self) -> None:
        self._operations.readiness.open()
        self._metrics.ready.set(1)
        await self._grpc_server.open()

    async def _pause(self, reason: str) -> None:
        if self._operations.readiness.ready:
            logger.warning("not ready: %s", reason)
            await self._grpc_server.lose()
        self._operations.readiness.lose(reason)
        self._metrics.ready.set(0)

    def _stay_closed(self) -> None:
        reason = "; ".join(self._operations.library.troubles()) or "no models found"
        if reason != self._operations.readiness.reason:
            logger.error("not ready: %s", reason)
        self._operations.readiness.reason = reason

    def _take_over(self, number: signal.Signals) -> None:
        """Drain before the web server's handler closes its listener."""
        loop, previous = asyncio.get_running_loop(), signal.getsignal(number)
        if callable(previous):
            close = previous

            def handle(received: int, frame: Any) -> None:
                loop.call_soon_threadsafe(self._begin, lambda: close(received, frame))

            signal.signal(number, handle)

    def _begin(self, close_http: Callable[[], Any] = lambda: None) -> None:
        if self._draining is None:
            self._draining = asyncio.ensure_future(self._drain(close_http))

    async def _drain(self, close_http: Callable[[], Any]) -> None:
        settings = self._settings
        _end_by_force_in(settings.lame_duck_seconds + settings.drain_seconds + DRAIN_SPARE_S)
        for task in self._tasks:
            task.cancel()
        self._operations.readiness.drain()
        self._metrics.ready.set(0)
        await self._grpc_server.refuse()
        await asyncio.sleep(settings.lame_duck_seconds)
        close_http()
        await self._grpc_server.stop(settings.drain_seconds)
        self._metrics.forget_worker(os.getpid())


def _end_by_force_in(seconds: float) -> None:
    """A model that hangs must not keep the process: whoever supervises it would wait for a day."""
    timer = threading.Timer(seconds, os._exit, (1,))
    timer.daemon = True
    timer.start()
