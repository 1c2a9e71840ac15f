"""How many bytes of requests and answers a worker holds at a time, over both transports."""

from __future__ import annotations

import asyncio

from service.errors import Busy

ORDINARY = 65_536  # bytes; requests up to this size have twice the room, so that large ones don't keep them out
RETRY_S = 1


class Intake:
    """One for a worker. A request holds its bytes until its answer is out, or it is given up."""

    def __init__(self, most: int) -> None:
        """most: bytes of all requests and answers in hand."""
        self._most = most
        self.held = 0
        self.freed = asyncio.Event()

    def hold(self) -> Held:
        """Return a request, of nothing so far."""
        return Held(self)

    def fits(self, size: int, beside: int) -> bool:
        """Return whether a request of so many bytes has room beside those of others; one alone always has."""
        most = self._most if size > ORDINARY else 2 * self._most
        return not beside or beside + size <= most


class Held:
    """The bytes of one request; of a stream those of the piece in hand."""

    def __init__(self, intake: Intake) -> None:
        self._intake, self.size = intake, 0

    def take(self, size: int) -> None:
        """Hold so many more bytes of the request. Raises: Busy."""
        self.add(size)
        if not self._intake.fits(self.size, self._intake.held - self.size):
            raise Busy("the requests in hand hold as many bytes as they may", retry_after_s=RETRY_S)

    async def wait(self, size: int) -> None:
        """Hold so many more bytes once there is room, for a stream that has begun and would lose its work."""
        while not self._intake.fits(self.size + size, self._intake.held - self.size):
            self._intake.freed.clear()
            await self._intake.freed.wait()
        self.add(size)

    def add(self, size: int) -> None:
        """Hold so many more bytes, of an answer that is made."""
        self.size += size
        self._intake.held += size

    def drop(self, size: int) -> None:
        """Hold so many bytes less, of a piece that has gone its way."""
        self.add(-size)
        self._intake.freed.set()

    def release(self) -> None:
        """Hold nothing."""
        self.drop(self.size)
