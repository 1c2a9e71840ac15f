"""Signed models: the signatures themselves, the commands that make them, and a real server that wants them."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service import ed25519, signing
from service.contract import PLACE
from service.settings import Settings, SettingsError
from tests.service.conftest import ROOT, Server
from tests.service.versions import publish, spoil

# RFC 8032, section 7.1: secret, public key, message, signature.
PUBLISHED = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]
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
SECRET = bytes(range(32))


@pytest.mark.parametrize(("secret", "public", "message", "signature"), PUBLISHED, ids=["empty", "1 byte", "2 bytes"])
def test_signatures_are_those_of_the_rfc(secret: str, public: str, message: str, signature: str) -> None:
    assert ed25519.public_key(bytes.fromhex(secret)).hex() == public
    assert ed25519.sign(bytes.fromhex(secret), bytes.fromhex(message)).hex() == signature
    assert ed25519.verify(*map(bytes.fromhex, (public, message, signature)))


def test_keys_and_signatures_are_those_of_openssl(tmp_path: Path) -> None:
    (tmp_path / "private.pem").write_text(OPENSSL_PRIVATE)
    (tmp_path / "public.pem").write_text(OPENSSL_PUBLIC)
    (secret,) = signing.read_keys(tmp_path / "private.pem", "PRIVATE KEY")
    (public,) = signing.read_keys(tmp_path / "public.pem", "PUBLIC KEY")
    assert ed25519.public_key(secret) == public
    assert ed25519.sign(secret, b"what openssl has signed") == OPENSSL_SIGNATURE
    assert signing.pem("PUBLIC KEY", public) == OPENSSL_PUBLIC


@settings(max_examples=20, deadline=None)
@given(st.binary(max_size=40), st.integers(0, 511), st.sampled_from(["message", "public", "signature"]))
def test_a_changed_bit_is_noticed(message: bytes, bit: int, which: str) -> None:
    parts = {"public": ed25519.public_key(SECRET), "message": message, "signature": ed25519.sign(SECRET, message)}
    assert ed25519.verify(**parts)
    changed = bytearray(parts[which] or b"\0")
    changed[bit // 8 % len(changed)] ^= 1 << bit % 8
    assert not ed25519.verify(**(parts | {which: bytes(changed)}))


def test_a_signature_is_not_two(tmp_path: Path) -> None:
    """Adding the order of the group gives the same sum, which the RFC refuses."""
    public, signature = ed25519.public_key(SECRET), ed25519.sign(SECRET, b"")
    order = 2**252 + 27742317777372353535851937790883648493
    other = int.from_bytes(signature[32:], "little") + order
    assert not ed25519.verify(public, b"", signature[:32] + other.to_bytes(32, "little"))
    for nonsense in (b"", signature[:63], signature + b"\0", b"\xff" * 64):
        assert not ed25519.verify(public, b"", nonsense)


@pytest.mark.parametrize("text", ["", "keys", OPENSSL_PRIVATE, OPENSSL_PUBLIC.replace("MCow", "MCox"), "\xe9"])
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
    (folder / "stranger.pem").write_text(signing.pem("PRIVATE KEY", SECRET))
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
