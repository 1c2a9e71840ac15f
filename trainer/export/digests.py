"""What a version folder holds, and whether it is what its contract says."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from trainer.errors import LatentoneError
from trainer.run import CONTRACT


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below `folder` but the contract."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / CONTRACT)
    return {path.relative_to(folder).as_posix(): digest(path) for path in files}


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def verified_contract(folder: Path) -> dict[str, Any]:
    """The contract of a version folder: a SavedModel is code, and what was not described must not be loaded.

    Raises: LatentoneError where the folder's files are not those of its contract.
    """
    contract: dict[str, Any] = json.loads((folder / CONTRACT).read_text())
    if contract["files"] != digests(folder):
        raise LatentoneError(f"{folder}: its files are not those of its contract; export it again")
    return contract
