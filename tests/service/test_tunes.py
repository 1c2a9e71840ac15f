"""The operation `render`, in one process, over an engine that tells what it was asked for."""

from __future__ import annotations

import asyncio
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry

from service.batcher import Batcher
from service.contract import Contract
from service.errors import Busy, DeadlineExceeded, Failure, Invalid, TooLarge
from service.latents import draw
from service.made import Tune
from service.metrics import Call, Metrics
from service.operations import Operations
from service.requests import GenerateRequest, RenderRequest, parse_request
from service.settings import Settings
from tests.service.midi_files import midi, off, on, program, scale
from tests.service.tiny_model import KINDS, LATENT, NAMED, PITCHES, RATE_HZ, contract

CLIP = KINDS["notes"].clip
LATE_S = 30.0


class Engine:
    """Gives a clip of its own for each label, and remembers what it was asked for. Held until `go` is set."""

    def __init__(self) -> None:
        document = contract("notes", 1, KINDS["notes"])
        self.contract = Contract.model_validate({**document, "files": {}, "document": document})
        self.name = "notes"
        self.go, self.entered = threading.Event(), threading.Event()
        self.go.set()
        self.batches: list[Mapping[str, NDArray[Any]]] = []
        self.clips: list[weakref.ref[NDArray[np.float32]]] = []

    def run(self, _signature: str, inputs: Mapping[str, NDArray[Any]], _deadline: float) -> NDArray[np.float32]:
        """Compute a batch."""
        self.entered.set()
        self.go.wait(10)
        self.batches.append(inputs)
        clips = np.repeat(0.01 * (1 + inputs["label"][:, None]), CLIP, axis=1).astype(np.float32)
        self.clips.append(weakref.ref(clips))
        return clips

    def items(self) -> int:
        """Return how many items were computed."""
        return sum(len(batch["label"]) for batch in self.batches)

    async def get(self, *_: Any) -> Engine:
        """Return itself, as a library of one."""
        return self


class Studio:
    """Operations over the engine."""

    def __init__(self, **limits: Any) -> None:
        self.engine = Engine()
        self.settings = Settings(**limits)
        self.metrics = Metrics(CollectorRegistry())
        self.executor = ThreadPoolExecutor(1)

    def operations(self) -> Operations:
        """Return operations; needs the running loop."""
        settings = self.settings
        batcher = Batcher(
            self.executor, self.metrics, max_batch=settings.max_batch, queue_limit=settings.queue_limit, engine_calls=1
        )
        library: Any = self.engine
        return Operations(library, batcher, settings)

    def call(self, seconds: float = LATE_S) -> Call:
        """Return a call with so much time."""
        return Call(self.metrics, deadline=time.monotonic() + seconds)

    def render(self, body: bytes, watch: Callable[[int, int], Any] = lambda *_: None, **fields: Any) -> Tune:
        """Render a file."""

        async def scenario() -> Tune:
            return await self.operations().render(self.call(), wanted(body, **fields), watch)

        return asyncio.run(scenario())


def wanted(body: bytes, **fields: Any) -> RenderRequest:
    return parse_request(RenderRequest, {"midi": body, "seed": 3, **fields})


@pytest.fixture
def studio() -> Iterator[Studio]:
    """Return a studio that is torn down whatever the test does."""
    made = Studio()
    yield made
    made.engine.go.set()
    made.executor.shutdown()


def test_every_note_begins_at_its_sample(studio: Studio) -> None:
    body = midi([on(60), off(60, 100), on(64, 700), off(64, 100), on(67, 333), off(67, 100)])
    tune = studio.render(body, attack_seconds=0, release_seconds=0)
    sounding = np.flatnonzero(tune.values[0])
    starts = [0, *sounding[1:][np.diff(sounding) > 1]]
    assert starts == [round(tick * RATE_HZ / 960) for tick in (0, 800, 1233)]
    assert tune.values.shape == (1, round(1333 * RATE_HZ / 960))
    assert tune.seconds == tune.values.shape[1] / RATE_HZ


def test_every_note_has_the_label_of_its_pitch_and_a_latent_of_its_own(studio: Studio) -> None:
    body = midi([on(60), off(60, 480), program(5), on(48, 480), off(48, 480), program(0), on(72, 480), off(72, 480)])
    studio.render(body, latent_seconds=1)
    (batch,) = studio.engine.batches
    assert [NAMED[label] for label in batch["label"]] == ["p60", "p48", "p72"]
    drawn = [
        draw(seed, count=1, size=LATENT, distribution="normal", first=station)[0]
        for seed, station in ((3, 0), (8, 1), (3, 2))
    ]
    np.testing.assert_allclose(batch["latent"], drawn, atol=1e-6)


def test_seeds_of_programs_and_channels_are_kept(studio: Studio) -> None:
    body = midi([on(60), off(60, 10), on(60, 0, channel=1), off(60, 10, channel=1)])
    studio.render(body, programs={0: 11}, channels="2:12", latent_seconds=3600)
    drawn = [draw(seed, count=1, size=LATENT, distribution="normal")[0] for seed in (11, 12)]
    np.testing.assert_allclose(studio.engine.batches[0]["latent"], drawn, atol=0.05)


