"""Who may make models: an Ed25519 signature beside contract.json, whose digests speak for every other file.

Keys are PEM files, as openssl makes them: `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout`. A signature
is its 64 bytes, as `openssl pkeyutl -sign -rawin` gives it.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection
from pathlib import Path

from service import ed25519
from service.errors import BrokenModel
from service.settings import PREFIX, Settings, SettingsError

SIGNATURE = Path("assets.extra") / "contract.json.sig"
VARIABLE = f"{PREFIX}TRUSTED_KEYS"
# What stands before the 32 bytes of a key in DER: RFC 8410.
HEADS = {
    "PUBLIC KEY": bytes.fromhex("302a300506032b6570032100"),
    "PRIVATE KEY": bytes.fromhex("302e020100300506032b657004220420"),
}
BLOCK = re.compile(r"-----BEGIN ([A-Z ]+)-----\s*([A-Za-z0-9+/=\s]*?)\s*-----END \1-----")


def read_trusted(settings: Settings) -> tuple[bytes, ...]:
    """Return the public keys that may sign; none where any model is loaded.

    Raises: SettingsError where the file can't be read, holds none, or something else.
    """
    path = settings.trusted_keys
    if path is None:
        return ()
    try:
        return read_keys(path, "PUBLIC KEY")
    except ValueError as error:
        raise SettingsError(f"{VARIABLE}={error}") from None


def read_keys(path: Path, kind: str) -> tuple[bytes, ...]:
    """Return the keys of a PEM file, 32 bytes each; kind: PUBLIC KEY or PRIVATE KEY.

    Raises: ValueError, which quotes nothing of the file.
    """
    try:
        blocks = BLOCK.findall(path.read_text(encoding="ascii"))
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path}: is not PEM") from None
    keys = [_key(kind, text) for found, text in blocks if found == kind]
    if not keys or None in keys or len(keys) < len(blocks):
        raise ValueError(f"{path}: must hold Ed25519 keys in PEM (-----BEGIN {kind}-----), and nothing else")
    return tuple(key for key in keys if key)


def _key(kind: str, text: str) -> bytes | None:
    try:
        data = base64.b64decode(text)
    except binascii.Error:
        return None
    return data[-ed25519.KEY_BYTES :] if data[: -ed25519.KEY_BYTES] == HEADS[kind] else None


def pem(kind: str, key: bytes) -> str:
    """Return a key as a PEM file holds it."""
    text = base64.b64encode(HEADS[kind] + key).decode()
    return f"-----BEGIN {kind}-----\n{text}\n-----END {kind}-----\n"


def check_signature(contract: bytes, folder: Path, trusted: Collection[bytes]) -> None:
    """Hold a contract to the signature beside it.

    Raises: BrokenModel where none of the keys has signed it.
    """
    try:
        signature = (folder / SIGNATURE).read_bytes()
    except OSError as error:
        raise BrokenModel(f"it is not signed: {SIGNATURE} can't be read: {error.strerror}") from None
    if not any(ed25519.verify(key, contract, signature) for key in trusted):
        raise BrokenModel(f"{SIGNATURE} is of none of the keys in {VARIABLE}")
