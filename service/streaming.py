"""From pieces of sound to the bytes of a stream, and how long a client may take over each."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from dataclasses import replace

from service import stream_files
from service.made import Streamed
from service.metrics import Call
from service.running import within
from service.stream_requests import StreamFormat
from service.threads import by_size

MOST_BYTES = 65_536  # of a piece, so that little waits for a client that reads slowly
Pieces = AsyncGenerator[tuple[Streamed, bytes], None]


async def write(call: Call, sound: AsyncIterator[Streamed], form: StreamFormat) -> Pieces:
    """Yield a sound as bytes, each piece with its origin; all of them together are a file of the format."""
    head = None
    async for made in sound:
        audio = made.contract.audio
        if head is None:
            head = stream_files.header(form, sample_rate_hz=audio.sample_rate_hz, channels=audio.channels)
        heard, rate = made.values[0], audio.sample_rate_hz
        call.metrics.audio_seconds.labels(call.model).inc(len(heard) / rate)
        with call.stage("encode"):
            data = head + await by_size(heard.size, stream_files.samples, heard, form, sample_rate_hz=rate)
        head, quiet = b"", replace(made, warnings=())  # what is doubtful is told once
        for start in range(0, len(data), MOST_BYTES):
            yield quiet if start else made, data[start : start + MOST_BYTES]


async def hand_over(call: Call, seconds: float, sending: Awaitable[object]) -> None:
    """Wait until a client takes a piece, so many seconds at most.

    Raises: DeadlineExceeded.
    """
    call.renew(seconds)
    async with within(call, f"nothing of the stream was taken for {seconds:g} seconds"):
        await sending
