"""Keeps the event loop free: what is large is read and written in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

LARGE = 65_536  # bytes or numbers from which on a thread is worth its while
P = ParamSpec("P")
T = TypeVar("T")


async def by_size(size: int, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Do at once what is small, and in a thread what is not. size: bytes or numbers that `work` goes through."""
    return await asyncio.to_thread(work, *arguments, **named) if size > LARGE else work(*arguments, **named)
