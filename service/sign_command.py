"""`python -m service sign` and `signing-key`: sign a version of a model, and make the keys for it."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from service import signing
from service.contract import PLACE, read_contract, verify_files
from service.errors import BrokenModel


def add_signing_key(commands: Any) -> None:
    """Add the options of `signing-key` to the parser's commands."""
    parser = commands.add_parser(
        "signing-key",
        help="make a pair of keys to sign models with",
        description="Make a pair of Ed25519 keys. The private one goes into a new file that only you can read, the "
        "public one to standard output: python -m service signing-key private.pem >> trusted.pem",
    )
    parser.add_argument("private", type=Path, help="file to write")
    parser.set_defaults(run=make_pair)


def add_sign(commands: Any) -> None:
    """Add the options of `sign` to the parser's commands."""
    parser = commands.add_parser(
        "sign",
        help="sign a version of a model",
        description="Sign a version of a model, for services that trust your public key (LATENTONE_TRUSTED_KEYS). Its "
        f"files are held to its contract first; the signature goes into {signing.SIGNATURE}.",
    )
    parser.add_argument("model", type=Path, help="version folder of a model, as models/digits/1")
    parser.add_argument("--key", type=Path, required=True, help="file of your private key, PEM")
    parser.set_defaults(run=sign)


def make_pair(options: argparse.Namespace) -> int:
    """Write a private key and print the public one.

    Returns: the exit code.
    """
    key = Ed25519PrivateKey.generate()
    try:
        descriptor = os.open(options.private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        return _refused(f"{options.private}: {error.strerror}")
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    print(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(), end="")
    return 0


def sign(options: argparse.Namespace) -> int:
    """Write the signature of a version folder.

    Returns: the exit code.
    """
    folder = options.model.resolve()
    try:
        key = signing.read_private(options.key)
        text = (folder / PLACE).read_bytes()
        verify_files(read_contract(folder), folder)
        (folder / signing.SIGNATURE).write_bytes(key.sign(text))
    except (ValueError, BrokenModel) as error:
        return _refused(str(error))
    except OSError as error:
        return _refused(f"{error.filename}: {error.strerror}")
    print(options.model / signing.SIGNATURE)
    return 0


def _refused(words: str) -> int:
    print(f"error: {words}", file=sys.stderr)
    return 2
