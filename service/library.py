"""The versions of models: which there are, which are loaded, and which one a request means.

Requests that name no version get the newest that is ready: a new one takes its place at once, when it has been loaded
and run; what has begun on the old one ends there.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from typing import Literal

from service.engine import Engine
from service.engines import Engines
from service.entry import Entry
from service.errors import NotFound, NotReady
from service.version_labels import Labels

logger = logging.getLogger("bentoml.latentone")

Policy = Literal["newest", "all", "lazy"]  # what is loaded before it is asked for
RETRY_S = 30.0  # until what could not be loaded is tried again, where nobody asks for it


class Library:
    """Every version. Lives on one event loop."""

    def __init__(
        self,
        entries: Iterable[Entry],
        engines: Engines,
        *,
        default: str = "",
        policy: Policy = "newest",
        idle_s: float = 0.0,
    ) -> None:
        """Nothing is loaded yet.

        default: the model of requests that name none; empty for the first by name. idle_s: how long after its last
        request a version that was loaded when asked for may make room for another.
        """
        self.labels: Labels = {}
        self._engines = engines
        self._default = default
        self._policy = policy
        self._idle_s = idle_s
        self._entries = {(entry.name, entry.version): entry for entry in entries}
        for entry in self._entries.values():
            if entry.state == "failed":
                engines.refuse(entry, entry.reason)

    def entries(self) -> list[Entry]:
        """Return every version, by name and number, what is built in last."""
        return sorted(self._entries.values(), key=lambda entry: (entry.built_in, entry.name, entry.version))

    def names(self) -> list[str]:
        """Return the models' names, in the order of the entries."""
        return list(dict.fromkeys(entry.name for entry in self.entries()))

    def versions(self, name: str) -> list[Entry]:
        """Return the versions of a model, newest first."""
        return [entry for entry in reversed(self.entries()) if entry.name == name]

    def default_name(self) -> str:
        """Return the model of requests that name none: the one that is set, or the first by name that can be served."""
        return self._default or next((entry.name for entry in self._best_first(self.entries())), "")

    def labels_of(self, entry: Entry) -> list[str]:
        """Return the labels that stand for a version."""
        return [label for label, version in self.labels.get(entry.name, {}).items() if version == entry.version]

    def can_serve(self) -> bool:
        """Whether any version of the folder can be served; what is built in would hide that all of them are broken."""
        states = ("ready", "available") if self._policy == "lazy" else ("ready",)
        return any(entry.state in states for entry in self._entries.values() if not entry.built_in)

    def troubles(self) -> list[str]:
        """Return why versions that should be served can't be, a line for each."""
        return [f"{entry.title}: {entry.reason}" for entry in self.entries() if entry.reason and self._is_missed(entry)]

    async def get(self, name: str = "", version: int = 0, label: str = "") -> Engine:
        """Return the engine that a request means, loading the version where it was not yet.

        Raises: NotFound for a name, version or label that is not there, NotReady for one that can't be served.
        """
        while True:
            entry = self.find(name, version, label)
            entry.asked_at = time.monotonic()
            try:
                return await self._engines.get(entry, self._idle)
            except NotReady:
                if version or label or self.find(name) is entry:
                    raise  # else the newest one has just failed, and the next is as good

    def find(self, name: str = "", version: int = 0, label: str = "") -> Entry:
        """Return the version that a request means: by number, by label, or the newest that is ready.

        Raises: NotFound for a name, version or label that is not there.
        """
        name = name or self.default_name()
        versions = self.versions(name)
        if not versions:
            raise NotFound(f"there is no model {name!r}; known: {', '.join(self.names())}", field="model")
        if label:
            labels = self.labels.get(name, {})
            if label not in labels:
                known = f"known: {', '.join(labels)}" if labels else "it has none"
                raise NotFound(f"model {name!r} has no version label {label!r}; {known}", field="version_label")
            version = labels[label]
        if version:
            if (name, version) not in self._entries:
                known = ", ".join(str(entry.version) for entry in reversed(versions))
                raise NotFound(f"model {name!r} has no version {version}; known: {known}", field="version")
            return self._entries[name, version]
        return next(self._best_first(versions))

    def add(self, entry: Entry) -> None:
        """Have a version, in the place of one of the same name and number that is not loaded."""
        before = self._entries.get((entry.name, entry.version))
        if before is not None:
            self._engines.forget(before)
        self._entries[entry.name, entry.version] = entry

    def refuse(self, entry: Entry, reason: str) -> None:
        """Have a version that can't be served, for everyone to see."""
        self.add(entry)
        self._engines.refuse(entry, reason)

    def drop(self, entry: Entry) -> None:
        """Forget a version; requests that have it go on."""
        del self._entries[entry.name, entry.version]
        self._engines.forget(entry)
        entry.leaving = True
        entry.unload()

    async def load_ahead(self, *, again: bool = False) -> None:
        """Load what the policy wants loaded before it is asked for: of each model the newest that can be, or all.

        again: also what could not be loaded a moment ago. Failures stay with their entries.
        """
        for name in self.names() if self._policy != "lazy" else ():
            for entry in self.versions(name):
                if entry.lazy or entry.leaving:
                    continue
                if await self._loads(entry, again=again) and self._policy == "newest":
                    break

    async def relabel(self, wanted: Labels, *, again: bool = False) -> list[str]:
        """Move the labels: each one when the version that it is to stand for can be served, and until then not.

        Returns: what is wrong with those that can't move.
        """
        labels: Labels = {}
        troubles = []
        for name, versions in wanted.items():
            for label, version in versions.items():
                entry, before = self._there(name, version), self.labels.get(name, {}).get(label)
                if entry is not None and await self._may_be_labelled(entry, again=again):
                    labels.setdefault(name, {})[label] = version
                    continue
                reason = entry.reason if entry is not None else "there is no such version"
                troubles.append(f"label {label!r} can't stand for model {name!r} version {version}: {reason}")
                if before and self._there(name, before):
                    labels.setdefault(name, {})[label] = before
        self.labels = labels
        return troubles

    def unload_replaced(self) -> None:
        """Unload what was loaded ahead for being the newest or labelled, and is neither any more."""
        if self._policy != "newest":
            return
        for entry in self._entries.values():
            if entry.ahead and entry.state == "ready" and not self._is_wanted(entry):
                logger.info("%s is unloaded after its last request: another one has its place", entry.title)
                entry.unload()

    async def _may_be_labelled(self, entry: Entry, *, again: bool) -> bool:
        if self._policy == "lazy":
            return entry.state != "failed"
        return await self._loads(entry, again=again)

    async def _loads(self, entry: Entry, *, again: bool) -> bool:
        """Load a version ahead, and return whether it can be served."""
        if entry.reason and not again and time.monotonic() < entry.postponed_at + RETRY_S:
            return False
        try:
            await self._engines.get(entry, self._idle)
        except NotReady:
            return False
        entry.ahead = True
        return True

    def _best_first(self, entries: list[Entry]) -> Iterator[Entry]:
        """Give those that are ready first, then those that may become it, in their order."""
        ready = [entry for entry in entries if entry.state == "ready" and self._policy != "lazy"]
        usable = [entry for entry in entries if entry.state != "failed"]
        return iter([*ready, *usable, *entries])

    def _there(self, name: str, version: int) -> Entry | None:
        entry = self._entries.get((name, version))
        return None if entry is None or entry.leaving else entry

    def _is_missed(self, entry: Entry) -> bool:
        is_old = self._policy != "all" and entry.version < self.find(entry.name).version
        return entry.state == "failed" or not is_old

    def _is_wanted(self, entry: Entry) -> bool:
        return self.find(entry.name) is entry or bool(self.labels_of(entry))

    def _idle(self) -> list[Entry]:
        """Return versions that were loaded when asked for and are not in use, the one unasked for longest first."""
        before = time.monotonic() - self._idle_s
        idle = [
            entry
            for entry in self._entries.values()
            if entry.state == "ready" and not (entry.ahead or entry.built_in or self._is_wanted(entry))
        ]
        return sorted((entry for entry in idle if entry.asked_at <= before), key=lambda entry: entry.asked_at)
