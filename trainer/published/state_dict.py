"""Reads the state dict of a PyTorch checkpoint as arrays; the only file that imports torch, which is optional.

A checkpoint is a pickle, and a pickle is a program. torch reads it with weights_only=True, in which nothing runs but
what makes tensors. Before version 2.10 a file could get around that (CVE-2025-32434, CVE-2026-24747).
"""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainer.errors import LatentoneError

OLDEST_TORCH = (2, 10)
INSTALL = ".venv/bin/pip install 'torch>=2.10'"
WRAPPERS = ("state_dict", "model_g", "generator", "model")  # under which checkpoints keep the state dict
DEEPEST = 3  # of a wrapper in a wrapper
PARALLEL = "module."  # that torch's DataParallel puts before every name

Tensors = dict[str, NDArray[Any]]


class Checkpoint(NamedTuple):
    """What a file holds: tensors by name; the file's name and its SHA-256, in hex digits."""

    tensors: Tensors
    file: str
    sha256: str


def read(path: Path) -> Checkpoint:
    """Read a checkpoint, in either of torch's forms (zip, and the one before it), without running what it says.

    The state dict may lie under one of WRAPPERS, and its names may begin with "module.".
    Raises: LatentoneError without a torch that is new enough, and for a file that is not there, is no checkpoint, is
    truncated, holds anything but tensors, or names code to run.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LatentoneError(f"no checkpoint at {path}: {error.strerror}") from None
    torch = _torch()
    tensors = _tensors(torch, _state_dict(torch, _load(torch, data, path), path), path)
    return Checkpoint(tensors, path.name, hashlib.sha256(data).hexdigest())


def _torch() -> Any:
    try:
        import torch
    except ImportError:
        raise LatentoneError(f"a checkpoint is read by torch, which is not installed: {INSTALL}") from None
    if tuple(int(part) for part in torch.__version__.split(".")[:2]) < OLDEST_TORCH:
        raise LatentoneError(f"torch {torch.__version__} can be made to run code of a hostile checkpoint: {INSTALL}")
    return torch


def _load(torch: Any, data: bytes, path: Path) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch calls some of its own forms old
            return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # the readers of torch raise whatever they stumble over
        raise LatentoneError(f"{path} is refused: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """In one sentence, with what was expected."""
    if code := re.search(r"GLOBAL ([\w.]+)", str(error)):
        return (
            f"beside its tensors it names code to run, {code[1]}, and none was run. Only a state dict is read, as "
            "torch.save(network.state_dict(), path) writes it"
        )
    first = str(error).rpartition("WeightsUnpickler error:")[2].strip().partition("\n")[0]
    said = f"{type(error).__name__} {first[:100]}".strip()
    return f"it is no checkpoint of PyTorch, or not a whole one; torch's reader ends with {said}"


def _state_dict(torch: Any, loaded: Any, path: Path) -> Mapping[str, Any]:
    """The mapping of names to tensors, unwrapped."""
    for _ in range(DEEPEST):
        if not isinstance(loaded, Mapping):
            break
        inner = next((loaded[name] for name in WRAPPERS if isinstance(loaded.get(name), Mapping)), None)
        if inner is None:
            break
        loaded = inner
    if not isinstance(loaded, Mapping) or not any(torch.is_tensor(value) for value in loaded.values()):
        held = f"a mapping of {_listed(loaded)}" if isinstance(loaded, Mapping) else f"a {type(loaded).__name__}"
        raise LatentoneError(
            f"{path} holds {held}, and no state dict (names to tensors), alone or under {', '.join(WRAPPERS)}"
        )
    return loaded


def _tensors(torch: Any, state_dict: Mapping[str, Any], path: Path) -> Tensors:
    found = {}
    cut = len(PARALLEL) if all(str(name).startswith(PARALLEL) for name in state_dict) else 0
    for name, value in state_dict.items():
        if not torch.is_tensor(value):
            raise LatentoneError(f"{path}: {name} is a {type(value).__name__}, and a state dict has tensors alone")
        try:
            found[str(name)[cut:]] = np.asarray(value.detach().numpy())
        except (TypeError, RuntimeError) as error:  # bfloat16, quantised, sparse, without values
            raise LatentoneError(f"{path}: {name} can't be read: {error}. Save the state dict as float32") from error
    return found


def _listed(names: Mapping[Any, Any]) -> str:
    shown = [str(name)[:40] for name in names]
    return ", ".join(shown[:5]) + (f" and {len(shown) - 5} more" if len(shown) > 5 else "") if shown else "nothing"
