"""Publishes weights that were trained elsewhere: a vocoder like any other, whose contract names their file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trainer import players
from trainer.architectures.vocoder import Vocoder
from trainer.export.publish import check_backend, describe, new_version, write_vocoder
from trainer.published.imported import Imported
from trainer.representations import registry
from trainer.representations.representation import Representation
from trainer.versions import versions


def export_imported(imported: Imported, models: Path, *, name: str) -> Path:
    """Export to models/<name>/<next integer>/ and return that folder; as `publish.export`, whole or not at all.

    Raises: LatentoneError where Keras runs on another backend than TensorFlow; SpecError where network and mel do not
    fit; ParityError.
    """
    check_backend(imported.command.partition("trainer ")[2])
    representation = representation_of(imported)
    with new_version(models / name) as (folder, version):
        written = write_vocoder(lambda: vocoder_of(imported), representation, folder, name)
        describe(folder, _contract(imported, name, version) | written)
    return models / name / str(version)


def representation_of(imported: Imported) -> Representation:
    """The bridge between sound and the network's features."""
    return registry.make(imported.representation, imported.audio)


def vocoder_of(imported: Imported) -> Vocoder:
    """The network with its weights."""
    vocoder = players.vocoder_of(imported.architecture, imported.representation, imported.audio)
    vocoder.set_weights(imported.weights)
    return vocoder


def _contract(imported: Imported, name: str, version: int) -> dict[str, Any]:
    networks = imported.architecture.to_json()
    return {
        "contract": 1,
        "name": name,
        "version": version,
        "architecture": imported.architecture.kind,
        "audio": imported.audio.to_json(),
        "labels": [],
        "pitches": None,
        "corpus": None,
        "recipe": None,
        "imported": {
            "file": imported.file,
            "sha256": imported.sha256,
            "licence": imported.licence,
            "networks": {field: value for field, value in networks.items() if not field.startswith("critic_")},
            "command": imported.command,
        },
        "scores": {},
        "made_with": versions(),
    }
