"""Prometheus metrics, and the timing of a call: one context manager around it, one around each stage."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

from service import access
from service.tracing import Trace

Transport = Literal["http", "grpc"]
Stage = Literal["queue", "generate", "sample", "decode", "analyse", "parse", "mix", "encode", "encoder", "classify"]

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
ITEMS = (1, 2, 4, 8, 16, 32, 64, 128)
UNKNOWN = "unknown"  # the label of a model that is not there: what clients type must not become a label
FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # where the workers of one service share their numbers
SERVING = "serving"  # the file in it that says that a worker has begun to
FILES, RESERVED = ("counter", "histogram", "gauge_livesum", "gauge_livemax"), 2**22  # of each worker; bytes of each


def exposition() -> tuple[bytes, str]:
    """Return the metrics of all workers in Prometheus' text form, and its media type."""
    if FOLDER not in os.environ:
        return generate_latest(REGISTRY), CONTENT_TYPE_LATEST
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry), CONTENT_TYPE_LATEST


def reserve(folder: Path) -> None:
    """Have the disk hold a worker's numbers from the start.

    They lie in files that are mapped into memory and would begin as holes: writing into a hole of a disk that is full
    ends the process. Raises: OSError where the disk is full already.
    """
    for name in FILES:
        with (folder / f"{name}_{os.getpid()}.db").open("ab") as file:
            os.posix_fallocate(file.fileno(), 0, RESERVED)


class Metrics:
    """Every metric of the service.

    Made in a worker's start, never at import: that is when the folder through which workers share their
    numbers is known. Gauges say how workers are joined.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        if FOLDER in os.environ:
            reserve(Path(os.environ[FOLDER]))

        def histogram(name: str, text: str, labels: tuple[str, ...], buckets: tuple[float, ...] = SECONDS) -> Histogram:
            return Histogram(f"latentone_{name}", text, labels, buckets=buckets, registry=registry)

        def gauge(
            name: str,
            text: str,
            labels: tuple[str, ...] = (),
            mode: Literal["livesum", "livemax"] = "livesum",
        ) -> Gauge:
            return Gauge(f"latentone_{name}", text, labels, multiprocess_mode=mode, registry=registry)

        self.request_duration = histogram(
            "request_duration_seconds",
            "time from a parsed request to its answer",
            ("transport", "operation", "model", "code"),
        )
        self.stage_duration = histogram("stage_duration_seconds", "time of one stage of a request", ("stage", "model"))
        self.batch_size = histogram("batch_size", "items computed together", ("model",), ITEMS)
        self.batch_duration = histogram(
            "batch_duration_seconds", "time that a model computes a batch", ("model", "signature")
        )
        self.queue_depth = gauge("queue_depth", "items that wait for the model")
        self.in_flight = gauge("in_flight", "requests that are being answered")
        self.ready = gauge("ready", "workers that want requests")
        self.audio_seconds = Counter("latentone_audio_seconds", "sound made, seconds", ("model",), registry=registry)
        self.model_loaded = gauge("model_loaded", "1 for each version that is loaded", ("model", "version"), "livemax")
        self.model_failed = gauge(
            "model_failed", "1 for each version that can't be served", ("model", "version"), "livemax"
        )
        self.models_refused = Counter(
            "latentone_models_refused", "versions of models that could not be served", ("model",), registry=registry
        )
        self.fleet_failures = Counter(
            "latentone_fleet_failures", "calls that the fleet failed, by its code", ("code",), registry=registry
        )
        self.cache_requests = Counter(
            "latentone_cache_requests",
            "answers asked of the cache: hit or miss; unchanged: the client had it",
            ("result",),
            registry=registry,
        )
        self.cache_bytes = gauge("cache_bytes", "bytes of answers that are kept")
        self.rejected = Counter("latentone_rejected", "requests refused, by kind", ("reason",), registry=registry)

    def forget_worker(self, pid: int) -> None:
        """Take a worker that has ended out of the gauges."""
        if FOLDER in os.environ:
            multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]

    def forget_the_dead(self) -> None:
        """Take workers that ended without a word out of the gauges."""
        for file in Path(os.environ.get(FOLDER, os.devnull)).glob("gauge_live*_*.db"):
            pid = int(file.stem.rsplit("_", 1)[1])
            if not Path(f"/proc/{pid}").exists():
                self.forget_worker(pid)

    def serves(self) -> None:
        """Note that a worker of this service has begun to serve."""
        if FOLDER in os.environ:
            with suppress(OSError):  # of a full disk
                (Path(os.environ[FOLDER]) / SERVING).touch()

    def has_served(self) -> bool:
        """Whether one has."""
        return FOLDER in os.environ and (Path(os.environ[FOLDER]) / SERVING).exists()

    def batch(self, model: str, items: int) -> None:
        """Note a batch that begins."""
        self.batch_size.labels(model).observe(items)

    def computed(self, model: str, signature: str, seconds: float) -> None:
        """Note how long a batch took."""
        self.batch_duration.labels(model, signature).observe(seconds)

    def waiting(self, items: int) -> None:
        """Note how many items wait."""
        self.queue_depth.set(items)

    def loaded(self, model: str, version: int, change: int) -> None:
        """Note a version that was loaded (1) or has ended (-1)."""
        self.model_loaded.labels(model, str(version)).inc(change)

    def refused(self, model: str, version: int) -> None:
        """Note a version that can't be served."""
        self.models_refused.labels(model).inc()
        self.model_failed.labels(model, str(version)).set(1)

    def forgotten(self, model: str, version: int) -> None:
        """Note that a version which could not be served has gone, or is tried again."""
        self.model_failed.labels(model, str(version)).set(0)

    def cached(self, result: str, held: int) -> None:
        """Note what the cache had for a request, and how many bytes it keeps."""
        self.cache_requests.labels(result).inc()
        self.cache_bytes.set(held)

    @contextmanager
    def call(self, transport: Transport, operation: str, *, seconds: float) -> Iterator[Call]:
        """Measure one request.

        `seconds` is the time it may take; the transport sets the call's code at the end.
        """
        request = access.current.get()
        call = Call(self, deadline=time.monotonic() + seconds, trace=request.trace if request else None)
        self.in_flight.inc()
        try:
            yield call
        finally:
            self.in_flight.dec()
            self.request_duration.labels(transport, operation, call.model, call.code).observe(call.elapsed())
            if request:
                request.operation, request.model, request.stages = operation, call.model, call.stages


