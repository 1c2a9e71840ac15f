"""How a version gets its engine: loaded once, whoever asks, within the budget, and run before any request has it.

An engine lives as long as someone holds it: its version while it is loaded, and every request that has begun on it.
So a version that is unloaded ends with its last request, and only then is its memory another's.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import weakref
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import Protocol

from service.budget import Budget, Holding
from service.contract import Contract
from service.engine import Engine
from service.entry import Entry
from service.errors import BrokenModel, NotReady

logger = logging.getLogger("bentoml.latentone")

Loader = Callable[[Path, Contract], Engine]
WarmUp = Callable[[Engine], Awaitable[None]]
Idle = Callable[[], list[Entry]]  # versions that may make room, the one that was not asked for longest first
END_S = 5.0  # longest wait for the end of an engine that nobody should have any more


class Watches(Protocol):
    """Who is told what becomes of versions."""

    def loaded(self, model: str, version: int, change: int) -> None:
        """A version was loaded (1), or has ended with its last request (-1)."""

    def refused(self, model: str, version: int) -> None:
        """A version can't be served."""

    def forgotten(self, model: str, version: int) -> None:
        """A version that was refused has gone, or is tried again."""


async def trust(_engine: Engine) -> None:
    """Warm nothing up."""


class Engines:
    """The engines of all versions. Lives on one event loop."""

    def __init__(
        self,
        load: Loader,
        executor: Executor,
        watcher: Watches,
        *,
        warm_up: WarmUp = trust,
        budget: Budget | None = None,
    ) -> None:
        self._load = load
        self._executor = executor
        self._watcher = watcher
        self._warm_up = warm_up
        self._budget = budget or Budget()
        self._ended = asyncio.Event()

    async def get(self, entry: Entry, idle: Idle) -> Engine:
        """Return the engine of a version, which is loaded where it is not yet.

        Raises: NotReady where it can't be.
        """
        if entry.engine is not None:
            return entry.engine
        if entry.state == "available":
            entry.state = "loading"
            entry.loading = asyncio.create_task(self._try_to_load(entry, idle))
        if entry.loading is not None:
            engine = await asyncio.shield(entry.loading)  # whoever gives up waiting does not stop it for others
            if engine is not None:
                return engine
        raise NotReady(
            f"{entry.title} can't be served: {entry.reason}", field="version", retry_after_s=entry.retry_after_s
        )

    def refuse(self, entry: Entry, reason: str, cause: BaseException | None = None) -> None:
        """Take a version out of service, for everyone to see."""
        entry.fail(reason)
        self._watcher.refused(entry.name, entry.version)
        logger.error("%s can't be served: %s", entry.title, reason, exc_info=cause)

    def forget(self, entry: Entry) -> None:
        """Take back what was said of a version that has gone, or whose place another one gets."""
        if entry.state == "failed":
            self._watcher.forgotten(entry.name, entry.version)

    async def _try_to_load(self, entry: Entry, idle: Idle) -> Engine | None:
        try:
            await self._make_room(entry, idle)
            engine = await self._loaded(entry)
            entry.engine, entry.state, entry.reason = engine, "ready", ""
            logger.info("%s is loaded", entry.title)
            return engine
        except NotReady as error:
            if error.detail != entry.reason:
                logger.warning("%s can't be served now: %s", entry.title, error.detail)
            entry.postpone(error.detail, time.monotonic())
        except BrokenModel as error:
            self.refuse(entry, error.detail, error.__cause__)
        except Exception as error:
            self.refuse(entry, "it could not be loaded; the log has the details", error)
        return None

    async def _loaded(self, entry: Entry) -> Engine:
        loop = asyncio.get_running_loop()
        holding = self._budget.take(entry)
        try:
            engine = await loop.run_in_executor(self._executor, self._read, entry)
        except BaseException:
            self._budget.give_back(holding)
            raise
        self._watcher.loaded(entry.name, entry.version, 1)
        # Its end may come in any thread.
        weakref.finalize(engine, _tell, loop, self._end, entry, holding).atexit = False
        try:
            await self._warm_up(engine)
        except Exception as error:
            raise BrokenModel("the warm-up failed; the log has the details") from error
        if entry.leaving:
            raise NotReady("its folder is gone")
        return engine

    def _read(self, entry: Entry) -> Engine:
        assert entry.contract is not None  # else the entry has failed already
        return self._load(entry.folder, entry.contract)

    def _end(self, entry: Entry, holding: Holding) -> None:
        self._budget.give_back(holding)
        self._watcher.loaded(entry.name, entry.version, -1)
        self._ended.set()
        logger.info("%s is unloaded", entry.title)

    async def _make_room(self, entry: Entry, idle: Idle) -> None:
        """Unload idle versions until there is room for another, where that can make enough of it."""
        while not self._budget.fits(entry.size) and self._budget.fits(entry.size - sum(other.size for other in idle())):
            oldest = idle()[0]
            self._ended.clear()
            logger.info("%s makes room for %s", oldest.title, entry.title)
            oldest.unload()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), END_S)


def _tell(
    loop: asyncio.AbstractEventLoop, end: Callable[[Entry, Holding], None], entry: Entry, holding: Holding
) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has closed: the process ends
        loop.call_soon_threadsafe(end, entry, holding)
