"""Checkpoints made by torch, where it is installed."""

from __future__ import annotations

import importlib.util
import io
from typing import Any

import pytest

from tests.trainer.published.original import StateDict
from trainer.published import state_dict

needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None,
    reason=f"CHECKPOINTS ARE NOT TESTED: torch is optional, for nothing else needs it; {state_dict.INSTALL}",
)


def as_torch(tensors: StateDict) -> dict[str, Any]:
    import torch

    return {name: torch.from_numpy(tensor.copy()) for name, tensor in tensors.items()}


def saved(value: object, *, zipped: bool = True) -> bytes:
    import torch

    file = io.BytesIO()
    torch.save(value, file, _use_new_zipfile_serialization=zipped)
    return file.getvalue()
