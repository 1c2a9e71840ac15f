"""The BentoML service: HTTP and gRPC in one worker, over one engine and one batcher. Wires everything."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import bentoml
import numpy as np

from service import docs, griffin_lim, http_connection, loading, logs
from service.admin import Admin
from service.admin_port import AdminPort
from service.batcher import Batcher
from service.budget import MB, Budget
from service.door import Door
from service.engines import Engines
from service.entry import Entry
from service.fleet import Fleet
from service.folder_watch import FolderWatch
from service.grpc_server import GrpcServer
from service.http_api import make_app
from service.http_exchange import refusal
from service.http_layers import layers
from service.intake import Intake
from service.library import Library
from service.lifecycle import Lifecycle
from service.metrics import Metrics
from service.model_folder import examine, read_versions
from service.operations import Operations
from service.requests import DecodeRequest, GenerateRequest, ModelRequest, SampleRequest, parse_request
from service.settings import load_settings
from service.signing import read_trusted
from service.tracing import Tracing
from service.warm_up import warm_up

# What NDArray stands for, spelt out: as an alias it has a form since Python 3.12 that BentoML does not know.
Floats = np.ndarray[Any, np.dtype[np.float32]]

WEB_SERVER_SPARE_S = 10.0  # our own deadline answers first, and in the right form

settings = load_settings()
door = Door(settings)
trusted = read_trusted(settings)
tracing = Tracing()
intake = Intake(settings.most_held)
http_connection.use(stream_s=settings.deadline_seconds + WEB_SERVER_SPARE_S)
app = make_app(with_metrics=not settings.admin_port)
KINDS: dict[str, type[ModelRequest]] = {
    "generate": GenerateRequest,
    "sample": SampleRequest,
    "decode": DecodeRequest,
}
FLEET_CALLS = 16  # at a time, where the settings don't say


@bentoml.service(
    name="latentone",
    workers=settings.workers,
    http={"host": settings.host, "port": settings.http_port},
    traffic={"timeout": settings.deadline_seconds + WEB_SERVER_SPARE_S},
    # BentoML labels its own metrics with raw paths, of which clients can make any number.
    metrics={"enabled": False},
    tracing={"excluded_urls": [".*"]},  # BentoML's spans, a quarter of HTTP's own time; ours tell more
    logging={"access": {"enabled": False}},  # ours tells gRPC's requests too
)
@bentoml.asgi_app(app)
class Synthesis:
    """Audio from latents and from spectrogram features."""

    def __init__(self) -> None:
        logs.set_up(settings)
        tracing.start()
        metrics = Metrics()
        metrics.forget_the_dead()

        address = settings.fleet
        self.fleet = Fleet(address, lambda code: metrics.fleet_failures.labels(code).inc()) if address else None
        library = self._library(metrics)
        check = partial(examine, trusted=trusted, contract_alone=self.fleet is not None)
        self.watch = FolderWatch(library, settings.models, check)
        engine_calls = settings.engine_calls or (FLEET_CALLS if self.fleet else len(os.sched_getaffinity(0)))
        batcher = Batcher(
            ThreadPoolExecutor(engine_calls, "engine"),
            metrics,
            max_batch=settings.max_batch,
            queue_limit=settings.queue_limit,
            queue_bytes=settings.most_held,
            engine_calls=engine_calls,
        )
        self.metrics = metrics
        self.operations = Operations(library, batcher, settings)
        self.admin = Admin(door, self.watch)
        app.state.operations, app.state.metrics, app.state.admin = self.operations, metrics, self.admin

    def _library(self, metrics: Metrics) -> Library:
        loader = ThreadPoolExecutor(1, "loader")
        if self.fleet:
            engines = Engines(loading.from_fleet(settings, self.fleet), loader, metrics)
        else:
            engines = Engines(
                loading.from_disk(settings),
                loader,
                metrics,
                warm_up=partial(warm_up, metrics=metrics, settings=settings, executor=loader),
                budget=Budget(settings.memory_budget_mb * MB),
            )
        own = Entry(
            griffin_lim.NAME,
            griffin_lim.VERSION,
            griffin_lim.FOLDER,
            griffin_lim.CONTRACT,
            built_in=True,
            lazy=self.fleet is not None,  # it would bring TensorFlow, which nothing else here needs
        )
        return Library(
            [*read_versions(settings.models, trusted, without=(own.name,)), own],
            engines,
            default=settings.default_model,
            policy=settings.load,
            idle_s=settings.deadline_seconds,
        )

    @bentoml.on_startup
    async def start(self) -> None:
        """Listen for gRPC, and load the models while /livez answers."""
        server = GrpcServer(
            self.operations, self.metrics, settings, door=door, admin=self.admin, tracing=tracing, intake=intake
        )
        is_first = bentoml.server_context.worker_index in (None, 1)
        self.lifecycle = Lifecycle(
            self.operations, self.watch, server, self.metrics, settings, fleet=self.fleet, is_first=is_first
        )
        self.admin_port = AdminPort(self.operations.readiness, settings, door, intake, app.state)
        await self.lifecycle.start()
        await self.admin_port.start()  # shared as the other ports are: who has not loaded must not answer there either

    @bentoml.on_shutdown
    async def stop(self) -> None:
        """Let accepted requests end."""
        await self.lifecycle.stop()
        await self.admin_port.stop()
        if self.fleet is not None:
            self.fleet.close()
        tracing.stop()

    async def __is_ready__(self) -> bool:
        self.operations.readiness.require_ready()
        return True

    @bentoml.api
    async def generate(  # noqa: PLR0917 - BentoML reads the body's fields from them
        self,
        model: str = "",
        version: int = 0,
        version_label: str = "",
        seed: int | None = None,
        count: int | None = None,
        label: str = "",
        pitch: float | None = None,
    ) -> Floats:
        """Latents from a seed to audio, float32 [count, samples(, channels)]."""
        which = {"model": model, "version": version, "version_label": version_label}
        fields = {**which, "seed": seed, "count": count, "label": label, "pitch": pitch}
        answer: Floats = await self._answer("generate", fields)
        return answer

    @bentoml.api
    async def sample(  # noqa: PLR0917 - BentoML reads the body's fields from them
        self,
        model: str = "",
        version: int = 0,
        version_label: str = "",
        seed: int | None = None,
        count: int | None = None,
        label: str = "",
        pitch: float | None = None,
    ) -> Floats:
        """Latents from a seed to features, float32 [count, frames, bands(, channels)]."""
        which = {"model": model, "version": version, "version_label": version_label}
        fields = {**which, "seed": seed, "count": count, "label": label, "pitch": pitch}
        answer: Floats = await self._answer("sample", fields)
        return answer

    @bentoml.api
    async def decode(self, features: Floats, model: str = "", version: int = 0, version_label: str = "") -> Floats:
        """Features, float32 [count, frames, bands(, channels)], to audio, float32 [count, samples(, channels)]."""
        which = {"model": model, "version": version, "version_label": version_label}
        fields = {**which, "features": features}
        answer: Floats = await self._answer("decode", fields)
        return answer

    async def _answer(self, operation: str, fields: dict[str, Any]) -> Any:
        """Return the array, or the answer to a request that failed."""
        operations = self.operations
        with self.metrics.call("http", operation, seconds=settings.deadline_seconds) as call:
            try:
                operations.readiness.require_serving()
                given = {name: value for name, value in fields.items() if value is not None}
                wanted = parse_request(KINDS[operation], given)
                made = await getattr(operations, operation)(call, wanted)
            except Exception as error:
                answer = refusal(error, f"/{operation}", self.metrics)
                call.code = str(answer.status_code)
                return answer
            call.code = "200"
            return made.values


synthesis: Any = Synthesis  # what the decorators made of the class
for layer in layers(settings, door, tracing, intake, app.state):
    synthesis.add_asgi_middleware(layer.cls, **layer.kwargs)
app.state.openapi = lambda: docs.described(synthesis.openapi_spec.asdict())
