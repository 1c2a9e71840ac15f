"""The client is light: what it brings along, and when."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import latentone_client
from tests.service.conftest import ROOT

HEAVY = ("tensorflow", "keras", "bentoml", "fastapi", "pydantic", "service", "trainer")


def run(code: str) -> str:
    command = [sys.executable, "-c", f"import sys\n{code}\nprint(*sorted(sys.modules))"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "code",
    [
        "import latentone_client",
        "from latentone_client import Client; Client('http://127.0.0.1:1').close()",
        "from latentone_client import Client; Client('grpc://127.0.0.1:1').close()",
        "from latentone_client.cli.options import make_parser; make_parser()",
    ],
)
def test_nothing_heavy_is_imported(code: str) -> None:
    loaded = set(run(code).split())
    assert "latentone_client" in loaded
    assert not loaded & set(HEAVY)


def test_a_transport_brings_only_its_own_package() -> None:
    over_http = set(run("from latentone_client import Client; Client('http://127.0.0.1:1').close()").split())
    over_grpc = set(run("from latentone_client import Client; Client('grpc://127.0.0.1:1').close()").split())
    assert "httpx" in over_http - over_grpc
    assert "grpc" in over_grpc - over_http


def test_the_package_says_that_it_is_typed() -> None:
    assert (Path(latentone_client.__file__).parent / "py.typed").is_file()


def test_the_words_of_the_package_stand_beside_every_name() -> None:
    for name in latentone_client.__all__:
        assert getattr(latentone_client, name).__doc__, name
