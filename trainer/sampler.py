"""Makes sounds from a run or an exported model, without the service."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer import facts, players
from trainer.autodiff import compiled
from trainer.draws import latents
from trainer.errors import LatentoneError, unknown
from trainer.randomness import generator_at
from trainer.run import CONTRACT, Run, is_model, is_vocoder
from trainer.specs.audio import AudioSpec

Floats = NDArray[np.float32]
Labels = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """Latents [B, Z] and labels int32 [B] to waveforms [B, S] in [-1, 1].

    Stereo waveforms have a last axis of two.
    reconstruct: waveforms of a clip's length to what is left of them after analyse and decode; None for models that
    make waveforms themselves.
    facts: what a report says of the model: architecture, recipe, step, minutes, device, backend.
    """

    sample: Callable[[Floats, Labels], Floats]
    reconstruct: Callable[[Floats], Floats] | None
    latent_size: int
    latent_distribution: str
    label_names: tuple[str, ...]
    audio: AudioSpec
    facts: dict[str, Any]

    def __call__(self, latents: Floats, labels: Labels) -> Floats:
        """Make the sounds."""
        return self.sample(latents, labels)

    def latent(self, seed: int, item: int) -> Floats:
        """The latent [Z] of an item: the service draws the same."""
        return latents(self.latent_distribution, (self.latent_size,), generator_at(seed, item))

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

    Raises: LatentoneError where it is neither, or a vocoder.
    """
    if is_vocoder(folder):
        raise LatentoneError(
            f"{folder} is a vocoder: it decodes features and has nothing to sample from. Hear what it makes of real "
            f"clips in the report of python -m trainer evaluate {folder}, or decode with the service"
        )
    return _of_model(folder) if is_model(folder) else _of_run(Run.open(folder))


def _of_run(run: Run) -> Sampler:
    generator, representation = players.trained_generator(run), players.representation(run)
    labelled = bool(run.label_names)
    make = compiled(lambda latent, label: representation.decode(generator(latent, label if labelled else None)))
    again = compiled(lambda waveforms: representation.decode(representation.encode(waveforms)))
    return Sampler(
        sample=lambda latents, labels: np.asarray(make(latents, labels)),
        reconstruct=(lambda waveforms: np.asarray(again(waveforms))) if representation.describe() else None,
        latent_size=generator.latent_size,
        latent_distribution=generator.latent_distribution,
        label_names=run.label_names,
        audio=run.spec.audio,
        facts=facts.of_run(run),
    )


def _of_model(folder: Path) -> Sampler:
    import tensorflow as tf

    contract: dict[str, Any] = json.loads((folder / CONTRACT).read_text())
    loaded = tf.saved_model.load(str(folder))
    signatures, labelled = loaded.signatures, bool(contract["labels"])

    def sample(latents: Floats, labels: Labels) -> Floats:
        given = {"latent": tf.constant(latents)} | ({"label": tf.constant(labels)} if labelled else {})
        return np.asarray(signatures["generate"](**given)["waveform"].numpy())

    def reconstruct(waveforms: Floats) -> Floats:
        features = signatures["analyse"](waveform=tf.constant(waveforms))["features"]
        return np.asarray(signatures["decode"](features=features)["waveform"].numpy())

    return Sampler(
        sample=sample,
        reconstruct=reconstruct if contract["features"] else None,
        latent_size=contract["latent"]["size"],
        latent_distribution=contract["latent"]["distribution"],
        label_names=tuple(contract["labels"]),
        audio=AudioSpec.from_json(contract["audio"]),
        facts=facts.of_contract(contract),
    )
