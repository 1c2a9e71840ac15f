"""The models on disk: which there are, which are loaded, and which one a request means.

At the start the newest usable version of each model is loaded; other versions when they are first asked for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Container, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from service.contract import Contract, read_contract
from service.engine import Engine
from service.errors import BrokenModel, Failure, NotFound, NotReady

logger = logging.getLogger("bentoml.latentone")

State = Literal["available", "loading", "ready", "failed"]
Loader = Callable[[Path, Contract], Engine]


@dataclass(eq=False)
class Entry:
    """One version of a model on disk."""

    name: str
    version: int
    folder: Path
    contract: Contract | None = None
    engine: Engine | None = None
    state: State = "available"
    reason: str = ""
    loading: asyncio.Task[None] | None = None
    built_in: bool = False  # part of the service, not of its folder
    lazy: bool = False  # loaded when it is first asked for, whatever its version

    @property
    def title(self) -> str:
        """The version as people name it."""
        return f"model {self.name!r} version {self.version}"

    def fail(self, reason: str) -> None:
        """Take the version out of service. The reason is for everyone to read."""
        self.engine, self.state, self.reason = None, "failed", reason

    def postpone(self, reason: str) -> None:
        """Say that it could not be loaded now; whoever asks for it next tries again."""
        self.loading, self.state, self.reason = None, "available", reason


class Library:
    """Every version under a folder, found when it is made. Lives on one event loop."""

    def __init__(
        self, root: Path, *, default: str, load: Loader, executor: Executor, built_in: Iterable[Entry] = ()
    ) -> None:
        """Look for models. Nothing is loaded yet; contracts are read.

        default: the model of requests that name none; empty for the first by name. built_in: what is there whatever
        the folder holds; a folder of the same name is left out.
        """
        self._default = default
        self._load = load
        self._executor = executor
        given = list(built_in)
        found = [*_scan(root, without={entry.name for entry in given}), *given]
        self._entries = {(entry.name, entry.version): entry for entry in found}

    def entries(self) -> list[Entry]:
        """Return every version, by name and number, what is built in last."""
        return sorted(self._entries.values(), key=lambda entry: (entry.built_in, entry.name, entry.version))

    def names(self) -> list[str]:
        """Return the models' names, in the order of the entries."""
        return list(dict.fromkeys(entry.name for entry in self.entries()))

    async def load_newest(self) -> list[Entry]:
        """Load the newest usable version of each model, and return them. Failures stay with their entries."""
        return [entry for name in self.names() if (entry := await self._first_usable(name))]

    async def _first_usable(self, name: str) -> Entry | None:
        for entry in self.versions(name):
            if entry.lazy:
                continue
            try:
                await self._engine(entry)
            except NotReady:
                continue
            return entry
        return None

    async def get(self, name: str = "", version: int = 0) -> Engine:
        """Return the engine that a request means, loading the version where it was not yet.

        Raises: NotFound for a name or version that is not there, NotReady for one that can't be served.
        """
        return await self._engine(self.find(name, version))

    def find(self, name: str = "", version: int = 0) -> Entry:
        """Return the version that a request means.

        Raises: NotFound for a name or version that is not there.
        """
        name = name or self.default_name()
        versions = self.versions(name)
        if not versions:
            raise NotFound(f"there is no model {name!r}; known: {', '.join(self.names())}", field="model")
        if version:
            if (name, version) not in self._entries:
                known = ", ".join(str(entry.version) for entry in reversed(versions))
                raise NotFound(f"model {name!r} has no version {version}; known: {known}", field="version")
            return self._entries[name, version]
        return next((entry for entry in versions if entry.state == "ready"), versions[0])

    def default_name(self) -> str:
        """Return the model of requests that name none."""
        return self._default or next(iter(self.names()), "")

    def why_nothing_is_ready(self) -> str:
        """Return the reasons for which no model could be loaded, in one line."""
        failed = [f"{entry.title}: {entry.reason}" for entry in self.entries() if entry.reason]
        return "; ".join(failed) or "no models found"

    def versions(self, name: str) -> list[Entry]:
        """Return the versions of a model, newest first."""
        return [entry for entry in reversed(self.entries()) if entry.name == name]

    async def _engine(self, entry: Entry) -> Engine:
        if entry.state == "available":
            entry.state = "loading"
            entry.loading = asyncio.create_task(self._try_to_load(entry))
        if entry.loading is not None:
            await asyncio.shield(entry.loading)  # whoever gives up waiting does not stop it for others
        if entry.engine is None:
            retry_after_s = 1 if entry.loading is None and entry.contract is not None else None
            raise NotReady(
                f"{entry.title} can't be served: {entry.reason}", field="version", retry_after_s=retry_after_s
            )
        return entry.engine

    async def _try_to_load(self, entry: Entry) -> None:
        try:
            entry.engine = await asyncio.get_running_loop().run_in_executor(self._executor, self._read, entry)
            entry.state, entry.reason = "ready", ""
        except NotReady as error:
            entry.postpone(error.detail)
        except BrokenModel as error:
            entry.fail(error.detail)
            logger.error("%s can't be served: %s", entry.title, error.detail, exc_info=error.__cause__)
        except Exception:
            entry.fail("it could not be loaded; the log has the details")
            logger.exception("%s can't be served", entry.title)

    def _read(self, entry: Entry) -> Engine:
        assert entry.contract is not None  # else the entry has failed already
        return self._load(entry.folder, entry.contract)


def _scan(root: Path, *, without: Container[str]) -> Iterator[Entry]:
    """Find the version folders; what is not laid out as name/<integer> is no model."""
    for folder in sorted(root.glob("[!.]*/*")):
        if folder.parent.name in without:
            logger.error("%s is left out: the service has a model of that name itself; rename the folder", folder)
            continue
        if folder.is_dir() and folder.name.isascii() and folder.name.isdigit() and str(int(folder.name)) == folder.name:
            entry = Entry(folder.parent.name, int(folder.name), folder)
            try:
                entry.contract = read_contract(folder)
            except Failure as error:
                entry.fail(error.detail)
                logger.error("%s can't be served: %s", entry.title, error.detail)
            yield entry
