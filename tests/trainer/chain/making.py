"""Generators and vocoders that go together, and what tests ask of their models."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from tests.trainer import tiny
from trainer import checkpoint, players
from trainer.corpus import PreparedCorpus
from trainer.features_of import FeaturesOf
from trainer.run import CONTRACT, Run
from trainer.specs.run import RunSpec

HOP, BANDS = 128, 16


def saved(folder: Path, prepared: PreparedCorpus, spec: RunSpec = tiny.SPEC, features: FeaturesOf | None = None) -> Run:
    """A run with the weights that networks begin with: they are as good for a graph as any."""
    run = players.begin(folder, spec, prepared, features)
    state = players.game(run, prepared).state()
    checkpoint.save(run.folder, state, step=1, seconds=1.0, best=np.inf, stale=0)
    return run


Signature = Callable[..., np.ndarray]


def signature(version: Path, name: str) -> Signature:
    """A signature of a model, on arrays."""
    model = tf.saved_model.load(str(version))

    def call(**inputs: np.ndarray) -> np.ndarray:
        given = {key: tf.constant(value) for key, value in inputs.items()}
        (result,) = model.signatures[name](**given).values()
        return np.asarray(result)

    return call


def contract_of(version: Path) -> dict:
    loaded: dict = json.loads((version / CONTRACT).read_text())
    return loaded


def latents(count: int) -> dict[str, np.ndarray]:
    latents = np.random.default_rng(1).standard_normal((count, 8), dtype="float32")
    return {"latent": latents, "label": (np.arange(count) % 3).astype("int32")}
