"""One version of a model, and the state it is in."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from service.contract import Contract
from service.engine import Engine

State = Literal["available", "loading", "ready", "failed"]
Stamp = tuple[tuple[str, int, int, int], ...]  # of each file its name, time of change, bytes and inode


@dataclass(eq=False)
class Entry:
    """A version: found on disk, or built in."""

    name: str
    version: int
    folder: Path
    contract: Contract | None = None
    engine: Engine | None = None
    state: State = "available"
    reason: str = ""
    loading: asyncio.Task[Engine | None] | None = None
    stamp: Stamp = ()
    built_in: bool = False  # part of the service, not of its folder
    lazy: bool = False  # loaded when it is first asked for, whatever its version
    ahead: bool = False  # loaded before anyone asked for it
    leaving: bool = False  # its folder is gone
    asked_at: float = -math.inf  # when a request last meant it, on time.monotonic
    postponed_at: float = -math.inf  # when it could last not be loaded

    @property
    def title(self) -> str:
        """The version as people name it."""
        return f"model {self.name!r} version {self.version}"

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(size for _, _, size, _ in self.stamp)

    @property
    def retry_after_s(self) -> int | None:
        """When to ask again for a version that could not be had; None where its files must change first."""
        return 1 if self.state == "available" else None

    def fail(self, reason: str) -> None:
        """Take the version out of service. The reason is for everyone to read."""
        self.engine, self.state, self.reason = None, "failed", reason

    def postpone(self, reason: str, now: float) -> None:
        """Say that it could not be loaded now; whoever asks for it next tries again."""
        self.loading, self.state, self.reason, self.postponed_at = None, "available", reason, now

    def unload(self) -> None:
        """Let the engine go: it lives on with the requests that have it, and ends with the last of them."""
        self.engine, self.loading, self.state, self.ahead = None, None, "available", False
