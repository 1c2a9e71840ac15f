"""Joins waiting requests into batches and never mixes them up.

There is no lingering: a free engine takes what waits, so a lone request never waits for company. Requests
wait in one queue for each model, signature and shape of an item. A request larger than a batch goes in
parts, and queues up again behind the others after each. What was cancelled, or has no time left, is dropped before it
costs work; what could not end in time is refused at once.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Hashable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from service.errors import Busy, DeadlineExceeded, NotReady
from service.pace import Pace

Arrays = Mapping[str, NDArray[Any]]
OF_THE_ENGINE = (Busy, DeadlineExceeded, NotReady)  # failures that no request of a batch is to blame for
SPARE = 1.25  # of an estimate, whose pace is that of a moment ago


class Runs(Protocol):
    """What computes a batch: an engine."""

    @property
    def name(self) -> str:
        """Name of the model, for the metrics."""

    def run(self, signature: str, inputs: Arrays, deadline: float, /) -> NDArray[np.float32]:
        """Compute a batch: arrays [B, ...] to an array [B, ...]. Called in a thread.

        deadline: on time.monotonic; when nobody waits any more for any of the batch.
        """


class Watches(Protocol):
    """Whom the batcher tells how it goes."""

    def batch(self, model: str, items: int) -> None:
        """A batch of so many items begins."""

    def computed(self, model: str, signature: str, seconds: float) -> None:
        """A signature of a model has computed a batch."""

    def waiting(self, items: int) -> None:
        """So many items wait now."""


@dataclass(frozen=True)
class Result:
    """What a request gets back."""

    values: NDArray[np.float32]
    queue_seconds: float  # from the submission to the first part's start
    run_seconds: float  # in the engine, all parts together


@dataclass(eq=False)
class _Job:
    inputs: Arrays
    items: int
    answer: asyncio.Future[Result]
    submitted: float
    deadline: float
    taken: int = 0  # items that are in a batch, or were
    started: float | None = None
    run_seconds: float = 0.0
    parts: dict[int, NDArray[np.float32]] = field(default_factory=dict)  # by the first item's place


@dataclass(frozen=True)
class _Part:
    """Items start ... stop of a job, as one piece of a batch."""

    job: _Job
    start: int
    stop: int


@dataclass(frozen=True)
class _Lane:
    """Requests that may share a batch."""

    engine: Runs
    signature: str
    shapes: tuple[tuple[str, tuple[int, ...]], ...]

    @property
    def work(self) -> Hashable:
        """The kind of work, whose pace is measured."""
        return self.engine, self.signature

    def size(self, items: int) -> int:
        """How many numbers so many items are."""
        return items * sum(math.prod(shape) for _, shape in self.shapes)


class Batcher:
    """Feeds engines from bounded queues. Lives on one event loop."""

    def __init__(
        self,
        executor: Executor,
        watcher: Watches,
        *,
        max_batch: int,
        queue_limit: int,
        engine_calls: int,
        queue_bytes: int = 2**28,
    ) -> None:
        """queue_limit: items that may wait. queue_bytes: of arrays that may wait or be computed with."""
        self._executor = executor
        self._watcher = watcher
        self._max_batch = max_batch
        self._queue_limit = queue_limit
        self._free = engine_calls
        self._engine_calls = engine_calls
        self._lanes: dict[_Lane, deque[_Job]] = {}  # in the order in which they get their turn
        self._waiting = 0
        self._bytes_left = queue_bytes
        self._pace = Pace()
        self._running: set[asyncio.Task[None]] = set()

    async def run(
        self, engine: Runs, signature: str, inputs: Arrays, deadline: float = math.inf, *, has_begun: bool = False
    ) -> Result:
        """Compute `inputs` (arrays [B, ...] by name), alone or together with others.

        deadline: on time.monotonic, for queue and engine; whoever calls this ends their waiting themselves.
        has_begun: of a stream, which would lose its work: its next item waits for its turn, however long that seems.
        Raises: Busy where the queue has no room for B items or for their bytes, or would not be through with them
        before the deadline; whatever the engine raises.
        """
        items, now = len(next(iter(inputs.values()))), time.monotonic()
        lane = _Lane(engine, signature, tuple((name, array.shape[1:]) for name, array in sorted(inputs.items())))
        size = sum(array.nbytes for array in inputs.values())
        if self._waiting + items > self._queue_limit or size > self._bytes_left:
            raise Busy("the queue is full", retry_after_s=self._retry_after())
        # Where nothing waits no estimate counts: a pace is measured anew only where something is computed.
        if self._waiting and not has_begun and now + self._seconds_until_ended(lane, items) > deadline:
            raise Busy("the queue takes longer than the request has time", retry_after_s=self._retry_after())
        job = _Job(inputs, items, asyncio.get_running_loop().create_future(), now, deadline)
        self._lanes.setdefault(lane, deque()).append(job)
        self._wait(items)
        self._bytes_left -= size
        self._start()
        try:
            return await job.answer
        finally:
            self._bytes_left += size
            self._withdraw(lane, job)
            del job  # it has the failure, whose traceback leads here: such a ring keeps the inputs

    def _withdraw(self, lane: _Lane, job: _Job) -> None:
        """Forget what still waits of a job that was cancelled or failed."""
        queue = self._lanes.get(lane, ())
        if job in queue:
            self._lanes[lane].remove(job)
            self._wait(job.taken - job.items)
            if not self._lanes[lane]:
                del self._lanes[lane]

    def _retry_after(self) -> int:
        """Seconds until all that waits has begun."""
        seconds = sum(self._seconds(lane, _left(queue)) for lane, queue in self._lanes.items())
        return max(1, math.ceil(seconds))

    def _seconds_until_ended(self, lane: _Lane, items: int) -> float:
        """Estimate when a new request ends: before each of its parts whatever waits has a turn, as others will come."""
        turns = math.ceil(items / self._max_batch)
        ahead = turns * sum(min(job.items - job.taken, self._max_batch) for job in self._lanes.get(lane, ()))
        rounds = 1 + (ahead + items - 1) // self._max_batch
        others = (
            self._seconds(other, min(_left(queue), rounds * self._max_batch))
            for other, queue in self._lanes.items()
            if other != lane
        )
        last = min(ahead + items, self._max_batch)  # its last batch, which has an engine for itself
        last_seconds = self._engine_calls * self._seconds(lane, last)
        return SPARE * (self._seconds(lane, ahead + items - last) + sum(others) + last_seconds)

    def _seconds(self, lane: _Lane, items: int) -> float:
        return self._pace.seconds(lane.work, lane.size(items)) / self._engine_calls

    def _wait(self, items: int) -> None:
        self._waiting += items
        self._watcher.waiting(self._waiting)

    def _start(self) -> None:
        while self._free and self._lanes:
            lane, batch = self._next_batch()
            if not batch:
                continue
            self._free -= 1
            task = asyncio.create_task(self._serve(lane, batch))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    def _next_batch(self) -> tuple[_Lane, list[_Part]]:
        lane, queue = next(iter(self._lanes.items()))
        batch: list[_Part] = []
        room, now = self._max_batch, time.monotonic()
        for _ in range(len(queue)):
            job = queue.popleft()
            # Cancelled, or out of time, this instant: `run` has had no turn yet to withdraw it.
            if job.answer.done() or job.deadline <= now:
                self._wait(job.taken - job.items)
                continue
            stop = min(job.items, job.taken + room)
            batch.append(_Part(job, job.taken, stop))
            room -= stop - job.taken
            job.taken = stop
            if job.taken < job.items:
                queue.append(job)
            if not room:
                break
        del self._lanes[lane]
        if queue:
            self._lanes[lane] = queue  # behind the other lanes
        self._wait(room - self._max_batch)
        return lane, batch

    async def _serve(self, lane: _Lane, batch: list[_Part]) -> None:
        try:
            await self._compute(lane, batch)
        finally:
            self._free += 1
            self._start()

    async def _compute(self, lane: _Lane, batch: list[_Part]) -> None:
        start = time.monotonic()
        _begin(batch, start)
        items = sum(part.stop - part.start for part in batch)
        self._watcher.batch(lane.engine.name, items)
        try:
            deadline = max(part.job.deadline for part in batch)
            work = partial(lane.engine.run, lane.signature, _joined(batch), deadline)
            values = await asyncio.get_running_loop().run_in_executor(self._executor, work)
            if len(values) != items:
                raise RuntimeError(f"{lane.signature} gave {len(values)} items for {items}")
        except Exception as error:
            await self._failed(lane, batch, error)
            batch.clear()  # its requests have the failure, whose traceback leads here
            return
        seconds = time.monotonic() - start
        self._pace.note(lane.work, size=lane.size(items), seconds=seconds)
        self._watcher.computed(lane.engine.name, lane.signature, seconds)
        place = 0
        for part in batch:
            size = part.stop - part.start
            _deliver(part, values[place : place + size], seconds)
            place += size

    async def _failed(self, lane: _Lane, batch: list[_Part], error: Exception) -> None:
        """A batch failed: each request is tried alone, so that none fails for what another one sent."""
        waiting = [part for part in batch if not part.job.answer.done()]
        if len(batch) == 1 or isinstance(error, OF_THE_ENGINE):
            for part in waiting:
                part.job.answer.set_exception(error)
        else:
            for part in waiting:
                await self._compute(lane, [part])


def _left(queue: deque[_Job]) -> int:
    return sum(job.items - job.taken for job in queue)


def _begin(batch: list[_Part], start: float) -> None:
    for part in batch:
        part.job.started = start if part.job.started is None else part.job.started


def _joined(batch: list[_Part]) -> dict[str, NDArray[Any]]:
    if len(batch) == 1:
        part = batch[0]
        return {name: array[part.start : part.stop] for name, array in part.job.inputs.items()}
    names = batch[0].job.inputs
    return {name: np.concatenate([part.job.inputs[name][part.start : part.stop] for part in batch]) for name in names}


def _deliver(part: _Part, values: NDArray[np.float32], seconds: float) -> None:
    job = part.job
    job.parts[part.start] = values
    job.run_seconds += seconds
    if sum(map(len, job.parts.values())) < job.items or job.answer.done():
        return
    assert job.started is not None
    whole = values if len(job.parts) == 1 else np.concatenate([job.parts[start] for start in sorted(job.parts)])
    job.answer.set_result(Result(whole, job.started - job.submitted, job.run_seconds))
