"""A service that computes, and one before it as a fleet's front, which knows more versions than can be served."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.contract import PLACE
from tests.service.conftest import ROOT, Server

BROKEN = "2"  # version of digits
MODEL = ROOT / "models" / "digits" / "1"


@pytest.fixture(scope="session")
def computing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a ready service of the bundled digits with a short queue."""
    folder = tmp_path_factory.mktemp("models")
    shutil.copytree(MODEL, folder / "digits" / "1")
    limits = {"queue_limit": 8, "max_count": 8, "max_batch": 1, "engine_calls": 1, "lame_duck_seconds": 0}
    started = Server(folder, tmp_path_factory.mktemp("log") / "computing.log", **limits)
    yield started.wait_until_ready()
    started.stop()


@pytest.fixture(scope="session")
def contracts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of contracts: digits, a broken version of it, and ghost, which no fleet serves."""
    folder = tmp_path_factory.mktemp("contracts")
    contract = json.loads((MODEL / PLACE).read_text())
    for model, version, written in (
        ("digits", "1", contract),
        ("digits", BROKEN, {"contract": 99}),
        ("ghost", "1", contract | {"name": "ghost"}),
    ):
        place = folder / model / version / PLACE
        place.parent.mkdir(parents=True)
        place.write_text(json.dumps(written))
    return folder


@pytest.fixture(scope="session")
def front(computing: Server, contracts: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a ready service that has the other one compute and keeps answers."""
    settings = {"cache_mb": 10, "models_poll_seconds": 0.2, "default_model": "digits", "lame_duck_seconds": 0}
    log = tmp_path_factory.mktemp("log") / "front.log"
    started = Server(contracts, log, backend=f"grpc://{computing.target}", **settings)
    yield started.wait_until_ready()
    started.stop()
