"""How much of requests a worker takes in at a time: bytes, values of JSON, numbers of an array."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
from grpc import aio
from prometheus_client import CollectorRegistry
from starlette.requests import Request
from starlette.responses import Response

from service import boundary
from service.batcher import Batcher
from service.boundary import Boundary
from service.door import Door
from service.errors import Busy
from service.generated.latentone.v1 import synthesizer_pb2 as pb
from service.grpc_door import GrpcDoor
from service.grpc_exchange import Exchanges
from service.intake import ORDINARY, Intake
from service.metrics import Metrics
from service.npy import MOST_VALUES as MOST_NUMBERS
from service.npy import NpyError, read_npy
from service.settings import Settings
from service.tracing import Tracing
from tests.service.conftest import free_port
from tests.service.test_batcher import Engine, Silent, items, make, turns

LARGE = ORDINARY + 1


def test_what_is_held_keeps_large_requests_out_and_later_small_ones_too() -> None:
    intake = Intake(10 * LARGE)
    first = intake.hold()
    first.take(30 * LARGE)  # alone: there is nobody it could wait for
    for size in (LARGE, 1):
        refused = intake.hold()
        with pytest.raises(Busy) as busy:
            refused.take(size)
        assert busy.value.retry_after_s == 1
        refused.release()
    first.release()
    intake.hold().add(15 * LARGE)
    with pytest.raises(Busy):
        intake.hold().take(LARGE)
    intake = Intake(10 * LARGE)
    intake.hold().add(15 * LARGE)
    small = intake.hold()
    small.take(ORDINARY)
    small.release()
    assert intake.held == 15 * LARGE


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer with what came."""
    await Response(await Request(scope, receive).body())(scope, receive, send)


def post(intake: Intake, content: Any, path: str = "/", app: Any = echo) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(Boundary(app, body_limit=2**24, intake=intake))
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.post(path, content=content)

    return asyncio.run(ask())


def test_a_body_is_held_until_its_answer_is_out() -> None:
    intake = Intake(4 * LARGE)
    for size in (0, 1, boundary.PIECE, boundary.PIECE + 1, 5 * boundary.PIECE, 2**20 + 7):
        body = np.random.default_rng(size).bytes(size)
        assert post(intake, body).content == body
        assert intake.held == 0
    intake.hold().add(5 * LARGE)
    refused = post(intake, bytes(LARGE))
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "1"
    assert post(intake, b"small").content == b"small"
    assert intake.held == 5 * LARGE


def test_of_a_stream_the_piece_in_hand_is_held_alone() -> None:
    intake, seen = Intake(4 * LARGE), []

    async def passing_on(scope: Any, receive: Any, send: Any) -> None:
        more = True
        while more:
            message = await receive()
            if not seen:
                await send({"type": "http.response.start", "status": 200, "headers": []})
            seen.append(intake.held)
            more = message["more_body"]
            await send({"type": "http.response.body", "body": message["body"], "more_body": more})

    async def pieces() -> Any:
        for number in range(40):
            yield bytes([number]) * LARGE

    answer = post(intake, pieces(), "/v1/decode_stream", passing_on)
    assert answer.content == b"".join(bytes([number]) * LARGE for number in range(40))
    assert max(seen) == LARGE
    assert intake.held == 0
    intake.hold().add(5 * LARGE)
    assert post(intake, pieces(), "/v1/decode_stream", passing_on).status_code == 429


def test_a_stream_that_has_begun_waits_for_room() -> None:
    async def scenario() -> None:
        intake = Intake(LARGE)
        other, stream = intake.hold(), intake.hold()
        other.take(3 * LARGE)
        waiting = asyncio.create_task(stream.wait(LARGE))
        await turns()
        assert not waiting.done()
        other.release()
        await waiting
        assert intake.held == LARGE

    asyncio.run(scenario())


def test_json_of_too_many_values_is_refused_however_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boundary, "MOST_VALUES", 100)
    intake = Intake(2**24)

    async def in_pieces(body: bytes) -> Any:
        for byte in body:
            yield bytes([byte])

    for text in (b'{"a": [' + b"1," * 100 + b"1]}", b" \n[" + b"[]," * 60 + b"1]", b'{"a":' * 101):
        for content in (text, in_pieces(text)):
            refused = post(intake, content)
            assert refused.status_code == 413
            assert "JSON of more than 100 values; send arrays as .npy" in refused.json()["detail"]
    for text in (json.dumps([1.5] * 90).encode(), b"," * 1000, b"\x93NUMPY" + b"," * 1000):
        assert post(intake, text).content == text
    assert intake.held == 0


