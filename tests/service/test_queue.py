"""Whose turn it is, what has no turn left, and when to come back, against an engine that can be held."""

from __future__ import annotations

import asyncio
import time

import pytest

from service.batcher import SPARE, Batcher, Result
from service.errors import Busy
from service.pace import MOST_KINDS, Pace
from tests.service.test_batcher import Engine, Floats, Silent, items, make, turns


def measured(seconds: float, **limits: int) -> tuple[Batcher, Engine]:
    """Return a batcher whose engine is known to take so long for an item, held."""
    engine, batcher = Engine(), make(**limits)
    for _ in range(2):  # of each kind of work the first batch tells nothing
        batcher._pace.note((engine, "generate"), size=1, seconds=seconds)
    engine.go.clear()
    return batcher, engine


async def filled(batcher: Batcher, engine: Engine, count: int) -> list[asyncio.Task[Result]]:
    """Have `count` requests of one item wait behind one that is held."""
    running = [asyncio.create_task(batcher.run(engine, "generate", items(i, 1))) for i in range(count + 1)]
    await turns()
    return running


@pytest.mark.parametrize(("waiting", "calls", "seconds"), [(4, 1, 12), (6, 1, 18), (6, 2, 9)])
def test_the_time_to_come_back_is_that_of_the_queue(waiting: int, calls: int, seconds: int) -> None:
    batcher, engine = measured(3.0, max_batch=2, queue_limit=waiting, calls=calls)

    async def scenario() -> None:
        running = await filled(batcher, engine, waiting + calls - 1)
        with pytest.raises(Busy, match="full") as refused:
            await batcher.run(engine, "generate", items(9, 1))
        assert refused.value.retry_after_s == seconds
        engine.go.set()
        await asyncio.gather(*running)

    asyncio.run(scenario())


def test_what_could_not_end_in_time_is_refused_at_once() -> None:
    """Six items wait, a batch is of two, an item takes 3 s: 15 s of others, and 6 s for the last batch."""
    batcher, engine = measured(3.0, max_batch=2)
    takes = SPARE * (15 + 6)

    async def scenario() -> None:
        running = await filled(batcher, engine, 6)

        async def ask(inputs: dict[str, Floats], seconds: float) -> None:
            running.append(asyncio.create_task(batcher.run(engine, "generate", inputs, time.monotonic() + seconds)))
            await turns()

        with pytest.raises(Busy, match="longer than the request has time") as refused:
            await batcher.run(engine, "generate", items(9, 1), time.monotonic() + takes - 1)
        assert refused.value.retry_after_s == 18
        await ask(items(9, 1), takes + 1)
        # Before each part of a large request all that waits has its turn; before another lane, one batch.
        with pytest.raises(Busy):
            await batcher.run(engine, "generate", items(30, 5), time.monotonic() + SPARE * (3 * 7 * 3 + 3 * 3 + 6) - 1)
        await ask(items(30, 5), SPARE * (3 * 7 * 3 + 3 * 3 + 6) + 1)
        with pytest.raises(Busy):
            await batcher.run(engine, "generate", items(40, 1, 2), time.monotonic() + SPARE * (2 * 3 + 6) - 1)
        await ask(items(40, 1, 2), SPARE * (2 * 3 + 6) + 1)  # an item of twice the size, 6 s
        engine.go.set()
        await asyncio.gather(*running)

    asyncio.run(scenario())


def test_a_stream_that_has_begun_waits_for_its_turn_however_long_that_seems() -> None:
    batcher, engine = measured(3.0, max_batch=2)

    async def scenario() -> None:
        running = await filled(batcher, engine, 6)
        soon = time.monotonic() + 20  # by the estimate it takes longer
        with pytest.raises(Busy):
            await batcher.run(engine, "generate", items(8, 1), soon)
        running.append(asyncio.create_task(batcher.run(engine, "generate", items(9, 1), soon, has_begun=True)))
        await turns()
        engine.go.set()
        await asyncio.gather(*running)

    asyncio.run(scenario())
    assert engine.seen()[-1] == 9.0


def test_an_estimate_refuses_nobody_where_nothing_waits() -> None:
    """Else one stall, measured, would keep everybody out for ever."""
    batcher, engine = measured(1000.0, max_batch=2)
    engine.go.set()

    async def scenario() -> None:
        for number in range(3):
            await batcher.run(engine, "generate", items(number, 1), time.monotonic() + 20)

    asyncio.run(scenario())
    assert engine.seen() == [0.0, 1.0, 2.0]


def test_work_whose_time_is_over_is_not_begun() -> None:
    engine, watcher = Engine(held=True), Silent()

    async def scenario() -> None:
        batcher = make(watcher, max_batch=4)
        first = asyncio.create_task(batcher.run(engine, "generate", items(0, 1)))
        await turns()
        late = asyncio.create_task(batcher.run(engine, "generate", items(1, 1), time.monotonic() + 0.01))
        other = asyncio.create_task(batcher.run(engine, "generate", items(2, 1)))
        await turns()
        await asyncio.sleep(0.02)  # nobody has ended `late`, as a transport would
        engine.go.set()
        await asyncio.gather(first, other)
        assert not late.done()
        late.cancel()
        await asyncio.wait([late])

    asyncio.run(scenario())
    assert engine.batches == [[0.0], [2.0]]
    assert watcher.depth == 0


def test_kinds_of_work_take_turns_however_much_waits_of_one() -> None:
    engine = Engine(held=True)

    async def scenario() -> None:
        batcher = make(max_batch=2)
        running = [asyncio.create_task(batcher.run(engine, "generate", items(0, 64)))]
        await turns()
        running += [asyncio.create_task(batcher.run(engine, "generate", items(100 + i, 1, 2))) for i in range(2)]
        running.append(asyncio.create_task(batcher.run(engine, "decode", items(200, 1))))
        running.append(asyncio.create_task(batcher.run(engine, "generate", items(300, 1))))
        await turns()
        engine.go.set()
        await asyncio.gather(*running)

    asyncio.run(scenario())
    assert engine.batches[1:5] == [[2.0, 3.0], [100.0, 101.0], [200.0], [300.0, 4.0]]


def test_a_pace_is_an_average_that_forgets_and_is_bounded() -> None:
    pace = Pace()
    pace.note("work", size=10, seconds=1000.0)  # compiles
    assert pace.seconds("work", 10) == 0.0
    pace.note("work", size=10, seconds=10.0)
    assert pace.seconds("work", 5) == pytest.approx(5.0)
    for _ in range(50):
        pace.note("work", size=1, seconds=3.0)
    assert pace.seconds("work", 1) == pytest.approx(3.0, rel=1e-3)
    assert pace.seconds("other", 1) == 0.0
    for number in range(MOST_KINDS):
        pace.note(number, size=1, seconds=1.0)
    assert pace.seconds("work", 1) == 0.0
    assert len(pace._seconds) == MOST_KINDS
