"""Signed models: the signatures themselves, the commands that make them, and a real server that wants them."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from service import signing
from service.contract import PLACE
from service.settings import Settings, SettingsError
from tests.service.conftest import ROOT, Server
from tests.service.versions import publish, spoil

# Made with openssl, whose files and signatures are ours.
OPENSSL_PRIVATE = """-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEICaG657Vtx1RdE5+8sYnGymUzDbLjWtLyKcfu6YBP+Dv
-----END PRIVATE KEY-----
"""
OPENSSL_PUBLIC = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA3jXdQeFCPNH557eAOyik484hwqwNW2EBHrsnET7hn7Q=
-----END PUBLIC KEY-----
"""
OPENSSL_SIGNATURE = bytes.fromhex(
    "14608d76a0a912fe7f22c3b991f2899b4dbff12c43eec66b1292e385b48d1f35"
    "d27cd1b1bbe1fa9d0b7de2430469aa02cb085ea1d65a1cc24d40b54db85b3502"
)


def test_keys_and_signatures_are_those_of_openssl(tmp_path: Path) -> None:
    (tmp_path / "private.pem").write_text(OPENSSL_PRIVATE)
    (tmp_path / "public.pem").write_text(OPENSSL_PUBLIC)
    private = signing.read_private(tmp_path / "private.pem")
    (public,) = signing.read_public(tmp_path / "public.pem")
    assert private.public_key() == public
    assert private.sign(b"what openssl has signed") == OPENSSL_SIGNATURE
    public.verify(OPENSSL_SIGNATURE, b"what openssl has signed")


@pytest.mark.parametrize("text", ["", OPENSSL_PUBLIC, OPENSSL_PRIVATE * 2, OPENSSL_PRIVATE.replace("MC4C", "MC5C")])
def test_a_file_that_is_not_of_one_private_key_is_refused_and_not_quoted(tmp_path: Path, text: str) -> None:
    (tmp_path / "private.pem").write_text(text)
    with pytest.raises(ValueError, match=r"private.pem: must hold one Ed25519 private key") as refused:
        signing.read_private(tmp_path / "private.pem")
    assert "MC" not in str(refused.value)


@pytest.mark.parametrize(
    "text", ["", "keys", "\xe9", OPENSSL_PRIVATE, OPENSSL_PUBLIC + "?", OPENSSL_PUBLIC.replace("MCow", "MCox")]
)
def test_a_file_that_is_not_of_public_keys_stops_the_start_and_is_not_quoted(tmp_path: Path, text: str) -> None:
    (tmp_path / "trusted.pem").write_text(text)
    with pytest.raises(SettingsError, match=r"LATENTONE_TRUSTED_KEYS=.*trusted.pem: ") as refused:
        signing.read_trusted(Settings(trusted_keys=tmp_path / "trusted.pem"))
    assert "MC4C" not in str(refused.value)
    with pytest.raises(SettingsError, match="No such file"):
        signing.read_trusted(Settings(trusted_keys=tmp_path / "absent.pem"))


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "service", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with private.pem and trusted.pem, as the command makes them, and a stranger's key."""
    folder = tmp_path_factory.mktemp("keys")
    made = run("signing-key", folder / "private.pem")
    assert made.returncode == 0, made.stderr
    (folder / "trusted.pem").write_text(OPENSSL_PUBLIC + made.stdout)
    assert run("signing-key", folder / "stranger.pem").returncode == 0
    return folder


@pytest.fixture(scope="module")
def strict(models: Path, keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    """Return a server that trusts keys, and its folder: tiny 1 is signed, and 2 is not."""
    root = tmp_path_factory.mktemp("signed")
    signed = run("sign", publish(models, root, 1, like=1), "--key", keys / "private.pem")
    assert signed.returncode == 0, signed.stderr
    publish(models, root, 2, like=2)
    trusted = {"trusted_keys": keys / "trusted.pem"}
    started = Server(root, keys / "log", lame_duck_seconds=0, models_poll_seconds=0.2, **trusted)
    yield started.wait_until_ready(), root
    started.stop()


def reason(server: Server, version: int) -> str:
    models = {model["version"]: model["reason"] for model in server.http.get("/v1/models").json()["models"]}
    return models.get(version, "")


def test_a_private_key_is_its_owners_and_never_written_over(keys: Path) -> None:
    assert stat.S_IMODE((keys / "private.pem").stat().st_mode) == 0o600
    before = (keys / "private.pem").read_bytes()
    again = run("signing-key", keys / "private.pem")
    assert (again.returncode, again.stdout) == (2, "")
    assert (keys / "private.pem").read_bytes() == before


def test_an_unsigned_version_is_refused_until_it_is_signed(strict: tuple[Server, Path], keys: Path) -> None:
    server, root = strict
    assert server.generate().headers["x-latentone-version"] == "1"
    assert reason(server, 2).startswith("it is not signed")
    assert run("sign", root / "tiny" / "2", "--key", keys / "private.pem").returncode == 0
    server.wait_until(lambda: server.generate().headers["x-latentone-version"] == "2")


def test_a_stranger_s_or_a_changed_version_is_refused(strict: tuple[Server, Path], models: Path, keys: Path) -> None:
    server, root = strict
    assert run("sign", publish(models, root, 3, like=1), "--key", keys / "stranger.pem").returncode == 0
    changed = publish(models, root, 4, like=1, name=".aside")
    (changed / PLACE).write_text((changed / PLACE).read_text().replace('".aside"', '"tiny"'))
    changed = changed.rename(root / "tiny" / "4")
    assert run("sign", changed, "--key", keys / "private.pem").returncode == 0
    server.wait_until(lambda: server.generate().headers["x-latentone-version"] == "4")
    changed = changed.rename(root / ".aside" / "5")
    (changed / PLACE).write_text((changed / PLACE).read_text().replace('"version": 4', '"version": 5'))
    changed.rename(root / "tiny" / "5")
    none = "contract.json.sig is of none of the keys in LATENTONE_TRUSTED_KEYS"
    for version in (3, 5):
        server.wait_until(lambda: none in reason(server, version))  # noqa: B023 - it is called here
    assert int(server.generate().headers["x-latentone-version"]) == 2


def test_nobody_signs_what_is_broken(models: Path, tmp_path: Path, keys: Path) -> None:
    folder = publish(models, tmp_path, 1, like=1, finish=spoil)
    refused = run("sign", folder, "--key", keys / "private.pem")
    assert refused.returncode == 2
    assert "differs from its digest" in refused.stderr
    assert not (folder / signing.SIGNATURE).exists()
