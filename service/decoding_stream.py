"""The operation `decode_stream`: features that come bit by bit to a sound that is heard while they come."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import numpy as np

from service.contract import Contract, Reach
from service.decoding import doubts
from service.engine import Engine
from service.errors import Invalid
from service.inputs import check_seconds
from service.made import Streamed
from service.metrics import Call
from service.running import FloatArray, Inputs, Running, within
from service.settings import Settings
from service.stream_requests import DecodeStreamRequest
from service.windows import Window, Windows

FEWEST_AT_ONCE = 32  # frames that a window newly decodes where they are there, however short the reach
Frames = Callable[[tuple[int, ...]], AsyncIterator[FloatArray]]
"""From the shape of a frame, [bands(, channels)], to frames [T, bands(, channels)] as they come."""


async def decode(
    running: Running, settings: Settings, call: Call, request: DecodeStreamRequest, frames: Frames
) -> AsyncIterator[Streamed]:
    """Make features audible as they come, in windows with what the vocoder's reach asks for around them.

    Equal to `decode` of the whole to 1e-5; both ends are treated as it treats them. Memory is bounded by what comes at
    once. A frame is heard when as many more have come as the reach looks ahead.
    Yields: values [1, samples(, 2)], the first doubt about the features with a piece. Raises: Failure; Busy, before
    the first piece.
    """
    engine = await running.engine(call, request, "decode")
    contract, reach = engine.contract, _reach(engine.contract)
    most = max(reach.past_frames + reach.future_frames, FEWEST_AT_ONCE)  # so that at most as much is decoded again
    windows = Windows(past=reach.past_frames, future=reach.future_frames, most=most)
    decoder = _Decoder(running, settings, call, engine)
    async for new in _arriving(settings, call, contract, frames):
        decoder.doubt(new)
        for window in windows.add(new):
            yield await decoder.decode(window)
    for window in windows.end():
        yield await decoder.decode(window)


class _Decoder:
    """One window after the other."""

    def __init__(self, running: Running, settings: Settings, call: Call, engine: Engine) -> None:
        self._running, self._settings, self._call, self._engine = running, settings, call, engine
        self._run: Callable[[Call, Engine, str, Inputs], Awaitable[FloatArray]] = running.run
        self._doubts: tuple[str, ...] = ()
        self._has_doubted = False

    def doubt(self, features: FloatArray) -> None:
        """Note what is doubtful about features, once."""
        if not self._has_doubted:
            self._doubts = tuple(doubts(self._engine.contract, features))
            self._has_doubted = bool(self._doubts)

    async def decode(self, window: Window) -> Streamed:
        """Return what is heard of a window."""
        contract = self._engine.contract
        assert contract.features is not None
        self._call.renew(self._settings.deadline_seconds)
        sound = await self._run(self._call, self._engine, "decode", {"features": window.features[np.newaxis]})
        self._run = self._running.run_patiently  # what has begun waits where a queue is full
        hop, warnings = contract.features.hop_samples, self._doubts
        self._doubts = ()
        return Streamed(contract, sound[:, window.first * hop : (window.first + window.count) * hop], warnings=warnings)


async def _arriving(settings: Settings, call: Call, contract: Contract, frames: Frames) -> AsyncIterator[FloatArray]:
    """Yield what comes, checked and within the limits."""
    assert contract.features is not None
    shape, total = contract.features.frame_shape, 0
    coming = frames(shape)
    while True:
        call.renew(settings.deadline_seconds)
        async with within(call, f"features: none came for {settings.deadline_seconds:g} seconds"):
            new = await anext(coming, None)
        if new is None:
            break
        _check(new, shape)
        total += len(new)
        check_seconds(contract, contract.samples(total), "features", settings.max_stream_seconds)
        if len(new):
            yield new
    if not total:
        raise Invalid("features: none came", field="features")


def _check(features: FloatArray, shape: tuple[int, ...]) -> None:
    if features.shape[1:] != shape or features.ndim != 1 + len(shape):
        wanted = ", ".join(map(str, ["frames", *shape]))
        raise Invalid(f"features: the model wants [{wanted}], not {list(features.shape)}", field="features")
    if not np.isfinite(features).all():
        raise Invalid("features: must be finite; there is NaN or infinity in it", field="features")


def _reach(contract: Contract) -> Reach:
    if contract.stream_reach is None:
        raise Invalid(
            f"model: {contract.name!r} can't decode a stream, as its contract states no reach: any frame may decide "
            "any sample. Send all frames to decode, or take a vocoder; models that can have decode_stream in their "
            "operations",
            field="model",
        )
    return contract.stream_reach