def test_the_same_request_gives_the_same_values_and_another_seed_others(studio: Studio) -> None:
    body = scale(*range(48, 73))
    first, second = studio.render(body), studio.render(body)
    np.testing.assert_array_equal(first.values, second.values)
    one, other = studio.engine.batches[0]["latent"], studio.render(body, seed=4) and studio.engine.batches[-1]["latent"]
    assert not np.array_equal(one, other)


def test_a_seed_is_drawn_where_none_is_given(studio: Studio) -> None:
    assert studio.render(scale(60), seed=None).seeds != studio.render(scale(60), seed=None).seeds


@pytest.mark.parametrize(
    ("limits", "body", "failure", "words"),
    [
        ({"max_notes": 24}, scale(*[60] * 25), TooLarge, "25 notes; at most 24"),
        ({"max_seconds": 2}, scale(60, 60, ticks=1900), TooLarge, "seconds of sound; at most 2"),
        ({}, midi([on(60, 2**28 - 1), off(60, 9)]), TooLarge, "seconds of sound; at most 60"),
        ({}, scale(36, 38, channel=9), Invalid, "no note to play: 2 of percussion and 0 of other pitches"),
        ({}, midi([]), Invalid, "no note to play: 0 of percussion and 0 of other pitches"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_can_not_be_played_is_refused_before_the_model_does_any_work(
    limits: dict[str, Any], body: bytes, failure: type[Failure], words: str
) -> None:
    studio = Studio(**limits)
    with pytest.raises(failure, match=words):
        studio.render(body)
    assert studio.engine.batches == []


def test_notes_outside_the_range_count_only_where_they_are_played() -> None:
    studio = Studio(max_notes=2)
    done = studio.render(scale(20, 60, 61, 100), out_of_range="skip")
    assert done.facts()["notes"] == 2
    assert [entry["pitch"] for entry in done.facts()["skipped"]] == [20, 100]
    assert [entry["to"] for entry in done.facts()["folded"]] == [49]
    assert 61 not in PITCHES


def test_notes_go_in_batches_that_the_queue_has_room_for() -> None:
    studio, seen = Studio(max_batch=8, queue_limit=5, max_count=5), []
    studio.render(scale(*range(48, 60)), watch=lambda done, count: seen.append((done, count)))
    assert [len(batch["label"]) for batch in studio.engine.batches] == [5, 5, 2]
    assert seen == [(5, 12), (10, 12), (12, 12)]


def test_no_clip_is_kept(studio: Studio) -> None:
    alive: list[int] = []
    clips = studio.engine.clips
    studio.render(scale(*[60] * 80), watch=lambda *_: alive.append(sum(clip() is not None for clip in clips)))
    assert len(alive) == 10
    assert max(alive) <= 2


def test_others_are_served_while_a_tune_is_made(studio: Studio) -> None:
    async def scenario() -> int:
        operations = studio.operations()
        studio.engine.go.clear()
        tune = asyncio.create_task(operations.render(studio.call(), wanted(scale(*[60] * 80))))
        await asyncio.to_thread(studio.engine.entered.wait, 10)
        other = asyncio.create_task(operations.generate(studio.call(), GenerateRequest(seed=1)))
        await asyncio.sleep(0.01)
        studio.engine.go.set()
        await other
        done = studio.engine.items()
        await tune
        return done

    assert asyncio.run(scenario()) < 30


def test_a_tune_that_has_begun_waits_for_room_and_one_that_has_not_is_refused() -> None:
    studio = Studio(max_batch=4, queue_limit=4, max_count=4)

    async def scenario() -> Tune:
        operations = studio.operations()
        run, calls = operations._running._batcher.run, 0

        async def sometimes(*arguments: Any, has_begun: bool = False) -> Any:
            nonlocal calls
            calls += 1
            if calls in (2, 3, 5):
                raise Busy("the queue is full")
            return await run(*arguments, has_begun=has_begun)

        operations._running._batcher.run = sometimes  # type: ignore[method-assign]
        tune = await operations.render(studio.call(), wanted(scale(*[60] * 12)))
        calls = 1
        with pytest.raises(Busy):
            await operations.render(studio.call(), wanted(scale(60)))
        return tune

    assert len(asyncio.run(scenario()).account.parts) == 12
    assert studio.engine.items() == 12


def test_a_deadline_is_kept_between_batches(studio: Studio) -> None:
    studio.engine.run = slowly(studio.engine.run)  # type: ignore[method-assign]

    async def scenario() -> None:
        with pytest.raises(DeadlineExceeded):
            await studio.operations().render(studio.call(0.3), wanted(scale(*[60] * 800, ticks=10)))

    asyncio.run(scenario())
    assert studio.engine.items() <= 80


def test_a_tune_that_nobody_wants_any_more_ends_with_its_batch(studio: Studio) -> None:
    studio.engine.run = slowly(studio.engine.run)  # type: ignore[method-assign]

    async def scenario() -> None:
        tune = asyncio.create_task(studio.operations().render(studio.call(), wanted(scale(*[60] * 800, ticks=10))))
        await asyncio.sleep(0.3)
        tune.cancel()
        with pytest.raises(asyncio.CancelledError):
            await tune

    asyncio.run(scenario())
    assert studio.engine.items() <= 80


def slowly(run: Callable[..., Any]) -> Callable[..., Any]:
    def slow(*arguments: Any) -> Any:
        time.sleep(0.05)
        return run(*arguments)

    return slow
