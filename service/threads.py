"""Keeps the event loop free: what is large is read and written in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

LARGE = 65_536  # bytes or numbers from which on a thread is worth its while
# A body may take ten times its bytes while it is read, and Python reads one at a time anyhow.
READER = ThreadPoolExecutor(1, "reader")
P = ParamSpec("P")
T = TypeVar("T")


async def by_size(size: int, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Do at once what is small, and in a thread what is not. size: bytes or numbers that `work` goes through."""
    if size <= LARGE:
        return work(*arguments, **named)
    return await asyncio.get_running_loop().run_in_executor(READER, partial(work, *arguments, **named))
