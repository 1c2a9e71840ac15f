"""Turns sounds into features and back by a vocoder's run or an exported vocoder, without the service."""

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
from trainer.representations import registry
from trainer.run import CONTRACT, Run, check_source, is_model
from trainer.specs.audio import AudioSpec

Floats = NDArray[np.float32]
Change = Callable[[Floats], Floats]


@dataclass(frozen=True, kw_only=True)
class Decoder:
    """Of waveforms [B, S], S a whole number of hops, and features [B, T, M].

    analyse: waveforms to features. decode: features to waveforms in [-1, 1]. griffin_lim: the same without a network.
    facts: what a report says of the model.
    """

    analyse: Change
    decode: Change
    griffin_lim: Change
    audio: AudioSpec
    facts: dict[str, Any]
    label_names: tuple[str, ...] = ()


def open_decoder(folder: Path) -> Decoder:
    """Open the run of a vocoder or its version folder.

    Raises: LatentoneError where it is neither.
    """
    check_source(folder)
    return _of_model(folder) if is_model(folder) else _of_run(Run.open(folder))


def _of_run(run: Run) -> Decoder:
    representation, network = players.representation(run), players.trained_vocoder(run)
    return Decoder(
        analyse=_on_arrays(compiled(representation.encode)),
        decode=_on_arrays(compiled(network)),
        griffin_lim=_on_arrays(compiled(representation.decode)),
        audio=run.spec.audio,
        facts=facts.of_run(run),
    )


def _of_model(folder: Path) -> Decoder:
    import tensorflow as tf

    contract: dict[str, Any] = json.loads((folder / CONTRACT).read_text())
    audio = AudioSpec.from_json(contract["audio"])
    loaded = tf.saved_model.load(str(folder))
    signatures = loaded.signatures  # they do not keep their model: `analyse` does
    representation = registry.of_description(contract["features"], audio)

    def analyse(waveforms: Floats, _kept: Any = loaded) -> Floats:
        return np.asarray(signatures["analyse"](waveform=tf.constant(waveforms))["features"].numpy())

    return Decoder(
        analyse=analyse,
        decode=lambda features: np.asarray(signatures["decode"](features=tf.constant(features))["waveform"].numpy()),
        griffin_lim=_on_arrays(compiled(representation.decode)),
        audio=audio,
        facts=facts.of_contract(contract),
    )


def _on_arrays(function: Callable[..., Any]) -> Change:
    return lambda given: np.asarray(function(given))
