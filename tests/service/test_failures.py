"""Failures that a healthy server does not show: a model that breaks, hangs or gives nonsense. In one process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry

from service.batcher import Batcher
from service.boundary import Boundary
from service.contract import Contract
from service.door import Door
from service.engines import Engines
from service.errors import NotReady
from service.generated.latentone.v1 import synthesizer_pb2 as pb
from service.generated.latentone.v1.synthesizer_pb2_grpc import SynthesizerStub, add_SynthesizerServicer_to_server
from service.grpc_api import Synthesizer
from service.grpc_door import GrpcDoor
from service.grpc_exchange import Exchanges
from service.http_api import make_app
from service.intake import Intake
from service.library import Library
from service.metrics import Metrics
from service.model_folder import read_versions
from service.operations import Operations
from service.settings import Settings
from service.tracing import Tracing
from service.warm_up import warm_up
from tests.service.tiny_model import BANDS, FRAMES, HOP, LATENT, contract, describe

Run = Callable[[], NDArray[np.float32]]
SECRET = "the key under the mat"


class Engine:
    """Does what a test says in place of a model."""

    def __init__(self, folder_contract: Contract, run: Run) -> None:
        self.contract, self.name, self._run = folder_contract, folder_contract.name, run

    def run(self, _signature: str, _inputs: Mapping[str, NDArray[Any]], _deadline: float) -> NDArray[np.float32]:
        """Compute a batch."""
        return self._run()


class Service:
    """The service without a process, over an engine of the test's own."""

    def __init__(self, root: Path, run: Run, **limits: Any) -> None:
        folder = root / "tiny" / "1"
        folder.mkdir(parents=True)
        describe(folder, contract("tiny", 1))
        self.root, self.run, self.limits = root, run, limits

    def post(self, path: str, **options: Any) -> httpx.Response:
        """POST to a fresh service."""
        answer: httpx.Response = asyncio.run(self._in_service(partial(self._post, path, options)))
        return answer

    def call(self, request: pb.GenerateRequest) -> Any:
        """Call Generate of a fresh service."""
        return asyncio.run(self._in_service(partial(self._call, request)))

    async def _post(self, path: str, options: dict[str, Any], operations: Operations, metrics: Metrics) -> Any:
        app = make_app()
        app.state.metrics, app.state.operations = metrics, operations
        limit, most = operations.settings.body_limit, operations.settings.most_held
        guarded = Boundary(app, body_limit=limit, intake=Intake(most))
        transport = httpx.ASGITransport(guarded)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.post(path, **options)

    async def _call(self, request: pb.GenerateRequest, operations: Operations, metrics: Metrics) -> Any:
        settings = operations.settings
        exchanges = Exchanges(metrics, settings.deadline_seconds)
        server = grpc.aio.server(
            interceptors=(GrpcDoor(Door(settings), exchanges, Tracing(), Intake(settings.most_held)),)
        )
        add_SynthesizerServicer_to_server(Synthesizer(operations, exchanges), server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                return await SynthesizerStub(channel).Generate(request)
        finally:
            await server.stop(0)

    async def _in_service(self, ask: Callable[[Operations, Metrics], Awaitable[Any]]) -> Any:
        settings = Settings(models=self.root, **self.limits)
        metrics = Metrics(CollectorRegistry())
        with ThreadPoolExecutor(1) as executor:
            engines: Any = Engines(lambda _, found: Engine(found, self.run), executor, metrics)
            library = Library(read_versions(self.root), engines)
            batcher = Batcher(executor, metrics, max_batch=8, queue_limit=64, engine_calls=1)
            operations = Operations(library, batcher, settings)
            await library.load_ahead()
            operations.readiness.open()
            return await ask(operations, metrics)


@pytest.fixture
def held() -> Iterator[threading.Event]:
    """Return an event that holds an engine until the test is over."""
    event = threading.Event()
    yield event
    event.set()


def test_the_text_of_a_defect_stays_here(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def run() -> NDArray[np.float32]:
        raise ValueError(SECRET)

    answer = Service(tmp_path, run).post("/v1/generate")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert SECRET not in answer.text
    assert SECRET in caplog.text


def test_the_text_of_a_defect_stays_here_over_grpc_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def run() -> NDArray[np.float32]:
        raise ValueError(SECRET)

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        Service(tmp_path, run).call(pb.GenerateRequest())
    assert failed.value.code() is grpc.StatusCode.INTERNAL
    assert SECRET not in str(failed.value)
    assert SECRET in caplog.text


def test_nonsense_from_a_model_is_no_sound(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    answer = Service(tmp_path, lambda: np.full((1, FRAMES * HOP), np.nan, np.float32)).post("/v1/generate")
    assert answer.status_code == 500
    assert "NaN or infinity" in caplog.text


def test_numbers_too_large_for_a_model_are_the_callers(tmp_path: Path) -> None:
    nonsense = Service(tmp_path, lambda: np.full((1, FRAMES * HOP), np.nan, np.float32))
    rows = {"instances": [{"latent": [1e30] * LATENT, "label": 0}]}
    for path, body in (("generate", {"latents": [[1e30] * LATENT]}), ("models/tiny:predict", rows)):
        answer = nonsense.post(f"/v1/{path}", json=body)
        assert answer.status_code == 400
        assert "latent: numbers as large as 1e+30 can't be computed with" in answer.json()["detail"]


def test_a_model_that_gives_too_few_items_is_noticed(tmp_path: Path) -> None:
    few = Service(tmp_path, lambda: np.zeros((1, FRAMES * HOP), np.float32))
    assert few.post("/v1/generate", json={"count": 2}).status_code == 500


def test_time_that_runs_out_is_told(tmp_path: Path, held: threading.Event) -> None:
    def run() -> NDArray[np.float32]:
        held.wait(0.5)
        return np.zeros((1, FRAMES * HOP), np.float32)

    service = Service(tmp_path, run, deadline_seconds=0.1)
    answer = service.post("/v1/generate")
    assert answer.status_code == 504
    assert answer.json()["type"] == "urn:latentone:deadline"
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        service.call(pb.GenerateRequest())  # which names no deadline of its own
    assert failed.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


def test_an_operation_that_the_model_lacks_is_told_with_those_it_has(tmp_path: Path) -> None:
    service = Service(tmp_path, lambda: np.zeros((1, FRAMES * HOP), np.float32))
    described = contract("tiny", 1)
    for name in ("sample", "decode", "analyse"):
        described["signatures"].pop(name)
    describe(tmp_path / "tiny" / "1", described | {"features": None})
    answer = service.post("/v1/decode", json={"features": np.zeros((4, BANDS)).tolist()})
    assert answer.status_code == 400
    assert "can't decode; it can generate" in answer.json()["detail"]
    assert service.post("/v1/generate").status_code == 200


def library(root: Path, load: Callable[[Path, Contract], Any], **options: Any) -> Library:
    return Library(read_versions(root), Engines(load, ThreadPoolExecutor(1), Metrics(CollectorRegistry()), **options))


def test_a_load_that_someone_gives_up_on_goes_on_for_others(tmp_path: Path, held: threading.Event) -> None:
    loads: list[Path] = []

    def run() -> NDArray[np.float32]:
        return np.zeros(1, np.float32)

    def load(folder: Path, found: Contract) -> Engine:
        loads.append(folder)
        held.wait(5)
        return Engine(found, run)

    Service(tmp_path, run)

    async def scenario() -> None:
        models = library(tmp_path, load)
        first, second = asyncio.create_task(models.get()), asyncio.create_task(models.get())
        await asyncio.sleep(0.05)
        first.cancel()
        held.set()
        assert await second is await models.get()

    asyncio.run(scenario())
    assert len(loads) == 1


def test_a_model_that_fails_at_its_first_request_is_not_served(tmp_path: Path) -> None:
    def run() -> NDArray[np.float32]:
        raise ValueError(SECRET)

    Service(tmp_path, run)
    metrics = Metrics(CollectorRegistry())

    async def scenario() -> None:
        first_run = partial(
            warm_up, metrics=metrics, settings=Settings(models=tmp_path), executor=ThreadPoolExecutor(1)
        )
        models = library(tmp_path, lambda _, found: Engine(found, run), warm_up=first_run)
        await models.load_ahead()
        assert not models.can_serve()
        assert models.troubles() == ["model 'tiny' version 1: the warm-up failed; the log has the details"]
        with pytest.raises(NotReady):
            await models.get()

    asyncio.run(scenario())


def test_a_load_that_fails_is_told_without_its_text(tmp_path: Path) -> None:
    def load(folder: Path, _: Contract) -> Any:
        raise OSError(SECRET)

    Service(tmp_path, lambda: np.zeros(1, np.float32))

    async def scenario() -> None:
        models = library(tmp_path, load)
        for _ in range(2):
            with pytest.raises(NotReady) as refused:
                await models.get()
            assert SECRET not in refused.value.detail
        assert SECRET not in "".join(models.troubles())

    asyncio.run(scenario())
