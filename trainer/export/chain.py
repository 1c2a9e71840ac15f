"""A generator and the vocoder that decodes it, for one graph. Runs under TensorFlow."""

from __future__ import annotations

import json
from typing import Any

from trainer import checkpoint, players
from trainer.export.command import command_of
from trainer.export.digests import digest
from trainer.export.loaded import LoadedVocoder
from trainer.features_of import FeaturesOf
from trainer.representations.conversion import MelConversion
from trainer.representations.representation import Representation
from trainer.representations.vocoded import Vocoded
from trainer.run import CONTRACT, Run, is_model
from trainer.vocoder_source import VocoderSource

GRAPH = ("saved_model.pb", "variables/variables.data-00000-of-00001")


def vocoded(representation: Representation, features: FeaturesOf, vocoder: VocoderSource) -> Vocoded:
    """The representation of a generator, decoded by a vocoder, whose features are converted where they differ."""
    is_exported = is_model(vocoder.folder)
    network = LoadedVocoder(vocoder.folder) if is_exported else players.trained_vocoder(Run.open(vocoder.folder))
    return Vocoded(representation, network, MelConversion(features.definition, vocoder.features.definition))


def entry(vocoder: VocoderSource) -> dict[str, Any]:
    """Entry `vocoder` of the contract: what it is, how it was made, and the digests of its graph or its weights."""
    if not is_model(vocoder.folder):
        run, weights = Run.open(vocoder.folder), checkpoint.result_path(vocoder.folder)
        return {
            "name": run.title,
            "version": None,
            "architecture": run.spec.architecture.kind,
            "corpus": run.corpus["name"],
            "licence": run.corpus["licence"],
            "command": command_of(run, run.title),
            "files": {weights.name: digest(weights)},
        }
    contract = json.loads((vocoder.folder / CONTRACT).read_text())
    made, corpus = contract.get("imported") or contract["recipe"], contract["corpus"]
    return {
        **{name: contract[name] for name in ("name", "version", "architecture")},
        "corpus": None if corpus is None else corpus["name"],
        "licence": (corpus or made)["licence"],
        "command": made.get("command"),
        "files": {name: contract["files"][name] for name in GRAPH},
    }
