"""The worker processes of a server, and the memory that they take."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil

WATCH_S = 0.02


def workers(supervisor: int) -> list[int]:
    """Return the process ids of a service's workers. supervisor: of the process that was started."""
    children = psutil.Process(supervisor).children(recursive=True)
    return [child.pid for child in children if child.status() != psutil.STATUS_ZOMBIE and "worker" in _command(child)]


def _command(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


def memory_mb(pid: int) -> float:
    """Return the resident memory of a process."""
    return float(psutil.Process(pid).memory_info().rss / 1e6)


@dataclass
class Peak:
    """The most that was seen, MB."""

    most: float = 0.0


@contextmanager
def peak_mb(pid: int) -> Iterator[Peak]:
    """Watch the memory of a process for as long as the block lasts."""
    peak, over = Peak(memory_mb(pid)), threading.Event()

    def watch() -> None:
        while not over.wait(WATCH_S):
            peak.most = max(peak.most, memory_mb(pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        over.set()
        watcher.join()
