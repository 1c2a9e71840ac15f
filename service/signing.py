"""Who may make models: an Ed25519 signature beside contract.json, whose digests speak for every other file.

Keys are PEM files, as openssl makes them: `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout`. A signature
is its 64 bytes, as `openssl pkeyutl -sign -rawin` gives it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from service.errors import BrokenModel
from service.settings import PREFIX, Settings, SettingsError

SIGNATURE = Path("assets.extra") / "contract.json.sig"
VARIABLE = f"{PREFIX}TRUSTED_KEYS"
BLOCK = re.compile(rb"-----BEGIN .*?-----END [A-Z ]+-----", re.DOTALL)
Trusted = Collection[Ed25519PublicKey]  # who may sign; where it is empty, anybody

UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm)  # TypeError: encrypted, and we ask for no password


def read_trusted(settings: Settings) -> tuple[Ed25519PublicKey, ...]:
    """Return the public keys that may sign; none where any model is loaded.

    Raises: SettingsError where the file can't be read, holds none, or something else.
    """
    path = settings.trusted_keys
    if path is None:
        return ()
    try:
        return read_public(path)
    except ValueError as error:
        raise SettingsError(f"{VARIABLE}={error}") from None


def read_public(path: Path) -> tuple[Ed25519PublicKey, ...]:
    """Return the keys of a file that holds one or more.

    Raises: ValueError, which quotes nothing of the file.
    """
    data = _read(path)
    try:
        keys = [load_pem_public_key(block) for block in BLOCK.findall(data)]
    except UNREADABLE:
        keys = []
    found = tuple(key for key in keys if isinstance(key, Ed25519PublicKey))
    if not found or len(found) < len(keys) or BLOCK.sub(b"", data).strip():
        raise ValueError(f"{path}: must hold Ed25519 public keys in PEM, and nothing else")
    return found


def read_private(path: Path) -> Ed25519PrivateKey:
    """Return the key of a file that holds one.

    Raises: ValueError, which quotes nothing of the file.
    """
    data = _read(path)
    try:
        key = load_pem_private_key(data, password=None)
    except UNREADABLE:
        key = None
    if not isinstance(key, Ed25519PrivateKey) or len(BLOCK.findall(data)) > 1:
        raise ValueError(f"{path}: must hold one Ed25519 private key in PEM, not encrypted")
    return key


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None


def check_signature(contract: bytes, folder: Path, trusted: Trusted) -> None:
    """Hold a contract to the signature beside it.

    Raises: BrokenModel where none of the keys has signed it.
    """
    try:
        signature = (folder / SIGNATURE).read_bytes()
    except OSError as error:
        raise BrokenModel(f"it is not signed: {SIGNATURE} can't be read: {error.strerror}") from None
    if not any(_signed(key, contract, signature) for key in trusted):
        raise BrokenModel(f"{SIGNATURE} is of none of the keys in {VARIABLE}")


def _signed(key: Ed25519PublicKey, message: bytes, signature: bytes) -> bool:
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True
