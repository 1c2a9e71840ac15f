"""The service without a web server and without TensorFlow: both transports over an engine that gives zeros at once."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import grpc
import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry

from service.admin import Admin
from service.batcher import Batcher
from service.boundary import Boundary
from service.contract import Contract
from service.door import Door
from service.engines import Engines
from service.folder_watch import FolderWatch
from service.grpc_server import GrpcServer
from service.http_api import make_app
from service.intake import Intake
from service.library import Library
from service.metrics import Metrics
from service.model_folder import examine, read_versions
from service.operations import Operations
from service.settings import Settings
from service.tracing import Tracing
from tests.service.conftest import free_port
from tests.service.tiny_model import KINDS, contract, describe

T = TypeVar("T")


class Zeros:
    """An engine: of everything nothing, in the right shape."""

    def __init__(self, its_contract: Contract) -> None:
        self.contract, self.name = its_contract, its_contract.name

    def run(self, signature: str, inputs: Mapping[str, NDArray[Any]], _deadline: float = math.inf) -> NDArray[Any]:
        """Compute a batch."""
        features, audio = self.contract.features, self.contract.audio
        assert features is not None
        given = next(iter(inputs.values()))
        shape: tuple[int, ...] = audio.clip_shape
        if signature == "sample":
            shape = (features.frames, *features.frame_shape)
        elif signature == "decode":
            shape = (self.contract.samples(given.shape[1]), *audio.clip_shape[1:])
        elif signature == "analyse":
            shape = (given.shape[1] // features.hop_samples, *features.frame_shape)
        return np.zeros((len(given), *shape), np.float32)


class InProcess:
    """The models `notes`, which can do all but vary, on an event loop of its own."""

    def __init__(self, root: Path, **limits: Any) -> None:
        folder = root / "notes" / "1"
        folder.mkdir(parents=True)
        describe(folder, contract("notes", 1, KINDS["notes"]))
        self.port = free_port()
        self.settings = Settings(models=root, grpc_port=self.port, **limits)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.do(self._start())
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.port}")

    async def _start(self) -> None:
        settings, metrics, executor = self.settings, Metrics(CollectorRegistry()), ThreadPoolExecutor(1)
        engines: Any = Engines(lambda _, found: Zeros(found), executor, metrics)
        library = Library(read_versions(settings.models), engines)
        limits = {"max_batch": settings.max_batch, "queue_limit": settings.queue_limit, "engine_calls": 1}
        app, intake = make_app(), Intake(settings.most_held)
        operations = Operations(library, Batcher(executor, metrics, **limits), settings)
        app.state.metrics, app.state.operations = metrics, operations
        await library.load_ahead()
        operations.readiness.open()
        self._app = Boundary(app, body_limit=settings.body_limit, intake=intake)
        door = Door(settings)
        admin = Admin(door, FolderWatch(library, settings.models, examine))
        self._server = GrpcServer(
            operations, metrics, settings, door=door, admin=admin, tracing=Tracing(), intake=intake
        )
        await self._server.start()

    def stop(self) -> None:
        """End."""
        self.channel.close()
        self.do(self._server.stop(0.1))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what a coroutine gives on the loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def post(self, path: str, body: bytes, accept: str = "*/*") -> tuple[int, bytes]:
        """POST, and return status and body."""
        return self.do(self._post(path, body, accept))

    async def _post(self, path: str, body: bytes, accept: str) -> tuple[int, bytes]:
        path, _, query = path.partition("?")
        scope = {
            "type": "http", "http_version": "1.1", "method": "POST", "scheme": "http", "path": path,
            "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
            "headers": [(b"accept", accept.encode()), (b"content-length", b"%d" % len(body))],
        }  # fmt: skip
        messages = iter([{"type": "http.request", "body": body}])
        sent: list[Any] = []
        over = asyncio.Event()

        async def receive() -> Any:
            if message := next(messages, None):
                return message
            await over.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        try:
            await self._app(scope, receive, send)
        finally:
            over.set()
        return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])

    def call(self, method: str, message: bytes) -> grpc.StatusCode:
        """Call a method with bytes, and return the status."""
        try:
            self.channel.unary_unary(method)(message, timeout=30)
        except grpc.RpcError as error:
            code: grpc.StatusCode = error.code()
            return code
        return grpc.StatusCode.OK
