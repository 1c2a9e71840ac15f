"""Sound as it comes: arrays to iterate over, and all it takes to make them again."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from latentone_client.answers import Answer
from latentone_client.sound_files import FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class StreamOrigin(Answer):
    """What is known of a stream when it begins; `timing` is that of its first piece."""

    sample_rate_hz: int
    channels: int
    seeds: tuple[int, ...] = ()  # one, or none where features were given
    labels: tuple[str, ...] = ()  # one, or none
    seconds: float | None = None  # how long it will be, where the service knows
    warnings: tuple[str, ...] = ()  # what is doubtful about the features that its first piece was decoded from


@dataclass(frozen=True, kw_only=True, eq=False)
class SoundStream(StreamOrigin):
    """Iterate for its pieces, float32 [S] or [S, C] in [-1, 1]; whoever stops early closes it, or leaves its `with`.

    Raises while it is iterated over: Failure.
    """

    parts: Generator[bytes, None, None] = field(repr=False)  # as they come, in the format that was asked for

    def __iter__(self) -> Iterator[FloatArray]:
        """Yield pieces as long as they come."""
        samples = _Samples(self.channels)
        return (piece for part in self.parts if len(piece := samples.add(part)))

    def close(self) -> None:
        """Want no more."""
        self.parts.close()

    def __enter__(self) -> Self:
        """Return the stream, to be closed in the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Want no more."""
        self.close()


@dataclass(frozen=True, kw_only=True, eq=False)
class AsyncSoundStream(StreamOrigin):
    """As SoundStream, on an event loop."""

    parts: AsyncGenerator[bytes, None] = field(repr=False)

    async def __aiter__(self) -> AsyncIterator[FloatArray]:
        """Yield pieces as long as they come."""
        samples = _Samples(self.channels)
        async for part in self.parts:
            if len(piece := samples.add(part)):
                yield piece

    async def close(self) -> None:
        """Want no more."""
        await self.parts.aclose()

    async def __aenter__(self) -> Self:
        """Return the stream, to be closed in the end."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Want no more."""
        await self.close()


class _Samples:
    """Bytes of float32, cut anywhere, to samples."""

    def __init__(self, channels: int) -> None:
        self._shape = (-1,) if channels == 1 else (-1, channels)
        self._size, self._left = 4 * channels, b""

    def add(self, part: bytes) -> FloatArray:
        data = self._left + part
        whole = len(data) - len(data) % self._size
        self._left = data[whole:]
        return np.frombuffer(data[:whole], "<f4").reshape(self._shape).astype(np.float32)
