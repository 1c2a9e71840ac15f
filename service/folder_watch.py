"""Follows the folder of models while the service runs: what came, went or changed, and what the labels say.

A version that is still being written (no contract yet, digests that do not fit yet) is looked at again when it changes,
and refused when it has been still for a while. What is loaded stays as it was loaded, until its folder is gone.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from service import model_folder, version_labels
from service.entry import Entry
from service.errors import BrokenModel
from service.library import Library
from service.version_labels import Labels

logger = logging.getLogger("bentoml.latentone")

STILL_S = 5.0  # how long a version must not have changed before it is refused
Key = tuple[str, int]
Examine = Callable[[Entry], None]


class FolderWatch:
    """Keeps a library as its folder is. Lives on one event loop."""

    def __init__(self, library: Library, root: Path, examine: Examine = model_folder.examine) -> None:
        """examine: reads the contract of a version into its entry, and raises BrokenModel where it is not whole."""
        self._library = library
        self._root = root
        self._examine = examine
        self._unfinished: dict[Key, tuple[Entry, float, str]] = {}  # what, since when, why
        self._labels: Labels = {}  # as the file says
        self._told: set[str] = set()  # by the last look
        self._one_at_a_time = asyncio.Lock()

    async def look(self, *, again: bool = False, final: bool = False) -> list[str]:
        """Look at the folder once, and do what follows from it.

        again: also try what could not be loaded a moment ago. final: refuse now what seems to be unfinished, and look
        once more at what was refused.
        Returns: why versions and labels are not served as the folder has them, a line for each.
        """
        async with self._one_at_a_time:
            troubles = await self._follow_versions(final=final)
            gone = [entry for entry in self._library.entries() if entry.leaving]
            await self._library.load_ahead(again=again or final)
            troubles += await self._follow_labels(again=again or final)
            for entry in gone:
                logger.info("%s is gone from the folder, and is unloaded after its last request", entry.title)
                self._library.drop(entry)
            self._library.unload_replaced()
            self._tell(troubles)
            return [*self._library.troubles(), *troubles]

    async def _follow_versions(self, *, final: bool) -> list[str]:
        there = {(entry.name, entry.version): entry for entry in self._library.entries() if not entry.built_in}
        try:
            found = await asyncio.to_thread(model_folder.find_versions, self._root)
        except OSError as error:
            return [f"{self._root} can't be looked at: {error.strerror}; what is loaded goes on"]
        if there and not found:
            return [f"{self._root} holds no version any more: is it mounted? What is loaded goes on"]
        keys = {(entry.name, entry.version) for entry in found}
        for key in there.keys() - keys:
            there[key].leaving = True
        self._unfinished = {key: of for key, of in self._unfinished.items() if key in keys}
        own = {entry.name for entry in self._library.entries() if entry.built_in}
        for entry in found:
            if entry.name not in own:
                await self._follow(entry, there.get((entry.name, entry.version)), final=final)
        return [
            f"{self._root / name} is left out: the service has a model of that name itself; rename the folder"
            for name in sorted(own & {entry.name for entry in found})
        ]

    async def _follow(self, found: Entry, there: Entry | None, *, final: bool) -> None:
        """Take in a version that is new or has changed; there: what is known of it."""
        key = (found.name, found.version)
        if there is not None and there.state in ("loading", "ready"):
            if found.stamp != there.stamp:
                there.stamp = found.stamp
                words = "its files have changed, and what is loaded goes on; give what is new a version of its own"
                logger.warning("%s: %s", there.title, words)
            return
        before, since, reason = self._unfinished.get(key, (there, 0.0, ""))
        is_new = before is None or before.stamp != found.stamp
        if not is_new and not reason and not (final and there is not None and there.state == "failed"):
            return
        if is_new or final:
            since, reason = time.monotonic(), await self._trouble(found)
        if not reason:
            self._unfinished.pop(key, None)
            self._library.add(found)
        elif final or time.monotonic() - since >= STILL_S:
            self._unfinished.pop(key, None)
            self._library.refuse(found, reason)
        else:
            self._unfinished[key] = (found, since, reason)

    async def _trouble(self, found: Entry) -> str:
        """Return what is wrong with a version's files; nothing where they are as its contract says."""
        try:
            await asyncio.to_thread(self._examine, found)
        except BrokenModel as error:
            return error.detail
        except OSError as error:  # it is being changed while it is read
            return f"its files can't be read: {error.strerror}"
        return ""

    async def _follow_labels(self, *, again: bool) -> list[str]:
        trouble = []
        try:
            self._labels = await asyncio.to_thread(version_labels.read_labels, self._root)
        except ValueError as error:
            trouble.append(f"the version labels stay as they were: {error}")
        return trouble + await self._library.relabel(self._labels, again=again)

    def _tell(self, troubles: Iterable[str]) -> None:
        """Log what the last look did not know yet."""
        for trouble in troubles:
            if trouble not in self._told:
                logger.error("%s", trouble)
        self._told = set(troubles)
