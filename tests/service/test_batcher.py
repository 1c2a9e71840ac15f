"""The batcher's promises, against an engine that can be held."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from service.batcher import Batcher, Result
from service.errors import Busy

Floats = NDArray[np.float32]


class Engine:
    """Doubles its items, and remembers which came in which batch. Held until `go` is set."""

    name = "model"

    def __init__(self, *, held: bool = False, poison: float | None = None) -> None:
        self.go = threading.Event()
        if not held:
            self.go.set()
        self.poison = poison
        self.batches: list[list[float]] = []

    def run(self, _signature: str, inputs: Mapping[str, NDArray[Any]], _deadline: float) -> Floats:
        """Compute a batch."""
        self.go.wait(10)
        items = inputs["item"][:, 0]
        self.batches.append(items.tolist())
        if self.poison in items:
            raise ValueError("poison")
        doubled: Floats = inputs["item"] * 2
        return doubled

    def seen(self) -> list[float]:
        """Return every item that was computed, in order."""
        return [item for batch in self.batches for item in batch]


class Silent:
    """Watches nothing but the depth of the queue."""

    depth = 0

    def batch(self, model: str, items: int) -> None:
        """A batch begins."""

    def computed(self, model: str, signature: str, seconds: float) -> None:
        """A batch has ended."""

    def waiting(self, items: int) -> None:
        """So many items wait."""
        self.depth = items


def items(start: int, count: int, width: int = 1) -> dict[str, Floats]:
    """Return a request of numbered items."""
    return {"item": np.repeat(np.arange(start, start + count, dtype=np.float32)[:, None], width, axis=1)}


def make(watcher: Silent | None = None, *, max_batch: int = 4, queue_limit: int = 100, calls: int = 1) -> Batcher:
    executor = ThreadPoolExecutor(calls)
    return Batcher(executor, watcher or Silent(), max_batch=max_batch, queue_limit=queue_limit, engine_calls=calls)


async def turns(count: int = 20) -> None:
    """Let other tasks run."""
    for _ in range(count):
        await asyncio.sleep(0)


@settings(deadline=None, max_examples=60)
@given(
    sizes=st.lists(st.integers(1, 11), min_size=1, max_size=12),
    widths=st.lists(st.integers(1, 2), min_size=12, max_size=12),
    max_batch=st.integers(1, 8),
    calls=st.integers(1, 3),
)
def test_requests_are_never_mixed_dropped_or_reordered(
    sizes: list[int], widths: list[int], max_batch: int, calls: int
) -> None:
    engine, watcher = Engine(), Silent()
    starts = np.cumsum([0, *sizes])
    requests = [items(int(start), size, width) for start, size, width in zip(starts, sizes, widths, strict=False)]

    async def scenario() -> list[Result]:
        batcher = make(watcher, max_batch=max_batch, queue_limit=200, calls=calls)
        return await asyncio.gather(*(batcher.run(engine, "generate", request) for request in requests))

    for request, result in zip(requests, asyncio.run(scenario()), strict=True):
        np.testing.assert_array_equal(result.values, request["item"] * 2)
    assert sorted(engine.seen()) == list(range(sum(sizes)))
    assert max(map(len, engine.batches)) <= max_batch
    assert watcher.depth == 0


def test_what_waits_is_taken_together() -> None:
    engine = Engine(held=True)

    async def scenario() -> None:
        batcher = make(max_batch=4)
        running = [asyncio.create_task(batcher.run(engine, "generate", items(i, 1))) for i in range(4)]
        await turns()
        engine.go.set()
        await asyncio.gather(*running)

    asyncio.run(scenario())
    assert engine.batches == [[0.0], [1.0, 2.0, 3.0]]


def test_shapes_and_signatures_do_not_share_a_batch() -> None:
    engine = Engine(held=True)

    async def scenario() -> None:
        batcher = make(max_batch=8)
        running = [asyncio.create_task(batcher.run(engine, "generate", items(i, 1, 1 + i % 2))) for i in range(5)]
        running.append(asyncio.create_task(batcher.run(engine, "sample", items(9, 1))))
        await turns()
        engine.go.set()
        await asyncio.gather(*running)

    asyncio.run(scenario())
    assert engine.batches == [[0.0], [1.0, 3.0], [2.0, 4.0], [9.0]]


def test_a_small_request_does_not_wait_for_the_whole_of_a_large_one() -> None:
    engine = Engine(held=True)

    async def scenario() -> None:
        batcher = make(max_batch=2)
        large = asyncio.create_task(batcher.run(engine, "generate", items(0, 6)))
        small = asyncio.create_task(batcher.run(engine, "generate", items(100, 1)))
        await turns()
        engine.go.set()
        np.testing.assert_array_equal((await large).values[:, 0], np.arange(6) * 2)
        await small

    asyncio.run(scenario())
    assert engine.seen() == [0.0, 1.0, 2.0, 3.0, 100.0, 4.0, 5.0]


@settings(deadline=None, max_examples=30)
@given(cancelled=st.sets(st.integers(1, 9)), max_batch=st.integers(1, 5))
def test_cancelled_requests_are_not_computed(cancelled: set[int], max_batch: int) -> None:
    engine, watcher = Engine(held=True), Silent()

    async def scenario() -> None:
        batcher = make(watcher, max_batch=max_batch)
        running = [asyncio.create_task(batcher.run(engine, "generate", items(i, 1))) for i in range(10)]
        await turns()
        engine.go.set()
        time.sleep(0.01)  # noqa: ASYNC251 - the loop stands still, and the end of the first batch waits in its line
        await asyncio.sleep(0)
        for i in cancelled:
            running[i].cancel()  # the next batch is made before these have had a turn
        answers = await asyncio.gather(*running, return_exceptions=True)
        assert {i for i, answer in enumerate(answers) if isinstance(answer, asyncio.CancelledError)} == cancelled

    asyncio.run(scenario())
    assert sorted(engine.seen()) == sorted(set(range(10)) - cancelled)
    assert watcher.depth == 0


def test_the_rest_of_a_cancelled_large_request_is_not_computed() -> None:
    engine, watcher = Engine(held=True), Silent()

    async def scenario() -> None:
        batcher = make(watcher, max_batch=2)
        large = asyncio.create_task(batcher.run(engine, "generate", items(0, 8)))
        await turns()
        large.cancel()
        await turns()
        assert watcher.depth == 0
        engine.go.set()
        await batcher.run(engine, "generate", items(100, 1))

    asyncio.run(scenario())
    assert engine.seen() == [0.0, 1.0, 100.0]


def test_a_full_queue_refuses_and_says_when_to_come_back() -> None:
    engine, watcher = Engine(held=True), Silent()

    async def scenario() -> None:
        batcher = make(watcher, max_batch=2, queue_limit=4)
        running = [asyncio.create_task(batcher.run(engine, "generate", items(i, 1))) for i in range(5)]
        await turns()
        assert watcher.depth == 4
        with pytest.raises(Busy) as refused:
            await batcher.run(engine, "generate", items(9, 1))
        assert refused.value.retry_after_s is not None
        assert refused.value.retry_after_s >= 1
        engine.go.set()
        await asyncio.gather(*running)
        assert watcher.depth == 0
        await batcher.run(engine, "generate", items(9, 1))

    asyncio.run(scenario())


def test_one_bad_request_does_not_fail_its_neighbours() -> None:
    engine = Engine(held=True, poison=2.0)

    async def scenario() -> list[Result | BaseException]:
        batcher = make(max_batch=8)
        running = [asyncio.create_task(batcher.run(engine, "generate", items(i, 1))) for i in range(5)]
        await turns()
        engine.go.set()
        return await asyncio.gather(*running, return_exceptions=True)

    answers = asyncio.run(scenario())
    assert [isinstance(answer, ValueError) for answer in answers] == [False, False, True, False, False]
    for i in (0, 1, 3, 4):
        answer = answers[i]
        assert isinstance(answer, Result)
        assert answer.values[0, 0] == 2 * i


def test_the_time_in_the_queue_is_told() -> None:
    engine = Engine(held=True)

    async def scenario() -> tuple[Result, Result]:
        batcher = make(max_batch=1)
        first = asyncio.create_task(batcher.run(engine, "generate", items(0, 1)))
        second = asyncio.create_task(batcher.run(engine, "generate", items(1, 1)))
        await asyncio.sleep(0.1)
        engine.go.set()
        return await first, await second

    first, second = asyncio.run(scenario())
    assert first.queue_seconds < 0.05
    assert second.queue_seconds > 0.09
    assert first.run_seconds > 0.08
    assert second.run_seconds < 0.05