@dataclass
class Call:
    """One request on its way: its deadline (on time.monotonic), its model once known, the time of its stages."""

    metrics: Metrics
    deadline: float
    model: str = UNKNOWN
    code: str = UNKNOWN
    started: float = field(default_factory=time.monotonic)
    stages: dict[str, float] = field(default_factory=dict)
    trace: Trace | None = None
    engine: Any = None  # of the version that it means, once found: it does not change while the call lasts

    @contextmanager
    def stage(self, stage: Stage) -> Iterator[None]:
        """Measure a stage of the call."""
        start = time.monotonic()
        try:
            yield
        finally:
            self.took(stage, time.monotonic() - start)

    def took(self, stage: Stage | str, seconds: float, *, ended: float | None = None) -> None:
        """Note a stage that was measured elsewhere.

        stage: of Stage, or a signature without another name there. ended: on time.monotonic; now, where not given.
        """
        self.stages[stage] = self.stages.get(stage, 0.0) + seconds
        self.metrics.stage_duration.labels(stage, self.model).observe(seconds)
        if self.trace:
            self.trace.stage(stage, time.monotonic() if ended is None else ended, seconds)

    def renew(self, seconds: float) -> None:
        """Begin a step of a stream, which may take so many seconds from now."""
        self.deadline = time.monotonic() + seconds

    def elapsed(self) -> float:
        """Return the seconds since the request was taken."""
        return time.monotonic() - self.started

    def server_timing(self) -> str:
        """Return the stages as a Server-Timing header has them, in milliseconds."""
        parts = [f"{stage};dur={seconds * 1000:.2f}" for stage, seconds in self.stages.items()]
        return ", ".join([*parts, f"total;dur={self.elapsed() * 1000:.2f}"])
