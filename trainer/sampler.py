"""Makes sounds from a run or an exported model, without the service."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trainer.autodiff import compiled
from trainer.config import LatentoneError, unknown
from trainer.run import Run

Latents = np.ndarray
Labels = np.ndarray


@dataclass(frozen=True)
class Sampler:
    """Latents [B, Z] and labels int32 [B] to waveforms [B, S] in [-1, 1]."""

    sample: Callable[[Latents, Labels], np.ndarray]
    latent_size: int
    label_names: tuple[str, ...]
    sample_rate_hz: int

    def __call__(self, latents: Latents, labels: Labels) -> np.ndarray:
        """Make the sounds."""
        return self.sample(latents, labels)

    def label(self, name: str | None) -> int | None:
        """Index of a label.

        Raises: LatentoneError for a name that the model does not have.
        """
        if name is None:
            return None
        if name not in self.label_names:
            raise LatentoneError(f"--label: {unknown('label', name, self.label_names)}")
        return self.label_names.index(name)


def open_sampler(folder: Path) -> Sampler:
    """Open a run (runs/<name>) or a model's version folder (models/<name>/<version>).

    Raises: LatentoneError where it is neither.
    """
    if (folder / "assets.extra" / "contract.json").is_file():
        return _of_model(folder)
    if (folder / "run.json").is_file():
        return _of_run(Run.open(folder))
    raise LatentoneError(f"{folder} is neither a run (runs/<name>) nor a model's version (models/<name>/<version>)")


def _of_run(run: Run) -> Sampler:
    generator, representation = run.trained_generator(), run.representation()
    labelled = bool(run.label_names)
    make = compiled(lambda latent, label: representation.decode(generator(latent, label if labelled else None)))
    return Sampler(
        sample=lambda latents, labels: np.asarray(make(latents, labels)),
        latent_size=run.spec.melspec.latent_size,
        label_names=run.label_names,
        sample_rate_hz=run.spec.audio.sample_rate_hz,
    )


def _of_model(folder: Path) -> Sampler:
    import tensorflow as tf

    contract: dict[str, Any] = json.loads((folder / "assets.extra" / "contract.json").read_text())
    generate = tf.saved_model.load(str(folder)).signatures["generate"]

    def sample(latents: Latents, labels: Labels) -> np.ndarray:
        given = {"latent": tf.constant(latents)} | ({"label": tf.constant(labels)} if contract["labels"] else {})
        return generate(**given)["waveform"].numpy()  # type: ignore[no-any-return]

    return Sampler(
        sample=sample,
        latent_size=contract["latent"]["size"],
        label_names=tuple(contract["labels"]),
        sample_rate_hz=contract["audio"]["sample_rate_hz"],
    )
