"""What is refused is gone with its request: nothing of it waits for the garbage collector."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import grpc
import pytest
from grpc import aio
from prometheus_client import CollectorRegistry
from starlette.requests import Request

from service import boundary
from service.door import Door
from service.errors import Failure, Invalid
from service.generated.latentone.v1 import synthesizer_pb2 as pb
from service.grpc_door import GrpcDoor
from service.grpc_exchange import Exchanges
from service.http_exchange import unless_the_client_leaves
from service.intake import Intake
from service.metrics import Metrics
from service.requests import SampleRequest, parse_request
from service.settings import Settings
from service.tracing import Tracing
from tests.service.conftest import free_port
from tests.service.test_batcher import Engine, items, make
from tests.service.test_intake import LARGE, post

Left = Callable[[type], list[Any]]


@pytest.fixture
def left() -> Iterator[Left]:
    """Return what finds objects of a type that the test has left behind, while nothing is collected: rings stay."""
    gc.collect()
    gc.disable()
    before = gc.get_objects()
    known = {id(found) for found in before}
    yield lambda kind: [found for found in gc.get_objects() if issubclass(type(found), kind) and id(found) not in known]
    gc.enable()


def test_a_failure_ends_with_its_request(left: Left, monkeypatch: pytest.MonkeyPatch) -> None:
    """What keeps a failure keeps by its traceback all that was at hand, such as a body of many megabytes."""
    monkeypatch.setattr(boundary, "MOST_VALUES", 100)
    intake = Intake(4 * LARGE)
    intake.hold().add(5 * LARGE)

    async def failing(scope: Any, receive: Any, send: Any) -> None:
        async def fail() -> None:
            raise Invalid("no")

        await unless_the_client_leaves(Request(scope, receive), fail())

    statuses = [post(intake, b"[" * 101).status_code, post(intake, bytes(LARGE)).status_code]
    statuses += [post(intake, bytes(2**24 + 1)).status_code, post(intake, b"", app=failing).status_code]
    assert statuses == [413, 429, 413, 400]
    assert not left(Failure)


def test_a_field_that_is_refused_is_not_kept_by_its_failure(left: Left) -> None:
    with pytest.raises(Invalid, match="latents"):
        parse_request(SampleRequest, {"latents": {"shape": [2**20], "data": b"abcd"}})
    assert not [error for error in left(ValueError) if "bytes of float32" in str(error)]


def test_a_message_that_is_refused_ends_with_its_call(left: Left) -> None:
    exchanges = Exchanges(Metrics(CollectorRegistry()), 30.0)

    async def unary(request: pb.AnalyseRequest, context: Any) -> None:
        async with exchanges.call(context, "analyse"):
            raise Invalid("no")

    async def stream(request: pb.AnalyseRequest, context: Any) -> Any:
        async with exchanges.call(context, "analyse"):
            yield pb.AnalyseResponse()
            raise Invalid("no")

    methods = {
        "Unary": grpc.unary_unary_rpc_method_handler(unary, pb.AnalyseRequest.FromString),
        "Stream": grpc.unary_stream_rpc_method_handler(
            stream, pb.AnalyseRequest.FromString, pb.AnalyseResponse.SerializeToString
        ),
    }

    async def scenario() -> None:
        door, port = GrpcDoor(Door(Settings()), exchanges, Tracing(), Intake(1)), free_port()
        server = aio.server(interceptors=(door,))
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test", methods),))
        server.add_insecure_port(f"127.0.0.1:{port}")
        await server.start()
        async with aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            with pytest.raises(aio.AioRpcError, match="INVALID_ARGUMENT"):
                await channel.unary_unary("/test/Unary")(b"")
            with pytest.raises(aio.AioRpcError, match="INVALID_ARGUMENT"):
                _ = [part async for part in channel.unary_stream("/test/Stream")(b"")]
        await server.stop(None)

    asyncio.run(scenario())
    assert not left(Failure)
    assert not [frame for frame in left(FrameType) if "given" in frame.f_locals]


@pytest.mark.usefixtures("left")
def test_a_failure_keeps_no_inputs() -> None:
    engine, asked = Engine(poison=1.0), [items(0, 3), items(1, 1)]
    kept = [weakref.ref(inputs["item"]) for inputs in asked]

    async def scenario() -> None:
        batcher = make()
        results = await asyncio.gather(
            *(batcher.run(engine, "generate", asked.pop()) for _ in kept), return_exceptions=True
        )
        assert [str(result) for result in results] == ["poison", "poison"]

    asyncio.run(scenario())
    assert all(ref() is None for ref in kept)