def test_an_array_of_too_many_numbers_is_refused_before_they_are_made() -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(MOST_NUMBERS + 1, np.uint8))
    with pytest.raises(NpyError, match="at most 8388608 can be taken"):
        read_npy(buffer.getvalue())


def test_the_queue_takes_so_many_bytes_only() -> None:
    engine = Engine(held=True)

    async def scenario() -> None:
        batcher = Batcher(
            make()._executor, Silent(), max_batch=4, queue_limit=100, engine_calls=1, queue_bytes=4 * 10 * 4
        )
        running = [asyncio.create_task(batcher.run(engine, "generate", items(0, 10))) for _ in range(4)]
        await turns()
        with pytest.raises(Busy):
            await batcher.run(engine, "generate", items(0, 1))
        running.pop().cancel()
        await turns()
        running.append(asyncio.create_task(batcher.run(engine, "generate", items(0, 10))))
        await turns()
        engine.go.set()
        await asyncio.gather(*running)
        await batcher.run(engine, "generate", items(0, 40))

    asyncio.run(scenario())


class Held:
    """Methods that answer when they may."""

    def __init__(self) -> None:
        self.go, self.asked = asyncio.Event(), (asyncio.Event(), asyncio.Event())

    async def unary(self, request: pb.AnalyseRequest, context: Any) -> pb.AnalyseResponse:
        """Answer once."""
        self.asked[0].set()
        await self.go.wait()
        return pb.AnalyseResponse(model=str(len(request.audio)))

    async def stream(self, request: pb.AnalyseRequest, context: Any) -> Any:
        """Answer twice."""
        self.asked[1].set()
        for _ in range(2):
            await self.go.wait()
            yield pb.AnalyseResponse(model=str(len(request.audio)))

    async def sum(self, requests: Any, context: Any) -> pb.AnalyseResponse:
        """Answer a stream."""
        return pb.AnalyseResponse(model=str(sum([len(request.audio) async for request in requests])))

    def handlers(self) -> Any:
        """Return them as gRPC has them."""
        kinds = {
            "request_deserializer": pb.AnalyseRequest.FromString,
            "response_serializer": pb.AnalyseResponse.SerializeToString,
        }
        methods = {
            "Sum": grpc.stream_unary_rpc_method_handler(self.sum, **kinds),
            "Unary": grpc.unary_unary_rpc_method_handler(self.unary, **kinds),
            "Stream": grpc.unary_stream_rpc_method_handler(self.stream, **kinds),
        }
        return grpc.method_handlers_generic_handler("test", methods)


def test_a_message_is_held_until_its_call_ends() -> None:
    metrics = Metrics(CollectorRegistry())

    async def scenario() -> None:
        intake, held, port = Intake(2 * LARGE + 100), Held(), free_port()
        door = GrpcDoor(Door(Settings()), Exchanges(metrics, 30.0), Tracing(), intake)
        server = aio.server(interceptors=(door,))
        server.add_generic_rpc_handlers((held.handlers(),))
        server.add_insecure_port(f"127.0.0.1:{port}")
        await server.start()
        async with aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            ask = channel.unary_unary("/test/Unary", pb.AnalyseRequest.SerializeToString, pb.AnalyseResponse.FromString)
            listen = channel.unary_stream(
                "/test/Stream", pb.AnalyseRequest.SerializeToString, pb.AnalyseResponse.FromString
            )
            large = pb.AnalyseRequest(audio=bytes(LARGE))
            first, second = ask(large), listen(large)
            await asyncio.gather(held.asked[0].wait(), held.asked[1].wait())
            with pytest.raises(aio.AioRpcError) as refused:
                await ask(large)
            assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
            assert dict(refused.value.trailing_metadata())["retry-after"] == "1"
            held.go.set()
            assert (await first).model == str(LARGE)
            assert [message.model async for message in second] == [str(LARGE)] * 2
            assert (await ask(large)).model == str(LARGE)
            add_up = channel.stream_unary(
                "/test/Sum", pb.AnalyseRequest.SerializeToString, pb.AnalyseResponse.FromString
            )
            beside = intake.hold()
            beside.take(LARGE)  # so that there is room for one of them
            assert (await add_up([large] * 10)).model == str(10 * LARGE)
            beside.release()
            assert intake.held == 0
        await server.stop(None)

    asyncio.run(scenario())
