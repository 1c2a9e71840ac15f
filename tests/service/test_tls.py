"""TLS and mutual TLS of gRPC in a real server, and files that can't be right.

The certificates were made with openssl for 127.0.0.1 and a hundred years; the keys of those who signed are gone.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from latentone_client import AsyncClient, Client, Invalid, Retries, Unavailable
from service.settings import Settings, SettingsError, load_settings
from service.tls import read_tls
from tests.service.conftest import ROOT, Server

FOLDER = Path(__file__).parent / "certificates"
CA, OTHER_CA, CERTIFICATE, KEY, CLIENT, STRANGER = (
    FOLDER / f"{name}.pem" for name in ("ca", "other-ca", "server", "server-key", "client", "stranger")
)
FILES: dict[str, Any] = {"grpc_certificate": CERTIFICATE, "grpc_certificate_key": KEY}
NEVER = Retries(most=0)


@pytest.fixture(scope="module")
def mutual(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a service whose gRPC clients need a certificate."""
    log = tmp_path_factory.mktemp("log") / "tls.log"
    started = Server(models, log, default_model="tiny", lame_duck_seconds=0, grpc_client_ca=CA, **FILES)
    yield started.wait_until_ready()
    started.stop()


def test_a_client_with_a_certificate_is_answered(mutual: Server) -> None:
    url = f"grpcs://{mutual.target}"
    with Client(url, ca=CA, certificate=CLIENT) as client:
        assert client.generate(seed=1).model == "tiny"

    async def ask() -> str:
        async with AsyncClient(url, ca=CA, certificate=CLIENT) as client:
            return (await client.generate(seed=1)).model

    assert asyncio.run(ask()) == "tiny"
    command = [sys.executable, "-m", "latentone_client", "models", "--url", url]
    command += ["--ca", str(CA), "--certificate", str(CLIENT)]
    assert "tiny" in subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("files", [
    {"ca": CA},
    {"ca": CA, "certificate": STRANGER},
    {"ca": OTHER_CA, "certificate": CLIENT},
    {"certificate": CLIENT},
])  # fmt: skip
def test_who_lacks_a_certificate_or_trusts_another_is_not(mutual: Server, files: dict[str, Path]) -> None:
    with Client(f"grpcs://{mutual.target}", retries=NEVER, timeout_s=10, **files) as client:
        with pytest.raises(Unavailable) as refused:
            client.models()
        assert "grpcs://" in refused.value.detail
        assert "\n" not in refused.value.detail


def test_plain_text_is_not_answered(mutual: Server) -> None:
    with Client(f"grpc://{mutual.target}", retries=NEVER, timeout_s=10) as client, pytest.raises(Unavailable):
        client.models()


def test_without_a_client_ca_the_service_alone_shows_a_certificate() -> None:
    tls = read_tls(Settings(**FILES))
    assert tls is not None
    assert tls.client_ca is None
    assert read_tls(Settings()) is None


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"grpc_certificate": FOLDER / "gone"}, "GRPC_CERTIFICATE"),
        ({"grpc_certificate": FOLDER}, "GRPC_CERTIFICATE"),
        ({"grpc_certificate": KEY}, "GRPC_CERTIFICATE"),
        ({"grpc_certificate": Path(__file__)}, "GRPC_CERTIFICATE"),
        ({"grpc_certificate_key": FOLDER / "gone"}, "GRPC_CERTIFICATE_KEY"),
        ({"grpc_certificate_key": CERTIFICATE}, "GRPC_CERTIFICATE_KEY"),
        ({"grpc_certificate_key": CLIENT}, "GRPC_CERTIFICATE_KEY"),
        ({"grpc_client_ca": FOLDER / "gone"}, "GRPC_CLIENT_CA"),
        ({"grpc_client_ca": KEY}, "GRPC_CLIENT_CA"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_named(changes: dict[str, Path], name: str) -> None:
    (path,) = changes.values()
    with pytest.raises(SettingsError, match=f"LATENTONE_{name}={path}: ") as refused:
        read_tls(Settings(**FILES | changes))
    assert "PRIVATE KEY" not in str(refused.value)


def test_a_service_does_not_start_in_plain_text_because_a_file_is_missing(models: Path) -> None:
    files = {"LATENTONE_GRPC_CERTIFICATE": "gone.pem", "LATENTONE_GRPC_CERTIFICATE_KEY": str(KEY)}
    environment = {**os.environ, "LATENTONE_MODELS": str(models), **files}
    command = [sys.executable, "-m", "service"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert ended.stderr.startswith("LATENTONE_GRPC_CERTIFICATE=gone.pem: No such file")


def test_settings_that_make_no_whole_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENTONE_GRPC_CLIENT_CA", str(CA))
    with pytest.raises(SettingsError, match="needs LATENTONE_GRPC_CERTIFICATE too"):
        load_settings()
    monkeypatch.setenv("LATENTONE_GRPC_CERTIFICATE", str(CERTIFICATE))
    with pytest.raises(SettingsError, match="set both, or none"):
        load_settings()


def test_a_client_s_files_are_looked_at_before_anybody_is_asked() -> None:
    for files, words in (({"ca": KEY}, "holds no certificate"), ({"certificate": CA}, "certificate and its key")):
        with pytest.raises(Invalid, match=words):
            Client("grpcs://127.0.0.1:1", **files)
    with pytest.raises(FileNotFoundError, match="gone"):
        Client("https://127.0.0.1:1", ca="gone")
    with pytest.raises(Invalid, match="plain text"):
        Client("grpc://127.0.0.1:1", ca=CA)
    with pytest.raises(Invalid, match="without spaces"):
        Client("http://127.0.0.1:1", api_key="a b\n")
