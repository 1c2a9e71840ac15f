"""Answers by name: kept for whoever asks again, and not sent to those who have them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from service.answer_cache import AnswerCache, name_of
from service.batcher import Batcher
from service.contract import Contract
from service.engines import Engines
from service.generated.latentone.v1 import synthesizer_pb2 as pb
from service.library import Library
from service.metrics import Call, Metrics
from service.model_folder import read_versions
from service.operations import Operations
from service.requests import DecodeRequest, GenerateRequest, InterpolateRequest, ModelRequest, RenderRequest
from service.settings import Settings
from tests.service.conftest import Server
from tests.service.test_metrics import total
from tests.service.tiny_model import LATENT, contract, describe
from tests.service.zeros import Zeros

SEEDED = {"model": "tiny", "seed": 5, "label": "one"}


@pytest.fixture(scope="module")
def caching(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a ready server that keeps answers."""
    log = tmp_path_factory.mktemp("log") / "caching.log"
    started = Server(models, log, default_model="tiny", cache_mb=1, lame_duck_seconds=0)
    yield started.wait_until_ready()
    started.stop()


def cached(server: Server, result: str) -> float:
    return total(server, "latentone_cache_requests_total", result=result)


def computed(server: Server) -> float:
    return total(server, "latentone_batch_size_sum")


def test_what_is_asked_again_over_http_is_not_computed_again(caching: Server) -> None:
    first, batches, hits = caching.generate(**SEEDED), computed(caching), cached(caching, "hit")
    again = caching.generate(**SEEDED)
    assert again.content == first.content
    assert {**again.headers, "server-timing": "", "x-request-id": "", "date": ""} == {
        **first.headers, "server-timing": "", "x-request-id": "", "date": "",
    }  # fmt: skip
    assert computed(caching) == batches
    assert cached(caching, "hit") == hits + 1
    assert "generate" not in again.headers["server-timing"]
    assert total(caching, "latentone_cache_bytes") >= len(first.content)
    for other in ({"seed": 6}, {"format": "flac"}, {"version": 1}, {"count": 2}, {"label": "two"}):
        assert caching.generate(**SEEDED | other).content != first.content
    assert computed(caching) == batches + 6


def test_what_is_asked_again_over_grpc_is_not_computed_again(caching: Server) -> None:
    request = pb.GenerateRequest(model="tiny", seed=7, label="one", format="flac")
    first, batches = caching.stub.Generate(request), computed(caching)
    again, call = caching.stub.Generate.with_call(request)
    assert again == first
    assert computed(caching) == batches
    assert "generate" not in dict(call.trailing_metadata())["server-timing"]
    features = caching.stub.Sample(pb.SampleRequest(model="tiny", seed=7)).features
    decode = pb.DecodeRequest(features=features)
    assert caching.stub.Decode(decode) == caching.stub.Decode(decode)
    assert computed(caching) == batches + 2


def test_what_draws_a_seed_is_new_each_time(caching: Server) -> None:
    first, second = caching.generate(), caching.generate()
    assert first.content != second.content
    assert "etag" not in first.headers
    assert first.headers["cache-control"] == "no-store"
    assert caching.stub.Generate(pb.GenerateRequest()) != caching.stub.Generate(pb.GenerateRequest())


def test_an_answer_that_the_client_has_is_not_sent_again(server: Server) -> None:
    """A server without a cache: the name of an answer needs no work."""
    address = "/v1/generate?model=tiny&seed=11&label=one"
    first = server.http.get(address)
    assert first.content == server.generate(model="tiny", seed=11, label="one").content
    tag, before = first.headers["etag"], computed(server)
    for method in ("GET", "POST"):
        for sent in (tag, tag.removeprefix("W/"), f'"other", {tag}'):
            unchanged = server.http.request(method, address, headers={"if-none-match": sent})
            assert (unchanged.status_code, unchanged.content) == (304, b"")
            assert unchanged.headers["etag"] == tag
            assert "Accept" in unchanged.headers["vary"].split(", ")
    assert computed(server) == before
    assert cached(server, "unchanged") >= 6
    assert server.http.get(address, headers={"if-none-match": '"other"'}).content == first.content
    flac = server.http.get(address, headers={"if-none-match": tag, "accept": "audio/flac"})
    assert (flac.status_code, flac.headers["content-type"]) == (200, "audio/flac")
    wrong = server.http.get(f"{address}&count=1000", headers={"if-none-match": "*"})
    assert wrong.status_code == 400
    assert "etag" not in wrong.headers


