"""Real services, and every way to call one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from latentone_client import AsyncClient, Client, Failure, Retries
from tests.service.conftest import ROOT, Server, write_models

NEVER = Retries(most=0)
SCHEMES = ("http", "grpc")
WAYS = [(scheme, manner) for scheme in SCHEMES for manner in ("sync", "async")]

Call = Callable[..., Any]  # (method, *arguments, **arguments of the client or the method) -> answer


def address(server: Server, scheme: str) -> str:
    """Return where a service is, for a client."""
    return server.url if scheme == "http" else f"grpc://{server.target}"


def call(url: str, manner: str, method: str, *args: Any, client: dict[str, Any] | None = None, **kwargs: Any) -> Any:
    """Call one method of a client of its own."""
    if manner == "sync":
        with Client(url, **(client or {})) as made:
            return getattr(made, method)(*args, **kwargs)

    async def calling() -> Any:
        async with AsyncClient(url, **(client or {})) as made:
            return await getattr(made, method)(*args, **kwargs)

    return asyncio.run(calling())


@pytest.fixture(scope="session")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a ready service of the bundled models."""
    log = tmp_path_factory.mktemp("log") / "bundled.log"
    started = Server(ROOT / "models", log, default_model="digits", lame_duck_seconds=0)
    yield started.wait_until_ready()
    started.stop()


@pytest.fixture(scope="session")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a ready service of small models (tiny, slow, broken, wide and so on) with narrow limits."""
    models = write_models(write_models(tmp_path_factory.mktemp("models")), "kinds")
    shutil.copytree(models / "tiny" / "1", models / "broken" / "1")
    place = models / "broken" / "1" / "assets.extra" / "contract.json"
    place.write_text(json.dumps({**json.loads(place.read_text()), "name": "broken", "contract": 99}))
    log = tmp_path_factory.mktemp("log") / "narrow.log"
    started = Server(
        models,
        log,
        default_model="tiny",
        max_count=4,
        queue_limit=4,
        max_batch=1,
        engine_calls=1,
        max_seconds=2,
        body_limit=2**20,
        lame_duck_seconds=0,
    )
    yield started.wait_until_ready()
    started.stop()


@pytest.fixture(params=WAYS, ids="-".join)
def way(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Return a transport and a manner, each pair of them."""
    pair: tuple[str, str] = request.param
    return pair


@pytest.fixture
def ask(bundled: Server, way: tuple[str, str]) -> Call:
    """Return what calls a method on the bundled models."""
    scheme, manner = way
    return lambda method, *args, **kwargs: call(address(bundled, scheme), manner, method, *args, **kwargs)


@pytest.fixture
def ask_narrow(narrow: Server, way: tuple[str, str]) -> Call:
    """Return what calls a method on the service with narrow limits, and never twice."""
    scheme, manner = way
    client = {"retries": NEVER}
    return lambda method, *args, **kwargs: call(
        address(narrow, scheme), manner, method, *args, **{"client": client, **kwargs}
    )


@contextlib.contextmanager
def loaded(url: str) -> Iterator[None]:
    """Keep a call of the slow model under way, which fills the queue of the narrow service until it is done."""
    ends = threading.Event()

    def work() -> None:
        with Client(url, retries=Retries(most=1000, longest_s=0.01)) as client:
            while not ends.is_set():
                with contextlib.suppress(Failure):  # a machine may be too slow for it
                    client.generate(model="slow", count=4)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join()
