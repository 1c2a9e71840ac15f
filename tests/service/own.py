"""What our own operations give for latents and features, to compare other protocols with."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from tests.service.conftest import Server
from tests.service.tiny_model import LATENT


def drawn(count: int) -> np.ndarray:
    """Return some latents."""
    return np.random.default_rng(count).standard_normal((count, LATENT), np.float32)


def generated(
    server: Server, latents: np.ndarray, *, model: str = "tiny", version: int = 0, labelled: bool = True
) -> np.ndarray:
    """Return the clips of latents, with the label of index 1 where there are labels."""
    label = {"label": "1"} if labelled else {}
    return array(server, "generate", {"model": model, "version": version, "latents": latents.tolist(), **label})


def features_of(server: Server, latents: np.ndarray) -> np.ndarray:
    """Return the features of latents, with the label of index 1."""
    return array(server, "sample", {"model": "tiny", "latents": latents.tolist(), "label": "1"})


def decoded(server: Server, features: np.ndarray) -> np.ndarray:
    """Return the sound of features."""
    return array(server, "decode", {"model": "tiny", "features": features.tolist()})


def array(server: Server, operation: str, fields: dict[str, Any]) -> np.ndarray:
    """Return the answer of an operation as an array."""
    answer = server.http.post(f"/v1/{operation}", json=fields, headers={"accept": "application/x-npy"})
    assert answer.status_code == 200, answer.text
    read: np.ndarray = np.load(io.BytesIO(answer.content))
    return read