TINY = Contract.model_validate({**contract("tiny", 1), "files": {}, "document": contract("tiny", 1)})
LATENTS = np.zeros((2, LATENT), np.float32)


def test_a_name_tells_all_that_an_answer_depends_on_apart() -> None:
    other = TINY.model_copy(update={"document": {**TINY.document, "files": {"a": "b"}}})
    sounds = [[b"ab", b"c"], [b"a", b"bc"], [b"abc"]]
    requests: list[ModelRequest] = [
        GenerateRequest(seed=1),
        GenerateRequest(seed=1, format="flac"),
        GenerateRequest(seed=1, label="one"),
        GenerateRequest(seed=11),
        GenerateRequest(latents=LATENTS),
        GenerateRequest(latents=LATENTS + 1),
        GenerateRequest(latents=LATENTS.reshape(4, -1)),
        DecodeRequest(features=LATENTS),
        DecodeRequest(features=LATENTS, definition={"n_fft": 512}),
        DecodeRequest(features=LATENTS, definition={"n_fft": 1024}),
        DecodeRequest(picture=b"abc"),
        RenderRequest(midi=b"abc", seed=1, programs={1: 2}),
        RenderRequest(midi=b"abc", seed=1, channels={1: 2}),
        *(InterpolateRequest(sounds=some, seeds=[1, 2]) for some in sounds),
    ]
    names = [
        name_of(operation, model, request, form)
        for request in requests
        for operation in ("generate", "other")
        for model in (TINY, other)
        for form in ("file", "zip")
    ]
    assert None not in names
    assert len(set(names)) == len(names)
    assert name_of("generate", TINY, GenerateRequest(model="tiny", version=1, seed=1), "file") == names[0]
    for drawn in (GenerateRequest(), RenderRequest(midi=b"abc")):
        assert name_of("generate", TINY, drawn, "file") is None


def test_a_label_and_the_newest_version_are_found_before_an_answer_has_its_name(tmp_path: Path) -> None:
    for version in (1, 2):
        folder = tmp_path / "tiny" / str(version)
        folder.mkdir(parents=True)
        describe(folder, contract("tiny", version))
    metrics = Metrics(CollectorRegistry())

    async def scenario(executor: Executor) -> None:
        engines: Any = Engines(lambda _, found: Zeros(found), executor, metrics)
        library = Library(read_versions(tmp_path), engines)
        batcher = Batcher(executor, metrics, max_batch=8, queue_limit=8, engine_calls=1)
        operations = Operations(library, batcher, Settings(models=tmp_path))

        def begin() -> Call:
            return Call(metrics, deadline=time.monotonic() + 60)

        async def named(call: Call, **which: Any) -> str | None:
            return await operations.name_of(call, "generate", GenerateRequest(seed=1, **which), "file")

        await library.load_ahead()
        await library.relabel({"tiny": {"stable": 1}})
        first, second = await named(begin(), version=1), await named(begin(), version=2)
        before = begin()
        assert await named(before, version_label="stable") == first != second
        assert await named(begin()) == second
        await library.relabel({"tiny": {"stable": 2}})
        assert await named(begin(), version_label="stable") == second
        made = await operations.generate(before, GenerateRequest(seed=1, version_label="stable"))
        assert made.contract.version == 1  # as the name says

    with ThreadPoolExecutor(1) as executor:
        asyncio.run(scenario(executor))


def test_what_is_kept_stays_within_its_bytes_and_the_oldest_goes_first() -> None:
    made: list[str] = []
    metrics = Metrics(CollectorRegistry())

    async def scenario() -> None:
        cache = AnswerCache(most=100)

        async def ask(name: str | None, size: int = 40) -> Any:
            async def make() -> bytes:
                made.append(str(name))
                return bytes(size)

            return await cache.get(name, make, len, metrics)

        for name in ("a", "b", "a", "c", "a", "b"):  # b goes for c, then c for b
            assert len(await ask(name)) == 40
            assert cache._held <= 80
        await ask("large", 101)
        await ask("large", 101)
        await ask(None)
        await ask("a")

    asyncio.run(scenario())
    assert made == ["a", "b", "c", "b", "large", "large", "None"]
